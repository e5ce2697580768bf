import { LIMITS } from "../protocol/limits.ts";
import type { CommandRow } from "./store/rows.ts";

/** What is kept in memory of a command that is not ended. Times are monotonic milliseconds. */
export interface Open {
  readonly id: string;
  readonly connectorId: string;
  readonly resourceKey: string;
  readonly askedAt: number;
  readonly deadline: number;
  state: CommandRow["state"];
  /** When it was sent last; before all time where it is to be sent at the next chance. */
  sentAt: number;
  /** A transaction about it is under way. */
  busy: boolean;
}

/** The commands that are not ended, by connector, in the order in which they were asked for. */
export class OpenCommands {
  readonly #byConnector = new Map<string, Map<string, Open>>();

  add(row: CommandRow, at: { readonly now: number; readonly tick: number }): void {
    const commands = this.#byConnector.get(row.connectorId) ?? new Map<string, Open>();
    this.#byConnector.set(row.connectorId, commands);
    // A wall clock that was set back meanwhile gives nobody more time.
    const askedAt = at.tick - Math.max(0, at.now - row.createdAt);
    commands.set(row.id, {
      id: row.id,
      connectorId: row.connectorId,
      resourceKey: row.resourceKey,
      state: row.state,
      askedAt,
      deadline: askedAt + (row.deadlineAt - row.createdAt),
      sentAt: Number.NEGATIVE_INFINITY,
      busy: false,
    });
  }

  get(connectorId: string, id: string): Open | undefined {
    return this.#byConnector.get(connectorId)?.get(id);
  }

  countOf(connectorId: string): number {
    return this.#byConnector.get(connectorId)?.size ?? 0;
  }

  remove({ connectorId, id }: Open): void {
    const commands = this.#byConnector.get(connectorId);
    commands?.delete(id);
    if (commands?.size === 0) this.#byConnector.delete(connectorId);
  }

  forget(connectorId: string): void {
    this.#byConnector.delete(connectorId);
  }

  connectors(): readonly string[] {
    return [...this.#byConnector.keys()];
  }

  of(connectorId: string): readonly Open[] {
    return [...(this.#byConnector.get(connectorId)?.values() ?? [])];
  }

  /**
   * What may be sent now: one of a key, no more in flight than a connector takes, and again what was sent
   * before `resendBefore` and not taken. What was taken is sent again on a new session only, where the
   * connector's process may be another one.
   */
  due(connectorId: string, { now, resendBefore }: { now: number; resendBefore: number }): readonly Open[] {
    const keys = new Set<string>();
    const due: Open[] = [];
    let inFlight = 0;
    for (const open of this.of(connectorId)) {
      const isFree = !keys.has(open.resourceKey) && inFlight < LIMITS.commandsInFlight;
      keys.add(open.resourceKey);
      if (open.state === "queued" && !isFree) continue;
      inFlight += 1;
      if (isSendable(open, resendBefore) && !open.busy && now < open.deadline) due.push(open);
    }
    return due;
  }
}

function isSendable({ state, sentAt }: Open, resendBefore: number): boolean {
  if (state === "queued") return true;
  return state === "accepted" ? sentAt === Number.NEGATIVE_INFINITY : sentAt <= resendBefore;
}
