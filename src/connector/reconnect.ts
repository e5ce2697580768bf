import type { AfterClose } from "../protocol/close-codes.ts";
import { closeRow } from "../protocol/close-codes.ts";
import type { Timings } from "../protocol/limits.ts";

/** How an attempt, or the session that it led to, ended. Durations are milliseconds. */
export type Ended =
  | {
      readonly kind: "closed";
      readonly code: number;
      /** How long the session was ready; 0 where it never was. */
      readonly readyMs: number;
      /** What `goaway` said. */
      readonly reconnectAfterMs?: number | undefined;
    }
  | {
      readonly kind: "refused";
      readonly after: AfterClose | "once";
      readonly retryAfterMs?: number | undefined;
    }
  | { readonly kind: "failed" };

type Durations = Pick<
  Timings,
  | "backoffFirstMs"
  | "backoffCapMs"
  | "backoffFloorMs"
  | "stableMs"
  | "refusedWaitMs"
  | "stoppedRetryMs"
  | "gapWindowMs"
  | "restartMs"
>;

export interface Moment {
  /** Monotonic milliseconds. */
  readonly tick: number;
  /** What the last `welcome` set; 0 before the first. */
  readonly spreadMs: number;
}

/** Codes that repeat where one end is broken: the third in a row waits as long as the backoff ever does. */
const BROKEN = new Set([1003, 1007, 1009, 1011]);
const MOST_AT_ONCE = 2;

/** When to try again. Full jitter, applied after the cap; never gives up, never without a pause for long. */
export class Reconnect {
  readonly #durations: Durations;
  readonly #random: () => number;
  #step = 0;
  #broken = 0;
  #retried = false;
  /** When a close was followed at once lately, monotonic milliseconds. */
  #quick: number[] = [];
  #gaps: number[] = [];

  constructor(durations: Durations, random: () => number) {
    this.#durations = durations;
    this.#random = random;
  }

  /** Milliseconds until the next attempt. */
  after(ended: Ended, moment: Moment): number {
    switch (ended.kind) {
      case "failed":
        return this.#backoff();
      case "refused":
        return this.#refused(ended, moment);
      case "closed":
        return this.#closed(ended, moment);
    }
  }

  /** Whether the ends disagree on the stream so often that a new one is due: the third gap within a minute. */
  needsNewStream(code: number, tick: number): boolean {
    if (closeRow(code).name !== "gap") return false;
    this.#gaps = [...this.#gaps.filter((at) => tick - at < this.#durations.gapWindowMs), tick];
    if (this.#gaps.length < 3) return false;
    this.#gaps = [];
    return true;
  }

  #closed({ code, readyMs, reconnectAfterMs }: Ended & { kind: "closed" }, moment: Moment): number {
    this.#retried = false;
    this.#broken = BROKEN.has(code) ? this.#broken + 1 : 0;
    const stable = readyMs >= this.#durations.stableMs;
    if (stable) this.#step = 0;
    if (reconnectAfterMs !== undefined) return this.#told(reconnectAfterMs, moment);
    const { after } = closeRow(code);
    if (after === "backoff" && stable) return this.#spread(moment);
    if (this.#broken >= 3) return this.#uniform(this.#durations.backoffCapMs);
    return this.#row(after, moment);
  }

  #refused({ after, retryAfterMs }: Ended & { kind: "refused" }, moment: Moment): number {
    if (after === "once" && !this.#retried) {
      this.#retried = true;
      return this.#durations.backoffFloorMs;
    }
    if (after === "stop") return this.#row(after, moment);
    if (retryAfterMs === undefined) return this.#backoff();
    const jitter = Math.max(this.#durations.backoffFirstMs, 0.2 * retryAfterMs);
    return retryAfterMs + this.#random() * jitter;
  }

  #row(after: AfterClose, moment: Moment): number {
    const { refusedWaitMs, stoppedRetryMs, backoffFloorMs } = this.#durations;
    switch (after) {
      case "stop":
        return stoppedRetryMs * (0.8 + 0.4 * this.#random());
      case "wait":
        return refusedWaitMs + this.#random() * refusedWaitMs;
      case "spread":
        return this.#mayHurry(moment) ? this.#spread(moment) : this.#backoff();
      case "now":
        return this.#mayHurry(moment) ? backoffFloorMs : this.#backoff();
      case "done":
      case "backoff":
        return this.#backoff();
    }
  }

  /** The control plane staggers these itself. Not believed forever: a broken one would have us spin. */
  #told(afterMs: number, moment: Moment): number {
    const { backoffFloorMs, restartMs } = this.#durations;
    const told = Math.max(backoffFloorMs, Math.min(afterMs, restartMs));
    return this.#mayHurry(moment) ? told : Math.max(told, this.#backoff());
  }

  #mayHurry({ tick }: Moment): boolean {
    const { gapWindowMs } = this.#durations;
    this.#quick = this.#quick.filter((at) => tick - at < gapWindowMs);
    if (this.#quick.length >= MOST_AT_ONCE) return false;
    this.#quick.push(tick);
    return true;
  }

  #spread({ spreadMs }: Moment): number {
    return this.#uniform(spreadMs);
  }

  #backoff(): number {
    const { backoffFirstMs, backoffCapMs } = this.#durations;
    const most = Math.min(backoffCapMs, backoffFirstMs * 2 ** this.#step);
    this.#step = Math.min(this.#step + 1, 30);
    return this.#uniform(most);
  }

  #uniform(mostMs: number): number {
    return Math.max(this.#durations.backoffFloorMs, this.#random() * mostMs);
  }
}
