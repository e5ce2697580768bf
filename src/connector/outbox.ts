import type { FrameOf, SequencedType } from "../protocol/frames.ts";
import { LIMITS } from "../protocol/limits.ts";
import { eventPages } from "../protocol/snapshot-pages.ts";
import type { SecretItem } from "../protocol/secret-frames.ts";
import type { SnapshotItem, StatusChanged } from "../protocol/status-frames.ts";

/** What waits: an event without its place in the stream. */
type Event = { [T in SequencedType]: { readonly type: T; readonly data: FrameOf<T>["data"] } }[SequencedType];
export type Waiting = Event & {
  readonly id: string;
  /** RFC 3339. */
  readonly time: string;
  readonly subject?: string | undefined;
  readonly correlationid?: string | undefined;
  readonly bytes: number;
};
/** An event with its place in the stream. */
export type Sequenced = Waiting & { readonly sequence: number };

/** All that is true at one moment. */
export interface Truth {
  readonly items: readonly SnapshotItem[];
  readonly digest: string;
}

export interface OutboxParts {
  /** A UUIDv7. */
  readonly newId: () => string;
  /** RFC 3339, now. */
  readonly time: () => string;
  readonly truth: () => Truth;
  readonly limits?: Room;
}

/** How large a page of a snapshot may be. */
export interface PageLimits {
  readonly pageItems: number;
  readonly eventBytes: number;
}

/** How much it may hold, a snapshot not counted. */
export interface Room {
  readonly outboxEvents: number;
  readonly outboxBytes: number;
}

/** What the attributes around the data take, bytes, rounded up. */
const AROUND_BYTES = 600;

type Status = Waiting & { readonly type: "status.changed" };

