import type {
  CommandAccepted,
  CommandDispatch,
  CommandProgress,
  CommandResult,
} from "../protocol/command-frames.ts";
import type { Timings } from "../protocol/limits.ts";
import type { Clock } from "./clock.ts";
import { asksTheSame, type CommandRequest, queued, unanswered, withResult } from "./command-rules.ts";
import type { Log } from "./log.ts";
import type { Notify } from "./notify.ts";
import { type Open, OpenCommands } from "./open-commands.ts";
import { freshenReport } from "./status.ts";
import type { CommandRow } from "./store/rows.ts";
import type { Store, Transaction } from "./store/store.ts";

/** Commands of one connector that may wait. */
const MOST_OPEN = 256;

export interface CommandsPlace {
  readonly store: Store;
  readonly clock: Clock;
  readonly timings: Timings;
  readonly notify: Notify;
  readonly log: Log;
  newId(): string;
  /** Whether the connector has a session that is ready. */
  readonly isConnected: (connectorId: string) => boolean;
  /** Sends to the connector's session. False where it has none that is ready. */
  send(connectorId: string, dispatch: CommandDispatch, expiresAt: number): boolean;
}

export type Created = { readonly id: string } | "too_many" | "key_reused";

/** The commands of all connectors: rows in the store, and the order in which they leave. */
export class Commands {
  readonly #place: CommandsPlace;
  readonly #open = new OpenCommands();

  constructor(place: CommandsPlace) {
    this.#place = place;
  }

  /** At the start: what an earlier process left unended. */
  restore(rows: readonly CommandRow[]): void {
    for (const row of rows) this.#add(row);
  }

  /** Milliseconds since the oldest open command was asked for; 0 without one. */
  oldestMs(): number {
    const now = this.#place.clock.tick();
    const asked = this.#open
      .connectors()
      .flatMap((id) => this.#open.of(id).map(({ askedAt }) => now - askedAt));
    return asked.reduce((oldest, age) => Math.max(oldest, age), 0);
  }

  /** Stores the request, once for an Idempotency-Key, and dispatches it as soon as it may. */
  async create(request: CommandRequest): Promise<Created> {
    if (this.#open.countOf(request.connectorId) >= MOST_OPEN) return "too_many";
    const { clock, timings, store } = this.#place;
    const now = clock.now();
    const fresh = queued(request, this.#place.newId(), { now, deadlineAt: now + timings.commandMs });
    const row = await store.transact(async (tx) => {
      const before =
        request.idempotency === null ? undefined : await tx.commandByIdempotency(request.idempotency);
      if (before !== undefined) return before;
      await tx.putCommand(fresh);
      return fresh;
    });
    if (row.id !== fresh.id) return asksTheSame(row, request) ? { id: row.id } : "key_reused";
    this.#add(row);
    this.#place.notify.command(row.id);
    this.#dispatchNext(row.connectorId);
    return { id: row.id };
  }

  /** The connector has a new session: what is in flight is sent again. */
  connected(connectorId: string): void {
    for (const open of this.#open.of(connectorId)) open.sentAt = Number.NEGATIVE_INFINITY;
    this.#dispatchNext(connectorId);
  }

  /** Forgets a connector that was removed. */
  forget(connectorId: string): void {
    this.#open.forget(connectorId);
  }

  async accepted(tx: Transaction, connectorId: string, { commandId }: CommandAccepted): Promise<void> {
    const row = await openRow(tx, connectorId, commandId);
    if (row !== undefined) await tx.putCommand({ ...row, state: "accepted" });
  }

  async progressed(tx: Transaction, connectorId: string, data: CommandProgress): Promise<void> {
    const row = await openRow(tx, connectorId, data.commandId);
    if (row === undefined || row.stages.length >= 32) return;
    const stages = row.stages.filter(({ stage }) => stage !== data.stage.stage).concat(data.stage);
    await tx.putCommand({ ...row, stages });
  }

  /** Ends the command, once. Gives the integration whose words are newer now. */
  async ended(tx: Transaction, connectorId: string, data: CommandResult): Promise<string | undefined> {
    const row = await openRow(tx, connectorId, data.commandId);
    if (row === undefined) return undefined;
    const now = this.#place.clock.now();
    await tx.putCommand(withResult(row, data, now));
    if (row.kind !== "refresh" || data.report === null) return undefined;
    await freshenReport({ tx, connectorId, now }, data.report);
    return data.report.name;
  }

  /** After the transaction of one of the three above. */
  committed(connectorId: string, commandId: string, state: "accepted" | "progress" | "ended"): void {
    const open = this.#open.get(connectorId, commandId);
    if (open === undefined) return;
    if (state === "accepted") open.state = "accepted";
    if (state === "ended") this.#open.remove(open);
    this.#place.notify.command(commandId);
    if (state === "ended") this.#dispatchNext(connectorId);
  }

  /** Ends what is past its deadline, and sends again what was not taken. */
  sweep(): void {
    const now = this.#place.clock.tick();
    for (const connectorId of this.#open.connectors()) {
      for (const open of this.#open.of(connectorId)) if (now >= this.#endOf(open)) this.#expire(open);
      this.#dispatchNext(connectorId);
    }
  }

  #endOf(open: Open): number {
    return open.state === "accepted" ? open.deadline + this.#place.timings.redispatchMs : open.deadline;
  }

  #add(row: CommandRow): void {
    const { clock } = this.#place;
    this.#open.add(row, { now: clock.now(), tick: clock.tick() });
  }

  #dispatchNext(connectorId: string): void {
    const { clock, timings, isConnected } = this.#place;
    if (!isConnected(connectorId)) return;
    const now = clock.tick();
    for (const open of this.#open.due(connectorId, { now, resendBefore: now - timings.redispatchMs }))
      this.#dispatch(open);
  }

  #dispatch(open: Open): void {
    this.#inBackground(open, async (tx) => {
      const row = await openRow(tx, open.connectorId, open.id);
      if (row === undefined) return undefined;
      const state = row.state === "accepted" ? row.state : "dispatched";
      const next = { ...row, state, attempt: row.attempt + 1 } as const;
      await tx.putCommand(next);
      return next;
    });
  }

