import type { SecretRead } from "../protocol/secret-frames.ts";
import type { Sample } from "../protocol/session-frames.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { BucketRow } from "./store/rows.ts";

/** Length of a bucket: 288 of them are a day. */
export const BUCKET_MS = 300_000;
export const BUCKETS_KEPT = 288;
/** Values of one bucket that are kept for its median. */
const MOST_VALUES = 64;

const WORSE = ["", "online", "unknown", "warning", "error"];

interface Open {
  readonly at: number;
  state: string;
  count: number;
  minMs: number;
  maxMs: number;
  readonly values: number[];
}

/** Of a connector; what it has nothing of has no map. */
interface Series {
  readonly open: Map<string, Open>;
  looks?: Map<string, { readonly checkedAt: number; readonly nextCheckAt: number | null }>;
  /** When each secret was read last, by its id. */
  reads?: Map<string, number>;
}

/**
 * How long looks and heartbeats took, in buckets of five minutes. The bucket that is open is kept in memory,
 * bounded for each connector; `closed` gives what is ready to be stored. Times are epoch milliseconds.
 */
export class Samples {
  readonly #series = new Map<string, Series>();
  #closed: BucketRow[] = [];

  /** A heartbeat: how long the last answer took. */
  heartbeat(connectorId: string, rttMs: number | null, now: number): void {
    this.#add(connectorId, { name: "", state: "online", ms: rttMs ?? 0 }, now);
  }

  look(connectorId: string, sample: Sample, now: number): void {
    const looks = (this.#of(connectorId).looks ??= new Map());
    if (!looks.has(sample.name) && looks.size >= LIMITS.snapshotItems) return;
    const nextCheckAt = sample.next === null ? null : Date.parse(sample.next);
    looks.set(sample.name, { checkedAt: Math.min(Date.parse(sample.at), now), nextCheckAt });
    this.#add(connectorId, sample, now);
  }

  /** When the integration was looked at last, and will be next, where a heartbeat told it. */
  lastLook(connectorId: string, name: string): { checkedAt: number; nextCheckAt: number | null } | undefined {
    return this.#series.get(connectorId)?.looks?.get(name);
  }

  read(connectorId: string, { id, at }: SecretRead, now: number): void {
    const reads = (this.#of(connectorId).reads ??= new Map());
    if (reads.has(id) || reads.size < LIMITS.secrets) reads.set(id, Math.min(Date.parse(at), now));
  }

  /** When the secret was read last, where a heartbeat told it. */
  lastRead(connectorId: string, id: string): number | undefined {
    return this.#series.get(connectorId)?.reads?.get(id);
  }

  /** The bucket that is open. */
  current(connectorId: string, name: string): BucketRow | undefined {
    const open = this.#series.get(connectorId)?.open.get(name);
    return open === undefined ? undefined : rowOf(connectorId, name, open);
  }

  /** Buckets that ended since the last call; with `all`, the open ones too. */
  closed(now: number, { all = false } = {}): readonly BucketRow[] {
    for (const [connectorId, { open }] of this.#series)
      for (const [name, bucket] of open)
        if (all || bucket.at + BUCKET_MS <= now) this.#close(connectorId, name, bucket);
    const rows = this.#closed;
    this.#closed = [];
    return rows;
  }

  forget(connectorId: string): void {
    this.#series.delete(connectorId);
    this.#closed = this.#closed.filter((row) => row.connectorId !== connectorId);
  }

  #add(connectorId: string, value: { name: string; state: string; ms: number }, now: number): void {
    const { open } = this.#of(connectorId);
    const at = now - (now % BUCKET_MS);
    const before = open.get(value.name);
    if (before !== undefined && before.at !== at) this.#close(connectorId, value.name, before);
    const bucket = open.get(value.name) ?? empty(at);
    open.set(value.name, bucket);
    if (WORSE.indexOf(value.state) > WORSE.indexOf(bucket.state)) bucket.state = value.state;
    bucket.count += 1;
    bucket.minMs = Math.min(bucket.minMs, value.ms);
    bucket.maxMs = Math.max(bucket.maxMs, value.ms);
    if (bucket.values.length < MOST_VALUES) bucket.values.push(value.ms);
  }

  #close(connectorId: string, name: string, bucket: Open): void {
    this.#series.get(connectorId)?.open.delete(name);
    this.#closed.push(rowOf(connectorId, name, bucket));
  }

  #of(connectorId: string): Series {
    const known = this.#series.get(connectorId);
    if (known !== undefined) return known;
    const made: Series = { open: new Map() };
    this.#series.set(connectorId, made);
    return made;
  }
}

function empty(at: number): Open {
  return { at, state: "", count: 0, minMs: Number.POSITIVE_INFINITY, maxMs: 0, values: [] };
}

function rowOf(
  connectorId: string,
  name: string,
  { at, state, count, minMs, maxMs, values }: Open,
): BucketRow {
  const sorted = values.toSorted((a, b) => a - b);
  const medianMs = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return { connectorId, name, at, state, count, minMs, medianMs, maxMs };
}
