import type { Terms } from "./terms.ts";

/** A process that slept this long past its time believes nothing about the peer's silence. Milliseconds. */
const OVERSLEPT_MS = 1_000;

/**
 * When to beat, and when the silence after a beat has lasted too long. Ticks are monotonic milliseconds.
 * Only frames of the control plane count as an answer: WebSocket pings are answered by a library.
 */
export class Heart {
  readonly #terms: Pick<Terms, "heartbeatMs" | "answerMs">;
  readonly #random: () => number;
  readonly #factor: number;
  #beats = 0;
  #beatAt: number;
  #sentAt = 0;
  #answerBy = Number.POSITIVE_INFINITY;
  #dueAt: number;
  #rttMs: number | null = null;

  /** The first beat comes at random within the interval. `factor` is the time scale. */
  constructor(terms: Terms, random: () => number, { tick, factor }: { tick: number; factor: number }) {
    this.#terms = terms;
    this.#random = random;
    this.#factor = factor;
    this.#beatAt = tick + random() * terms.heartbeatMs;
    this.#dueAt = tick;
  }

  get beats(): number {
    return this.#beats;
  }

  /** How long the last answer to a beat took, milliseconds; null before the first. */
  get rttMs(): number | null {
    return this.#rttMs;
  }

  /** When to look again. */
  next(beatsOn: boolean): number {
    return beatsOn ? Math.min(this.#beatAt, this.#answerBy) : this.#answerBy;
  }

  /** To be told what was promised for when: a process that was stopped forgives its peer. */
  expect(dueAt: number): void {
    this.#dueAt = dueAt;
  }

  /** Whether the control plane is silent for too long. */
  isUnanswered(tick: number): boolean {
    const grace = OVERSLEPT_MS * this.#factor;
    // What came while this process slept may wait in the socket: it is read before it is judged.
    if (tick - this.#dueAt > grace && this.#answerBy !== Number.POSITIVE_INFINITY)
      this.#answerBy = Math.max(this.#answerBy, tick + grace);
    return tick >= this.#answerBy;
  }

  isDue(tick: number): boolean {
    return tick >= this.#beatAt;
  }

  /** A beat goes out now; gives its number. */
  beat(tick: number): number {
    const { heartbeatMs, answerMs } = this.#terms;
    this.#beats += 1;
    this.#sentAt = tick;
    this.#beatAt = tick + heartbeatMs * (0.9 + 0.1 * this.#random());
    this.#answerBy = Math.min(this.#answerBy, tick + answerMs);
    return this.#beats;
  }

  /** A frame came. */
  heard(): void {
    this.#answerBy = Number.POSITIVE_INFINITY;
  }

  /** The answer to beat `n` came. Gives how long the last one took, or undefined where it is another's. */
  answered(n: number | undefined, tick: number): number | undefined {
    if (n !== this.#beats || n === 0) return undefined;
    this.#rttMs = tick - this.#sentAt;
    return this.#rttMs;
  }
}
