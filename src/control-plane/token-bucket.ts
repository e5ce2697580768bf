export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Lets `burst` through at once, and `perSecond` in the long run. `tick` is monotonic milliseconds. */
export class TokenBucket {
  readonly #rate: Rate;
  readonly #tick: () => number;
  #tokens: number;
  #at: number;

  constructor(rate: Rate, tick: () => number) {
    this.#rate = rate;
    this.#tick = tick;
    this.#tokens = rate.burst;
    this.#at = tick();
  }

  /** Whether one more may pass. */
  take(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Whether it is as full as at the start. */
  isFull(): boolean {
    this.#refill();
    return this.#tokens >= this.#rate.burst;
  }

  #refill(): void {
    const now = this.#tick();
    const earned = ((now - this.#at) / 1000) * this.#rate.perSecond;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + earned);
    this.#at = now;
  }
}

/** One bucket for each key, no more than `most` of them: the full ones are forgotten first. */
export class KeyedBuckets {
  readonly #rate: Rate;
  readonly #tick: () => number;
  readonly #most: number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(rate: { perSecond: number; burst: number; most: number }, tick: () => number) {
    this.#rate = rate;
    this.#tick = tick;
    this.#most = rate.most;
  }

  take(key: string): boolean {
    const known = this.#buckets.get(key);
    if (known !== undefined) return known.take();
    if (this.#buckets.size >= this.#most) this.#forget();
    const made = new TokenBucket(this.#rate, this.#tick);
    this.#buckets.set(key, made);
    return made.take();
  }

  #forget(): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull()) this.#buckets.delete(key);
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined && this.#buckets.size >= this.#most) this.#buckets.delete(oldest);
  }
}
