import type { CloseName } from "../protocol/close-codes.ts";
import type { CommandDispatch } from "../protocol/command-frames.ts";
import type { Timings } from "../protocol/limits.ts";
import type { Clock } from "./clock.ts";
import type { Liveness, LivenessChange } from "./liveness.ts";
import type { Log } from "./log.ts";
import type { Notify } from "./notify.ts";
import { SILENT, type Store } from "./store/store.ts";
import { Takeovers } from "./takeovers.ts";

/** What the hub knows of a session. */
export interface Seated {
  readonly connectorId: string;
  readonly instanceId: string;
  /** When its socket was opened; monotonic milliseconds. */
  readonly openedAt: number;
  close(why: CloseName): void;
  /** Ends the socket without a word: its peer is dead. */
  terminate(): void;
  dispatch(data: CommandDispatch, expiresAt: number): void;
  goaway(reason: string, reconnectAfterMs: number): void;
  /** Ends it where it does not read, or is too old. */
  inspect(): void;
}

const SWEEPS_TO_INSPECT = 16;

export interface HubPlace {
  readonly store: Store;
  readonly clock: Clock;
  readonly timings: Timings;
  readonly liveness: Liveness;
  readonly notify: Notify;
  readonly log: Log;
}

/** A state that the store refused is stored again after this time. Milliseconds. */
const RECORD_AGAIN_MS = 1_000;

/** Who is connected, and what becomes of it when that changes. One session a connector; the newest `ready` wins. */
export class Hub {
  readonly takeovers: Takeovers;
  readonly #place: HubPlace;
  readonly #seats = new Map<string, Seated>();
  /** Who sat last, also after its end. */
  readonly #last = new Map<string, Pick<Seated, "instanceId" | "openedAt">>();
  /** Epoch milliseconds of the last frame, by connector. */
  readonly #seen = new Map<string, number>();
  /** Changes that the store refused, by connector: the sweep asks it again. */
  readonly #refused = new Map<string, { readonly change: LivenessChange; readonly at: number }>();
  #sweeps = 0;

  constructor(place: HubPlace) {
    this.#place = place;
    this.takeovers = new Takeovers(place.timings);
  }

  get size(): number {
    return this.#seats.size;
  }

  has(connectorId: string): boolean {
    return this.#seats.has(connectorId);
  }

  sittingInstance(connectorId: string): string | undefined {
    return this.#seats.get(connectorId)?.instanceId;
  }

  /**
   * Whether an instance that opened a socket then has had a session over a newer one since. It tries one socket at
   * a time: what comes over the older one was long on its way.
   */
  isLate(connectorId: string, { instanceId, openedAt }: Pick<Seated, "instanceId" | "openedAt">): boolean {
    const last = this.#last.get(connectorId);
    return last !== undefined && last.instanceId === instanceId && openedAt < last.openedAt;
  }

  /** When the connector was last heard of, where this process heard of it; epoch milliseconds. */
  lastSeenAt(connectorId: string): number | undefined {
    return this.#seen.get(connectorId);
  }

