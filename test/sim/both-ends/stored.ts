import type { TransitionRow } from "../../../src/control-plane/store/rows.ts";
import type { Codes, StatusChanged, StatusSnapshot } from "../../../src/protocol/status-frames.ts";
import type { Write } from "./disk.ts";
import type { Rule } from "./rules.ts";

/** A frame as a connector put it on the wire. */
export interface Sent {
  readonly type: string;
  readonly sequence: number;
  readonly data: unknown;
}

interface Staged {
  readonly snapshotId: string;
  next: number;
  readonly items: Map<string, StatusSnapshot["items"][number]>;
}

/** What must be stored of one connector: nothing but what its streams brought. */
interface Known {
  epoch: number;
  readonly marks: Map<string, number>;
  /** The codes of each integration, in one text. */
  readonly states: Map<string, string>;
}

type Row = Pick<TransitionRow, "name" | "to" | "reason" | "message" | "observed" | "coalesced">;

const codesOf = ({ state, condition, stage, reason }: Codes): string =>
  [state, condition, stage, reason].join(" ");

/**
 * Follows every commit and compares it with what the connectors sent. It knows the rules of `docs/protocol.md`
 * 5 and 6 and nothing of how the control plane keeps them.
 */
export class Stored {
  readonly #fail: (rule: Rule, says: string) => void;
  /** By stream, then by sequence. */
  readonly #sent = new Map<string, Map<number, Sent>>();
  /** Pages of a snapshot, by session: they are lost with it. */
  readonly #staged = new Map<string, Staged>();
  #known = new Map<string, Known>();
  /** The next mark is a new session's: it begins where its connector has its first event, and has no effect. */
  #isSeating = false;

  constructor(fail: (rule: Rule, says: string) => void) {
    this.#fail = fail;
  }

  /** A connector put a sequenced frame on the wire. */
  sent(streamId: string, frame: Sent): void {
    const stream = this.#sent.get(streamId) ?? new Map<number, Sent>();
    this.#sent.set(streamId, stream);
    const before = stream.get(frame.sequence);
    if (before !== undefined && JSON.stringify(before.data) !== JSON.stringify(frame.data))
      this.#fail("sequence-kept", `${streamId} ${frame.sequence} was sent with another content`);
    stream.set(frame.sequence, frame);
  }

