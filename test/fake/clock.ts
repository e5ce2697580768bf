import type { Clock } from "../../src/connector/clock.ts";

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

/** Lets everything run that waits for nothing but promises. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A clock that stands until it is moved. `skew` moves the wall clock alone. */
export class FakeClock implements Clock {
  #tick = 0;
  #wall: number;
  #order = 0;
  readonly #sleepers = new Set<Sleeper>();

  constructor(wall = Date.UTC(2026, 0, 2, 3, 4, 5)) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall + this.#tick;
  }

  tick(): number {
    return this.#tick;
  }

  /** How many wait. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  skew(ms: number): void {
    this.#wall += ms;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#order += 1;
      const sleeper = { at: this.#tick + Math.max(0, ms), order: this.#order, wake };
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  after(ms: number, then: () => void): () => void {
    this.#order += 1;
    const wake = (): void => {
      this.#sleepers.delete(sleeper);
      then();
    };
    const sleeper = { at: this.#tick + Math.max(0, ms), order: this.#order, wake };
    this.#sleepers.add(sleeper);
    return () => void this.#sleepers.delete(sleeper);
  }

  /** Moves on by so many milliseconds, waking whoever is due, in order, with time to do what they do. */
  async advance(ms: number): Promise<void> {
    const end = this.#tick + ms;
    await settle();
    for (;;) {
      const [next] = [...this.#sleepers].toSorted((a, b) => a.at - b.at || a.order - b.order);
      if (next === undefined || next.at > end) break;
      this.#tick = Math.max(this.#tick, next.at);
      next.wake();
      await settle();
    }
    this.#tick = end;
    await settle();
  }
}