  #expire(open: Open): void {
    if (open.busy) return;
    this.#inBackground(open, async (tx) => {
      const row = await openRow(tx, open.connectorId, open.id);
      if (row === undefined) return undefined;
      const ended = unanswered(row, this.#place.clock.now());
      await tx.putCommand(ended);
      return ended;
    });
  }

  /** One transaction about one command, then what it calls for. A store that refuses is asked again by the sweep. */
  #inBackground(open: Open, work: (tx: Transaction) => Promise<CommandRow | undefined>): void {
    open.busy = true;
    this.#place.store
      .transact(work)
      .then((row) => this.#written(open, row))
      .catch((error: unknown) => this.#place.log.error({ err: error }, "a command could not be stored"))
      .finally(() => {
        open.busy = false;
      });
  }

  #written(open: Open, row: CommandRow | undefined): void {
    if (row === undefined || row.endedAt !== null) {
      this.#open.remove(open);
      if (row !== undefined) this.#place.notify.command(row.id);
      return;
    }
    const { clock } = this.#place;
    const { id: commandId, kind, resourceKey, attempt, args } = row;
    const timeoutMs = Math.max(0, open.deadline - clock.tick());
    const dispatch = { commandId, kind, resourceKey, attempt, timeoutMs, args };
    const sent = this.#place.send(open.connectorId, dispatch, row.deadlineAt);
    open.sentAt = clock.tick();
    if (sent && open.state === "queued") open.state = "dispatched";
    this.#place.notify.command(row.id);
  }
}

async function openRow(tx: Transaction, connectorId: string, id: string): Promise<CommandRow | undefined> {
  const row = await tx.command(id);
  return row === undefined || row.connectorId !== connectorId || row.endedAt !== null ? undefined : row;
}
