import type { Clock } from "../clock.ts";
import type { Answer } from "./link.ts";

/** Where it throttles and does not say for how long. Milliseconds. */
const UNSAID_MS = 1_000;
/** It is asked again no later than this. Milliseconds. */
const MOST_MS = 600_000;

/** What the API server wants to be left alone: told by one answer, kept to by every call. */
export class Pause {
  readonly #clock: Clock;
  #until = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long it still lasts, milliseconds. */
  left(): number {
    return Math.max(0, this.#until - this.#clock.tick());
  }

  /** Keeps to what a 429, or a 5xx with Retry-After, says; undefined for any other answer. */
  heed(answer: Pick<Answer, "status" | "headers">): number | undefined {
    const ms = retryAfterMs(answer, this.#clock.now());
    if (ms !== undefined) this.#until = Math.max(this.#until, this.#clock.tick() + ms);
    return ms;
  }
}

/** Retry-After is seconds or a date (RFC 9110 §10.2.3). */
function retryAfterMs(
  { status, headers }: Pick<Answer, "status" | "headers">,
  now: number,
): number | undefined {
  if (status !== 429 && status < 500) return undefined;
  const said = headers["retry-after"] ?? "";
  const ms = /^\d+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - now;
  if (!Number.isNaN(ms)) return Math.min(MOST_MS, Math.max(0, ms));
  return status === 429 ? UNSAID_MS : undefined;
}
