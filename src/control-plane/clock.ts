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

/** Bytes that are drawn at once: one call of the system's costs as much as 8 KiB of them. */
const POOL_BYTES = 8_192;
let pool = Buffer.alloc(0);

/** Random bytes out of a pool; none is given twice. */
function pooled(count: number): Uint8Array {
  if (count > pool.length) pool = randomBytes(Math.max(POOL_BYTES, count));
  const bytes = Uint8Array.from(pool.subarray(0, count));
  pool.fill(0, 0, count);
  pool = pool.subarray(count);
  return bytes;
}

/** The machine's own randomness. */
export const systemRandom: Random = {
  bytes: pooled,
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
