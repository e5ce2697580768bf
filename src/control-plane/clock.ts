import { randomBytes } from "node:crypto";
import type { RandomBytes } from "../protocol/envelope.ts";

/**
 * Time, handed in to everything that needs it.
 * `now` is epoch milliseconds, for what people and events see; `tick` is monotonic milliseconds, for
 * durations and deadlines. `sleep` resolves after that many milliseconds, or as soon as the signal aborts.
 */
export interface Clock {
  now(): number;
  tick(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Randomness, handed in like the clock. `number` is uniform in 0 … 1. */
export interface Random {
  readonly bytes: RandomBytes;
  number(): number;
}

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
};

/** The machine's own randomness. */
export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  number: () => Math.random(),
};

/** Epoch milliseconds as RFC 3339 UTC. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** The same, and null for null. */
export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
