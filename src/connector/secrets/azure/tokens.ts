import { type GivenToken, KeptToken } from "../../dial/kept-token.ts";
import type { Challenge } from "./challenge.ts";
import { exchange } from "./exchange.ts";
import type { GiverParts } from "./given.ts";
import { managed } from "./managed.ts";

/** Tokens of one identity, one for each resource and tenant. */
export class Tokens {
  readonly #parts: GiverParts;
  readonly #kept = new Map<string, KeptToken>();

  constructor(parts: GiverParts) {
    this.#parts = parts;
  }

  /** Throws Failure("secret", …): no identity, refused, or its giver is away. */
  get(challenge: Challenge, signal: AbortSignal): Promise<string> {
    return this.#of(challenge).get(signal);
  }

  drop(challenge: Challenge, token: string): void {
    this.#of(challenge).drop(token);
  }

  #of(challenge: Challenge): KeptToken {
    const key = `${challenge.resource} ${challenge.tenant ?? ""}`;
    let kept = this.#kept.get(key);
    if (kept === undefined) {
      const { clock } = this.#parts;
      kept = new KeptToken(clock, (signal) => this.#ask(challenge, signal));
      this.#kept.set(key, kept);
    }
    return kept;
  }

  #ask(challenge: Challenge, signal: AbortSignal): Promise<GivenToken> {
    const { identity } = this.#parts;
    return "file" in identity
      ? exchange(this.#parts, identity, challenge, signal)
      : managed(this.#parts, identity, challenge, signal);
  }
}
