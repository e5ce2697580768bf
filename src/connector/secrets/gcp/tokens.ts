import type { Clock } from "../../clock.ts";
import { Failure } from "../../failure.ts";
import type { Token } from "./identity.ts";
import { within } from "./within.ts";

/** Gets a token; tells of every place that it asks. */
export type Obtain = (signal: AbortSignal, asking: (place: string) => void) => Promise<Token>;

/** Milliseconds. */
const OBTAIN_MS = 10_000;
/** A token is renewed this long before it ends, or at half its life. */
const AHEAD_MS = 5 * 60_000;

/** The connector's access token: one for all secrets of a store, renewed before it ends, asked for once at a time. */
export class Tokens {
  readonly #clock: Clock;
  readonly #obtain: Obtain;
  readonly #closed = new AbortController();
  #held: { readonly token: Token; readonly renewAt: number } | undefined;
  #pending: Promise<Token> | undefined;
  /** Who is asked for it. */
  #asked = "";

  constructor(clock: Clock, obtain: Obtain) {
    this.#clock = clock;
    this.#obtain = obtain;
  }

  /** Throws Failure("secret", …). */
  async get(signal: AbortSignal): Promise<Token> {
    const held = this.#held;
    if (held !== undefined && this.#clock.now() < held.renewAt) return held.token;
    try {
      return await this.#orAborted((this.#pending ??= this.#renew()), signal);
    } catch (error) {
      // One that cannot be renewed just now is good to its end.
      if (this.#held !== undefined && this.#clock.now() < this.#held.token.endsAt) return this.#held.token;
      throw error;
    }
  }

  /** It was refused: the next `get` asks for another. */
  drop(token: Token): void {
    if (this.#held?.token === token) this.#held = undefined;
  }

  close(): void {
    this.#closed.abort();
  }

  async #renew(): Promise<Token> {
    const bounds = { clock: this.#clock, ms: OBTAIN_MS, signal: this.#closed.signal };
    try {
      const token = await within(bounds, (signal) => this.#obtain(signal, (place) => (this.#asked = place)));
      const now = this.#clock.now();
      this.#held = { token, renewAt: token.endsAt - Math.min(AHEAD_MS, (token.endsAt - now) / 2) };
      return token;
    } finally {
      this.#pending = undefined;
    }
  }

  /** Others may still wait for it: it is left, not ended. */
  #orAborted(work: Promise<Token>, signal: AbortSignal): Promise<Token> {
    return new Promise((resolve, reject) => {
      const aborted = (): void =>
        reject(new Failure("secret", "store_timeout", { identityEndpoint: this.#asked }));
      if (signal.aborted) aborted();
      signal.addEventListener("abort", aborted, { once: true });
      void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
    });
  }
}
