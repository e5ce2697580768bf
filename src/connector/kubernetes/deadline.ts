import type { Clock } from "../clock.ts";

/** A signal that aborts with the caller's, or when the time that it was last given is over. */
export class Deadline implements Disposable {
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #late = new AbortController();
  #waiting = new AbortController();

  constructor(clock: Clock, outer: AbortSignal, ms: number) {
    this.#clock = clock;
    this.signal = AbortSignal.any([outer, this.#late.signal]);
    this.extend(ms);
  }

  /** Counts anew from now. */
  extend(ms: number): void {
    this.#waiting.abort();
    const waiting = new AbortController();
    this.#waiting = waiting;
    void this.#clock.sleep(ms, waiting.signal).then(() => waiting.signal.aborted || this.#late.abort());
  }

  [Symbol.dispose](): void {
    this.#waiting.abort();
  }
}