  /** The session's `ready` is committed: it is the one from here on, and any other is closed. */
  seat(session: Seated): void {
    const { connectorId } = session;
    const before = this.#seats.get(connectorId);
    this.#seats.set(connectorId, session);
    this.#last.set(connectorId, { instanceId: session.instanceId, openedAt: session.openedAt });
    this.#seen.set(connectorId, this.#place.clock.now());
    // Stored with `ready`; stored again where the change before it came to the store after that.
    this.record(this.#place.liveness.ready(connectorId));
    this.#place.notify.connector(connectorId);
    if (before !== undefined && before !== session) before.close("superseded");
  }

  /** A frame of that session came. */
  seen(session: Seated): void {
    if (this.#seats.get(session.connectorId) !== session) return;
    this.#seen.set(session.connectorId, this.#place.clock.now());
    this.record(this.#place.liveness.seen(session.connectorId));
  }

  /** The session is over. Only the one that sits changes anything: a late end of an older one does not. */
  leave(session: Seated, bye?: { reason: string; expectedReturnMs: number | null }): void {
    const { connectorId } = session;
    if (this.#seats.get(connectorId) !== session) return;
    this.#seats.delete(connectorId);
    const { liveness } = this.#place;
    this.record(
      bye === undefined
        ? liveness.ended(connectorId)
        : liveness.bye(connectorId, bye.reason, bye.expectedReturnMs),
    );
  }

  dispatch(connectorId: string, data: CommandDispatch, expiresAt: number): boolean {
    const session = this.#seats.get(connectorId);
    session?.dispatch(data, expiresAt);
    return session !== undefined;
  }

  /** Closes the connector's session, at once. */
  revoked(connectorId: string, why: "revoked" | "mustEnrol"): void {
    this.#seats.get(connectorId)?.close(why);
    this.takeovers.forget(connectorId);
    if (why === "mustEnrol") this.forget(connectorId);
    else this.record(this.#place.liveness.silenced(connectorId));
  }

  forget(connectorId: string): void {
    this.#seats.delete(connectorId);
    this.#last.delete(connectorId);
    this.#seen.delete(connectorId);
    this.#place.liveness.forget(connectorId);
  }

  /** Silence; and every sixteenth time, slow readers and old sessions, which have time. */
  sweep(): void {
    for (const change of this.#place.liveness.sweep()) {
      if (change.to === "unreachable") this.#seats.get(change.id)?.terminate();
      this.record(change);
    }
    this.#recordAgain();
    if (this.#sweeps % SWEEPS_TO_INSPECT === 0) for (const session of this.#seats.values()) session.inspect();
    this.#sweeps += 1;
  }

  /** Tells all to go elsewhere, spread evenly over `overMs`; the connectors come back after as long. */
  async drain(overMs: number, signal: AbortSignal): Promise<void> {
    const sessions = [...this.#seats.values()];
    const pause = sessions.length === 0 ? 0 : overMs / sessions.length;
    for (const session of sessions) {
      session.goaway("shutdown", overMs);
      session.close("restart");
      if (pause >= 1) await this.#place.clock.sleep(pause, signal);
    }
  }

  /** Stores a new state; whoever shows it is told afterwards. */
  record(change: LivenessChange | undefined): void {
    if (change === undefined) return;
    const { store, clock, log, notify } = this.#place;
    const { id, from, to } = change;
    const at = clock.now();
    this.#refused.delete(id);
    const heard = this.#seen.get(id);
    store
      .transact(async (tx) => {
        const row = await tx.connector(id);
        if (row === undefined || row.state === to || this.#place.liveness.state(id) !== to) return;
        await tx.putConnector({
          ...row,
          state: to,
          since: at,
          lastHeartbeatAt: heard ?? row.lastHeartbeatAt,
        });
      })
      .then(() => {
        log.info({ connector: id, from, to }, "a connector's state changed");
        notify.connector(id);
        if (SILENT.includes(to) || SILENT.includes(from)) notify.integrations(id, null);
      })
      .catch((error: unknown) => {
        log.error({ err: error, connector: id }, "a state could not be stored");
        this.#refused.set(id, { change, at: clock.tick() });
      });
  }

  #recordAgain(): void {
    const { clock, liveness } = this.#place;
    for (const [id, { change, at }] of this.#refused)
      if (liveness.state(id) !== change.to) this.#refused.delete(id);
      else if (clock.tick() - at >= RECORD_AGAIN_MS) this.record(change);
  }

  /** Stores when each connector was heard of last: for display, after a restart. */
  async storeSeen(): Promise<void> {
    await this.#place.store.transact(async (tx) => {
      for (const [id, lastHeartbeatAt] of this.#seen) {
        const row = await tx.connector(id);
        if (row !== undefined && row.lastHeartbeatAt !== lastHeartbeatAt)
          await tx.putConnector({ ...row, lastHeartbeatAt });
      }
    });
  }
}
