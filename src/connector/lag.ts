import type { Clock } from "./clock.ts";

const EVERY_MS = 1_000;

/** How late the event loop is, sampled once a second. */
export class Lag {
  readonly #clock: Clock;
  #worst = new Map<string, number>();
  #last: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#last = clock.tick();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const begun = this.#clock.tick();
      await this.#clock.sleep(EVERY_MS, signal);
      this.#last = this.#clock.tick();
      const late = Math.max(0, this.#last - begun - EVERY_MS);
      for (const [reader, worst] of this.#worst) this.#worst.set(reader, Math.max(worst, late));
    }
  }

  /** The worst since this reader asked last, milliseconds. */
  take(reader: string): number {
    const worst = this.#worst.get(reader) ?? 0;
    this.#worst.set(reader, 0);
    return Math.round(worst * 10) / 10;
  }

  /** Milliseconds since the loop was last seen to run. */
  get idleMs(): number {
    return this.#clock.tick() - this.#last;
  }
}
