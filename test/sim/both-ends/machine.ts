import type { Clock } from "../../../src/connector/clock.ts";
import type { Timeline } from "./timeline.ts";

/** The wall clock of the simulation's beginning. */
const EPOCH = Date.UTC(2026, 0, 2, 3, 4, 5);

/**
 * One process of one program, as the world sees it: it has a clock of its own, it can be frozen, and it can be
 * killed at any await. What it waits for after that never comes, and what it does has no effect.
 */
export class Machine {
  readonly clock: Clock;
  /** How much its wall clock is wrong, milliseconds. */
  skewMs = 0;
  readonly #timeline: Timeline;
  readonly #origin: number;
  readonly #killed = new AbortController();
  #thawAt = 0;
  #timers: (() => void)[] = [];
  #frames: (() => void)[] = [];
  readonly #listening = new Set<() => void>();

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
    // Two processes never agree on what a monotonic clock shows.
    this.#origin = Math.floor(timeline.between(1_000, 1e9));
    this.clock = {
      now: () => EPOCH + Math.floor(timeline.now) + this.skewMs,
      tick: () => this.#origin + timeline.now,
      sleep: (ms, signal) => this.#sleep(ms, signal),
      after: (ms, then) => this.#after(ms, then),
    };
  }

  get isAlive(): boolean {
    return !this.#killed.signal.aborted;
  }

  /** Aborts when it is killed. */
  get killed(): AbortSignal {
    return this.#killed.signal;
  }

  get isFrozen(): boolean {
    return this.#timeline.now < this.#thawAt;
  }

  kill(): void {
    this.#killed.abort();
    this.#timers = [];
    this.#frames = [];
    for (const leave of this.#listening) leave();
  }

  /**
   * Has the process do something when the signal aborts; gives the way to call that off. A dead process does not
   * listen: Node keeps every signal of `AbortSignal.any` to which somebody listens, and all that listens, for ever.
   */
  onAbort(signal: AbortSignal, work: () => void): () => void {
    const leave = (): void => {
      signal.removeEventListener("abort", work);
      this.#listening.delete(leave);
    };
    if (!this.isAlive) return leave;
    signal.addEventListener("abort", work, { once: true });
    this.#listening.add(leave);
    return leave;
  }

  /** Stands still, as by SIGSTOP: its clocks go on, and what comes meanwhile waits. */
  freeze(ms: number): void {
    if (this.isFrozen) return;
    this.#thawAt = this.#timeline.now + ms;
    this.#timeline.at(this.#thawAt, () => this.#thaw());
  }

  /** Has the process do something, as soon as it runs; never, if it is dead by then. */
  run(kind: "timer" | "frame", work: () => void): void {
    if (!this.isAlive) return;
    if (!this.isFrozen) return work();
    (kind === "timer" ? this.#timers : this.#frames).push(work);
  }

  /** As an event loop wakes: timers first, then what the sockets brought. */
  #thaw(): void {
    const waiting = [...this.#timers, ...this.#frames];
    this.#timers = [];
    this.#frames = [];
    for (const work of waiting) this.#timeline.after(0, () => this.run("frame", work));
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        cancel();
        leave();
        resolve();
      };
      const cancel = this.#after(ms, done);
      const leave = this.onAbort(signal, done);
    });
  }

  #after(ms: number, then: () => void): () => void {
    // A timer of Node takes a millisecond at least.
    const due = this.#timeline.after(Math.max(1, ms), () => this.run("timer", then));
    return () => (due.isOff = true);
  }
}
