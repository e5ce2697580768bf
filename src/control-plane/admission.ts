import type { Random } from "./clock.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Lets so many upgrades a second through; the others are told, each differently, when to come back. */
export class Admission {
  readonly #bucket: TokenBucket;
  readonly #rate: number;
  readonly #random: Random;
  readonly #tick: () => number;
  /** Refused since the bucket was last open, and when one was refused last. */
  #backlog = 0;
  #refusedAt = 0;
  #draining = false;

  constructor(perSecond: number, random: Random, tick: () => number) {
    this.#bucket = new TokenBucket({ perSecond, burst: Math.max(1, perSecond) }, tick);
    this.#rate = perSecond;
    this.#random = random;
    this.#tick = tick;
  }

  /** Admits nobody any more. */
  drain(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Undefined where the upgrade may go on; else after how many whole seconds it may be tried again. */
  refuse(): number | undefined {
    if (!this.#draining && this.#bucket.take()) {
      if (this.#tick() - this.#refusedAt > 1_000) this.#backlog = 0;
      return undefined;
    }
    this.#backlog += 1;
    this.#refusedAt = this.#tick();
    const longest = Math.min(60, Math.max(5, this.#backlog / this.#rate));
    return 1 + Math.floor(this.#random.number() * longest);
  }
}