  /** The control plane put an ack on the wire. */
  acked(connectorId: string, streamId: string, applied: number): void {
    const mark = this.#of(connectorId).marks.get(streamId) ?? 0;
    if (applied > mark)
      this.#fail(
        "acked-is-committed",
        `${connectorId} was acked ${applied} of ${streamId}, committed is ${mark}`,
      );
  }

  /** What one work of a commit wrote. */
  committed(writes: readonly Write[]): void {
    const rows: TransitionRow[] = [];
    for (const { method, args } of writes) {
      if (method === "addTransition") rows.push(args[0] as TransitionRow);
      if (method === "putConnector") this.#seated(args[0] as { id: string; epoch: number });
      if (method === "putStream") {
        const row = args[0] as { connectorId: string; streamId: string; mark: number };
        this.#marked(row, rows.splice(0));
      }
    }
    if (rows.length > 0)
      this.#fail("stored-as-sent", `transitions were stored without a mark: ${told(rows)}`);
    this.#compare(writes);
  }

  /** What is stored of a connector: codes by integration. */
  statesOf(connectorId: string): ReadonlyMap<string, string> {
    return this.#of(connectorId).states;
  }

  /** What a backup has of it. */
  backup(): unknown {
    return structuredClone(this.#known);
  }

  restore(backup: unknown): void {
    this.#known = structuredClone(backup) as Map<string, Known>;
  }

  #of(connectorId: string): Known {
    const known = this.#known.get(connectorId) ?? { epoch: 0, marks: new Map(), states: new Map() };
    this.#known.set(connectorId, known);
    return known;
  }

  #seated({ id, epoch }: { id: string; epoch: number }): void {
    const known = this.#of(id);
    if (epoch !== known.epoch && epoch !== known.epoch + 1)
      this.#fail("stored-as-sent", `the epoch of ${id} went from ${known.epoch} to ${epoch}`);
    if (epoch === known.epoch) return;
    known.epoch = epoch;
    this.#isSeating = true;
  }

  #marked(
    row: { connectorId: string; streamId: string; mark: number },
    rows: readonly TransitionRow[],
  ): void {
    const { connectorId, streamId, mark } = row;
    const known = this.#of(connectorId);
    const before = known.marks.get(streamId) ?? 0;
    known.marks.set(streamId, mark);
    if (mark < before)
      this.#fail("stored-as-sent", `the mark of ${streamId} was lowered from ${before} to ${mark}`);
    const expected: Row[] = [];
    if (!this.#isSeating)
      for (let sequence = before + 1; sequence <= mark; sequence += 1)
        this.#effect({ known, streamId, sequence }, expected);
    this.#isSeating = false;
    if (told(rows) !== told(expected))
      this.#fail(
        "stored-as-sent",
        `${streamId} ${before + 1} to ${mark} stored ${told(rows)}, sent was ${told(expected)}`,
      );
  }

  #effect(of: { known: Known; streamId: string; sequence: number }, rows: Row[]): void {
    const { known, streamId, sequence } = of;
    const sent = this.#sent.get(streamId)?.get(sequence);
    if (sent === undefined)
      return this.#fail("stored-as-sent", `${streamId} ${sequence} counts as stored and was never sent`);
    if (sent.type === "status.changed") this.#changed(known, sent.data as StatusChanged, rows);
    if (sent.type === "status.snapshot")
      this.#page(`${streamId} ${known.epoch}`, known, sent.data as StatusSnapshot, rows);
  }

  #changed(known: Known, data: StatusChanged, rows: Row[]): void {
    const { name, state, reason, message, coalesced } = data;
    // One whose codes are what was stored is no transition, unless it stands for others.
    if (known.states.get(name) !== codesOf(data) || coalesced > 0)
      rows.push({ name, to: state, reason, message, observed: "event", coalesced });
    known.states.set(name, codesOf(data));
  }

  /** Nothing of it is true before the last page. */
  #page(session: string, known: Known, page: StatusSnapshot, rows: Row[]): void {
    const fresh: Staged = { snapshotId: page.snapshotId, next: 1, items: new Map() };
    const staged = page.page === 1 ? fresh : this.#staged.get(session);
    if (staged === undefined || staged.snapshotId !== page.snapshotId || staged.next !== page.page) {
      this.#staged.delete(session);
      return;
    }
    this.#staged.set(session, staged);
    staged.next += 1;
    for (const item of page.items) staged.items.set(item.name, item);
    if (page.page < page.pages) return;
    this.#staged.delete(session);
    this.#swap(known, staged.items, rows);
  }

  #swap(known: Known, items: Staged["items"], rows: Row[]): void {
    for (const name of [...known.states.keys()].toSorted()) {
      if (items.has(name)) continue;
      known.states.delete(name);
      const message = `Integration ${name} is no longer configured.`;
      rows.push({ name, to: null, reason: null, message, observed: "diff", coalesced: 0 });
    }
    for (const [name, item] of items) {
      if ("pending" in item) {
        if (!known.states.has(name)) known.states.set(name, "unknown   ");
        continue;
      }
      const { state, reason, message } = item;
      if (known.states.get(name) !== codesOf(item))
        rows.push({ name, to: state, reason, message, observed: "diff", coalesced: 0 });
      known.states.set(name, codesOf(item));
    }
  }

  /** The rows themselves say what the marks mean. */
  #compare(writes: readonly Write[]): void {
    const last = new Map<string, Put>();
    for (const { method, args } of writes) {
      if (method === "putIntegration") {
        const row = args[0] as Put;
        last.set(`${row.connectorId} ${row.name}`, row);
      }
      if (method === "removeIntegration") last.delete(`${String(args[0])} ${String(args[1])}`);
    }
    for (const row of last.values()) {
      const expected = this.#of(row.connectorId).states.get(row.name);
      if (expected !== codesOf(row))
        this.#fail("stored-as-sent", `${row.name} is stored as ${codesOf(row)}, sent was ${expected}`);
    }
  }
}

type Put = Codes & { readonly connectorId: string; readonly name: string };

function told(rows: readonly Row[]): string {
  return `[${rows.map(({ name, to, message, observed, coalesced }) => `${name} ${to} "${message}" ${observed} ${coalesced}`).join("; ")}]`;
}
