import type { Clock } from "./clock.ts";

/** What the schedule needs to know of an integration. */
export interface Scheduled {
  readonly name: string;
  readonly intervalMs: number;
  /** Told once, then left alone until it changes. */
  readonly suspend: boolean;
  readonly digest: string;
  /** After failures it is looked at no later than this; the interval by default. */
  readonly mostRelookMs?: number;
}

export interface ScheduleParts<T extends Scheduled> {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** One look that the schedule wants. Resolves with whether all is well; never rejects. */
  readonly look: (item: T, signal: AbortSignal) => Promise<boolean>;
  /** What a look waits for, before it takes one of the places: others go on meanwhile. Never rejects. */
  readonly prepare?: (item: T, signal: AbortSignal) => Promise<void>;
  /** Told how late a look of the schedule begins, milliseconds. */
  readonly onBegin?: (lateMs: number) => void;
  /** Looks at once, those that were asked for not counted. */
  readonly cap?: number;
}

const FIRST_RELOOK_MS = 5_000;
const SPREAD_PER_ITEM_MS = 50;
const MOST_SPREAD_MS = 15_000;
const CAP = 32;
/** Looks are due at multiples of this: who wakes up once for several spares most of what waking costs. */
const SLOT_MS = 100;

interface Entry<T> {
  item: T;
  readonly stop: AbortController;
  /** Has the waiting loop read `dueAt` anew. */
  wake: () => void;
  /** Ends when the last look at this integration ends: one at a time. */
  lane: Promise<unknown>;
  failures: number;
  /** Monotonic milliseconds. */
  dueAt: number;
  loop: Promise<void>;
}

/**
 * Looks at each integration again and again: jittered, never twice at once, at most `cap` at once, sooner
 * after a failure.
 */
export class Schedule<T extends Scheduled> {
  readonly #parts: ScheduleParts<T>;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #leaving = new Set<Promise<unknown>>();
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(parts: ScheduleParts<T>) {
    this.#parts = parts;
    this.#free = parts.cap ?? CAP;
  }

  /** The integrations from now on. One with an equal digest keeps its place in time; others begin anew. */
  replace(items: readonly T[]): void {
    const wanted = new Map(items.map((item) => [item.name, item]));
    const lanes = new Map<string, Promise<unknown>>();
    for (const [name, entry] of this.#entries) {
      const item = wanted.get(name);
      if (item?.digest === entry.item.digest) {
        entry.item = item;
        wanted.delete(name);
        continue;
      }
      lanes.set(name, entry.lane);
      this.#remove(name, entry);
    }
    const spread = Math.min(MOST_SPREAD_MS, wanted.size * SPREAD_PER_ITEM_MS);
    for (const item of wanted.values()) this.#add(item, spread, lanes.get(item.name));
  }

  /**
   * Runs a look that somebody asked for, as soon as a running one at the same integration has ended.
   * Undefined where there is no such integration (any more).
   */
  async ask<R>(name: string, work: (item: T, signal: AbortSignal) => Promise<R>): Promise<R | undefined> {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    return this.#inTurn(entry, () => work(entry.item, entry.stop.signal));
  }

  /** Takes what an asked look found into account: when to look again. */
  note(name: string, well: boolean): void {
    const entry = this.#entries.get(name);
    if (entry !== undefined) this.#plan(entry, well, this.#parts.clock.tick());
  }

  /** The schedule's own next look comes now: something that it depends on has changed. */
  soon(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.item.suspend) return;
    entry.dueAt = Math.min(entry.dueAt, this.#parts.clock.tick());
    entry.wake();
  }

  /** Milliseconds until the next look; undefined where none is planned. */
  nextIn(name: string): number | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.item.suspend) return undefined;
    return Math.max(0, entry.dueAt - this.#parts.clock.tick());
  }

  /** By how many milliseconds the most belated look is late. */
  overdueMs(): number {
    const now = this.#parts.clock.tick();
    return Math.max(0, ...this.#entries.values().map(({ dueAt }) => now - dueAt));
  }

  /** Stops looking. Resolves when the looks that run have ended. */
  async close(): Promise<void> {
    for (const [name, entry] of this.#entries) this.#remove(name, entry);
    await Promise.all(this.#leaving);
  }

  #add(item: T, spreadMs: number, lane: Promise<unknown> = Promise.resolve()): void {
    const { clock, random } = this.#parts;
    const entry: Entry<T> = {
      item,
      stop: new AbortController(),
      wake: () => {},
      lane,
      failures: 0,
      dueAt: clock.tick() + random() * Math.min(spreadMs, item.intervalMs),
      loop: Promise.resolve(),
    };
    this.#entries.set(item.name, entry);
    entry.loop = this.#keep(entry);
  }

  #remove(name: string, entry: Entry<T>): void {
    this.#entries.delete(name);
    entry.stop.abort();
    entry.wake();
    const left = Promise.all([entry.loop, entry.lane]).finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
  }

  async #keep(entry: Entry<T>): Promise<void> {
    const { clock, look } = this.#parts;
    const { signal } = entry.stop;
    while (await this.#untilDue(entry)) {
      const dueAt = entry.dueAt;
      const preparing = clock.tick();
      if (this.#parts.prepare !== undefined) await this.#parts.prepare(entry.item, signal);
      const prepared = clock.tick() - preparing;
      await this.#slot(signal);
      try {
        await this.#inTurn(entry, async () => {
          // A look that was asked for may have come first.
          if (signal.aborted || entry.dueAt !== dueAt) return;
          const started = clock.tick();
          this.#parts.onBegin?.(started - dueAt - prepared);
          this.#plan(entry, await look(entry.item, signal), started);
        });
      } finally {
        this.#release();
      }
    }
  }

  /** Waits for the entry's time. False once it was removed. */
  async #untilDue(entry: Entry<T>): Promise<boolean> {
    const { clock } = this.#parts;
    while (!entry.stop.signal.aborted) {
      const left = entry.dueAt - clock.tick();
      if (left <= 0) return true;
      // A timer counts whole milliseconds: one that is cut short would wake the process twice.
      await this.#wait(entry, Math.min(Math.ceil(left), 2 ** 31 - 1));
    }
    return false;
  }

  /** Waits until then, or until somebody wakes the entry. */
  async #wait(entry: Entry<T>, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    entry.wake = resolve;
    const cancel = this.#parts.clock.after(ms, resolve);
    await promise;
    cancel();
  }

  #plan(entry: Entry<T>, well: boolean, started: number): void {
    const { clock, random } = this.#parts;
    const { intervalMs, suspend, mostRelookMs = intervalMs } = entry.item;
    entry.failures = well ? 0 : entry.failures + 1;
    const jitter = 0.9 + random() * 0.2;
    const relook = Math.min(intervalMs, mostRelookMs, FIRST_RELOOK_MS * 2 ** (entry.failures - 1));
    const next = well ? started + intervalMs * jitter : clock.tick() + relook * jitter;
    const dueAt = Math.ceil(Math.max(next, clock.tick()) / SLOT_MS) * SLOT_MS;
    entry.dueAt = suspend ? Number.POSITIVE_INFINITY : dueAt;
    entry.wake();
  }

  async #inTurn<R>(entry: Entry<T>, work: () => Promise<R>): Promise<R> {
    const turn = entry.lane.then(work);
    entry.lane = turn.catch(() => {});
    return turn;
  }

  /** Waits for one of the `cap` places. The owner gives it back by `#release`, aborted or not. */
  async #slot(signal: AbortSignal): Promise<void> {
    if (this.#free > 0 || signal.aborted) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
