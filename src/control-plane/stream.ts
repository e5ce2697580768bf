import type { CloseName } from "../protocol/close-codes.ts";
import { LIMITS } from "../protocol/limits.ts";
import { type Applied, Intake, type Received } from "./intake.ts";
import type { Outgoing } from "./outgoing.ts";
import type { SessionPlace } from "./session-place.ts";

/** What the stream needs of its session. */
interface Owner {
  readonly isOver: boolean;
  close(why: CloseName): void;
  fail(error: unknown): void;
}

/** One session's sequenced events: a bounded queue into the store, and the acks that come back. */
export class Stream {
  readonly #place: SessionPlace;
  readonly #session: Owner;
  readonly #out: Outgoing;
  readonly #of: { readonly connectorId: string; readonly streamId: string };
  #intake: Intake | undefined;
  #epoch = 0;
  #mark = 0;
  #queue: Received[] = [];
  #bytes = 0;
  #pumping: Promise<void> | undefined;
  #resynced = false;

  constructor(
    place: SessionPlace,
    parts: { session: Owner; of: { connectorId: string; streamId: string }; out: Outgoing },
  ) {
    this.#place = place;
    this.#session = parts.session;
    this.#of = parts.of;
    this.#out = parts.out;
  }

  /** The session is ready: what came meanwhile is applied. */
  open(seat: { readonly epoch: number; readonly mark: number }): void {
    this.#epoch = seat.epoch;
    this.#mark = seat.mark;
    this.#intake = new Intake(this.#place, { ...this.#of, epoch: seat.epoch });
    this.#pump();
  }

  /** False where the connector sends more than its window. */
  push(event: Received): boolean {
    this.#queue.push(event);
    this.#bytes += event.bytes;
    if (this.#queue.length > 2 * LIMITS.windowEvents || this.#bytes > 2 * LIMITS.windowBytes) return false;
    this.#pump();
    return true;
  }

  /** Answers a heartbeat, at once: what is not stored yet is acked later. */
  acknowledge(n?: number): void {
    const { counters } = this.#place;
    const beat = n === undefined ? {} : { n };
    this.#out.send("session.ack", { epoch: this.#epoch, ...beat, applied: this.#mark });
    if (n !== undefined) counters.ackSeconds(0);
  }

  /** Asks for a snapshot, once a session: a connector whose snapshots never fit would be asked for ever. */
  resync(reason: string): void {
    if (this.#resynced) return;
    this.#resynced = true;
    this.#out.send("status.resync", { reason });
  }

  /** Resolves when all that came is stored. */
  async idle(): Promise<void> {
    await this.#pumping;
  }

  #pump(): void {
    if (this.#pumping !== undefined || this.#intake === undefined) return;
    this.#pumping = this.#applyAll(this.#intake)
      .catch((error: unknown) => this.#session.fail(error))
      .finally(() => {
        this.#pumping = undefined;
      });
  }

  async #applyAll(intake: Intake): Promise<void> {
    while (this.#queue.length > 0 && !this.#session.isOver) {
      const events = this.#queue.slice(0, LIMITS.ackEvents);
      const applied = await this.#place.store.transact((tx) => intake.apply(tx, events));
      this.#queue.splice(0, events.length);
      for (const { bytes } of events) this.#bytes -= bytes;
      if (applied.superseded) return this.#session.close("superseded");
      this.#committed(applied);
      const [oldest] = events;
      if (oldest !== undefined)
        this.#place.counters.ackSeconds((this.#place.clock.tick() - oldest.at) / 1000);
      if (applied.gap) return this.#session.close("gap");
    }
  }

  #committed(applied: Applied): void {
    const { connectorId } = this.#of;
    this.#mark = applied.mark;
    for (const { id, ...problem } of applied.refused)
      this.#out.send("session.error", { ...problem, refId: id });
    if (applied.needsSnapshot) this.resync("the snapshot was refused");
    this.acknowledge();
    if (applied.touched.size > 0) {
      this.#place.notify.integrations(connectorId, [...applied.touched]);
      this.#place.notify.connector(connectorId);
    }
    if (applied.secrets.size > 0) this.#place.notify.secrets(connectorId, [...applied.secrets]);
    for (const [id, state] of applied.commands) this.#place.commands.committed(connectorId, id, state);
  }
}