/**
 * What the connector has to tell, in order, until the control plane has stored it. An event gets its sequence
 * when it is first sent. Holds at most `outboxEvents` and `outboxBytes`, and one snapshot on top.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  readonly #limits: Room;
  #streamId: string;
  #acked = 0;
  /** Sent and not acked, their sequences contiguous from `acked + 1`. */
  #sent: Sequenced[] = [];
  /** How many of `sent` went over the present socket. */
  #cursor = 0;
  #unsent = new Set<Waiting>();
  /** The last unsent change of each integration. */
  #latest = new Map<string, Status>();
  #bytes = 0;
  #snapshotBytes = 0;
  #snapshotEvents = 0;
  #flightBytes = 0;
  #page: PageLimits = { pageItems: LIMITS.snapshotPageItems, eventBytes: LIMITS.eventBytes };
  #coalesced = 0;
  #dropped = 0;
  #overflows = 0;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    this.#limits = parts.limits ?? LIMITS;
    this.#streamId = parts.newId();
  }

  /** Where the stream stands, as `hello` says it. */
  get stream(): {
    readonly id: string;
    readonly first: number;
    readonly next: number;
    readonly acked: number;
  } {
    const next = this.#acked + this.#sent.length + 1;
    return { id: this.#streamId, first: this.#acked + 1, next, acked: this.#acked };
  }

  get events(): number {
    return this.#sent.length + this.#unsent.size;
  }

  get bytes(): number {
    return this.#bytes + this.#snapshotBytes;
  }

  /** Events and bytes that went over the present socket and are not acked. */
  get inFlight(): { readonly events: number; readonly bytes: number } {
    return { events: this.#cursor, bytes: this.#flightBytes };
  }

  /** Since the process began: changes merged into later ones, events given up, new streams for want of room. */
  get counts(): { readonly coalesced: number; readonly dropped: number; readonly overflows: number } {
    return { coalesced: this.#coalesced, dropped: this.#dropped, overflows: this.#overflows };
  }

  /** True while the control plane lacks something that would change its picture. */
  get owesStatus(): boolean {
    const isStatus = ({ type }: Waiting): boolean => type.startsWith("status.");
    return this.#sent.some(isStatus) || this.#unsent.values().some(isStatus);
  }

  /** A change of an integration. `subject` is the integration's. */
  tellStatus(subject: string, data: StatusChanged): void {
    const older = this.#latest.get(subject);
    const merge = older !== undefined && this.#isHalfFull();
    const merged = merge
      ? { ...data, previous: older.data.previous, coalesced: data.coalesced + older.data.coalesced + 1 }
      : data;
    if (merge) {
      this.#drop(older);
      this.#coalesced += 1;
    }
    const event = this.#enter({ type: "status.changed", data: merged }, { subject });
    if (event.type === "status.changed" && this.#unsent.has(event)) this.#latest.set(subject, event);
  }

  /** Secrets that stand otherwise than before; `all` names every one that there is. What is unsent is brought up to date. */
  tellSecrets(items: readonly SecretItem[], all: readonly string[] | null): void {
    const waiting = [...this.#unsent].filter((event) => event.type === "secrets.changed");
    const merged = new Map(waiting.flatMap(({ data }) => data.items).map((item) => [item.id, item]));
    for (const item of items) merged.set(item.id, item);
    const listed = all ?? waiting.findLast(({ data }) => data.all !== null)?.data.all ?? null;
    if (listed !== null) for (const id of merged.keys()) if (!listed.includes(id)) merged.delete(id);
    for (const event of waiting) this.#drop(event);
    // On its own: the names of all can fill an event as it is.
    if (listed !== null) this.#enter({ type: "secrets.changed", data: { all: [...listed], items: [] } }, {});
    if (merged.size === 0) return;
    const limits = { ...this.#page, pageItems: LIMITS.secretsPageItems };
    const { pages, tooLarge } = eventPages([...merged.values()], limits);
    this.#dropped += tooLarge.length;
    for (const page of pages)
      this.#enter({ type: "secrets.changed", data: { all: null, items: [...page] } }, {});
  }

  /** What there is to tell of a command. */
  tellCommand(event: Event & { readonly type: `command.${string}` }): void {
    this.#enter(event, { correlationid: event.data.commandId });
  }

  /** All that is true now, in pages behind all that waits. Replaces what is unsent of an earlier one. */
  tellSnapshot(): void {
    for (const event of this.#unsent) if (event.type === "status.snapshot") this.#drop(event);
    const { items, digest } = this.#parts.truth();
    const { pages, tooLarge } = eventPages(items, this.#page);
    this.#dropped += tooLarge.length;
    const snapshotId = this.#parts.newId();
    for (const [index, page] of pages.entries()) {
      const data = { snapshotId, page: index + 1, pages: pages.length, items: [...page], digest };
      this.#enter({ type: "status.snapshot", data }, {});
    }
  }

  /**
   * A socket stands and the control plane has everything up to `last`: what comes after it is sent again.
   * False where `last` is no place in this stream that can be gone on from.
   */
  resume(mode: "resume" | "snapshot", last: number, page: PageLimits = this.#page): boolean {
    this.#page = page;
    this.#cursor = 0;
    this.#flightBytes = 0;
    const { first, next } = this.stream;
    const known = last >= first - 1 && last < next;
    if (known) this.ack(last);
    else if (mode === "resume") return false;
    if (mode === "snapshot" && !this.#hasWholeSnapshot()) this.tellSnapshot();
    return true;
  }

  /** The next event to send over the present socket; it counts as sent. */
  take(): Sequenced | undefined {
    const again = this.#sent[this.#cursor];
    const event = again ?? this.#sequence();
    if (event === undefined) return undefined;
    this.#cursor += 1;
    this.#flightBytes += event.bytes;
    return event;
  }

  /** Whether `take` has something, and how large it is. */
  get nextBytes(): number | undefined {
    const [first] = this.#unsent;
    return (this.#sent[this.#cursor] ?? first)?.bytes;
  }

  /** Everything up to `applied` is stored. False where that was never sent. */
  ack(applied: number): boolean {
    if (applied >= this.stream.next) return false;
    const gone = this.#sent.splice(0, Math.max(0, applied - this.#acked));
    const flown = gone.slice(0, this.#cursor);
    this.#flightBytes -= flown.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#cursor -= flown.length;
    this.#acked += gone.length;
    for (const event of gone) this.#count(event, -1);
    return true;
  }

  /**
   * A stream of a new name: results of commands are carried over, status is told whole. For want of room, or
   * where the two ends cannot agree on where the old stream stands.
   */
  restart(): void {
    const all = [...this.#sent, ...this.#unsent];
    const most = Math.min(LIMITS.ledgerCommands, Math.floor(this.#limits.outboxEvents / 2));
    const results = all.filter(({ type }) => type === "command.result").slice(-most);
    this.#dropped += all.filter(({ type }) => type === "status.changed").length;
    this.#streamId = this.#parts.newId();
    this.#acked = 0;
    this.#sent = [];
    this.#unsent = new Set();
    this.#latest = new Map();
    this.#cursor = 0;
    this.#flightBytes = 0;
    this.#bytes = 0;
    this.#snapshotBytes = 0;
    this.#snapshotEvents = 0;
    for (const event of newest(results, this.#limits.outboxBytes / 2)) {
      this.#unsent.add(event);
      this.#count(event, 1);
    }
    this.#dropped += results.length - this.#unsent.size;
    this.tellSnapshot();
  }

  #enter(event: Event, attributes: Pick<Waiting, "subject" | "correlationid">): Waiting {
    const bytes = Buffer.byteLength(JSON.stringify(event.data)) + AROUND_BYTES;
    const { newId, time } = this.#parts;
    const waiting: Waiting = { ...event, ...attributes, id: newId(), time: time(), bytes };
    this.#unsent.add(waiting);
    this.#count(waiting, 1);
    const own = this.events - this.#snapshotEvents;
    if (own > this.#limits.outboxEvents || this.#bytes > this.#limits.outboxBytes) {
      this.#overflows += 1;
      this.restart();
    }
    return waiting;
  }

  #drop(event: Waiting): void {
    if (this.#unsent.delete(event)) this.#count(event, -1);
  }

  #count({ type, bytes }: Waiting, sign: 1 | -1): void {
    if (type === "status.snapshot") {
      this.#snapshotBytes += sign * bytes;
      this.#snapshotEvents += sign;
    } else this.#bytes += sign * bytes;
  }

  #isHalfFull(): boolean {
    const own = this.events - this.#snapshotEvents;
    return own * 2 >= this.#limits.outboxEvents || this.#bytes * 2 >= this.#limits.outboxBytes;
  }

  /** Whether all pages of the latest snapshot are still to be acked, so that no other one is needed. */
  #hasWholeSnapshot(): boolean {
    const pages = [...this.#sent, ...this.#unsent].filter((event) => event.type === "status.snapshot");
    const last = pages.at(-1)?.data.snapshotId;
    return pages.some(({ data }) => data.snapshotId === last && data.page === 1);
  }

  #sequence(): Sequenced | undefined {
    const [event] = this.#unsent;
    if (event === undefined) return undefined;
    this.#unsent.delete(event);
    const subject = event.subject ?? "";
    if (this.#latest.get(subject) === event) this.#latest.delete(subject);
    const sequenced: Sequenced = { ...event, sequence: this.stream.next };
    this.#sent.push(sequenced);
    return sequenced;
  }
}

/** As many of the last ones as have room, in their order. */
function newest(events: readonly Waiting[], roomBytes: number): Waiting[] {
  let room = roomBytes;
  const start = events.findLastIndex(({ bytes }) => (room -= bytes) < 0) + 1;
  return events.slice(start);
}
