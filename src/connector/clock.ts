/**
 * Time, handed in to everything that needs it.
 * `now` is epoch milliseconds, for what people and events see; `tick` is monotonic milliseconds, for
 * durations and deadlines. `sleep` resolves after that many milliseconds, or as soon as the signal aborts. `after`
 * calls `then` after that many milliseconds, unless what it gives is called before.
 */
export interface Clock {
  now(): number;
  tick(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  after(ms: number, then: () => void): () => void;
}

/**
 * Why a wait or a look was ended that nobody wants any more. Made once: Node gives every abort without a reason a new
 * one with its stack, which took a twentieth of a busy connector's time.
 */
export const OVER = new DOMException("It is not wanted any more.", "AbortError");

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  tick: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done, { once: true });
    }),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};
