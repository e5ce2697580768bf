import type { Clock } from "../clock.ts";

/** So many a second, and so many at once after a quiet time. */
export class Rate {
  readonly #clock: Pick<Clock, "tick">;
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #tick: number;

  constructor(clock: Pick<Clock, "tick">, { perSecond, burst }: { perSecond: number; burst: number }) {
    this.#clock = clock;
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#tick = clock.tick();
  }

  /** 0 where one may go now, and it is counted; else milliseconds until one may. */
  take(): number {
    const tick = this.#clock.tick();
    this.#tokens = Math.min(this.#burst, this.#tokens + (tick - this.#tick) * this.#perMs);
    this.#tick = tick;
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) / this.#perMs);
    this.#tokens -= 1;
    return 0;
  }
}
