import type { Evidence } from "../../../protocol/words.ts";
import type { Clock } from "../../clock.ts";
import { Failure } from "../../failure.ts";

/** Keys that requests are signed with. */
export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** When they end, epoch milliseconds; absent: never. */
  readonly endsAt?: number | undefined;
}

/** Where keys come from. */
export interface IdentitySource {
  /** What is told of it: `identity` for people, and names for the steps. Never a key or a token. */
  readonly told: Evidence;
  /** Fetches keys anew. Throws Failure store_identity_rejected with `trouble`. */
  fetch(context: FetchContext): Promise<Keys>;
}

export interface FetchContext {
  readonly signal: AbortSignal;
  /** The region whose services are asked. */
  readonly region: string;
}

/** How long keys may be in coming, milliseconds: within the share of a default timeout that the stage secret has. */
const FETCH_MS = 4000;

/** Keys are renewed so long before their end, or a quarter of their life before it. */
const RENEW_MS = 5 * 60_000;

/** Keys that end sooner than this are none. */
const SPENT_MS = 5000;

export interface Held {
  readonly keys: Keys;
  readonly source: IdentitySource;
  readonly renewAt: number;
}

/** The identity of one store: fetched once for all who wait, renewed before it ends, dropped when it is rejected. */
export class IdentityKeeper {
  readonly #clock: Clock;
  readonly #choose: (signal: AbortSignal) => Promise<IdentitySource>;
  #held: Held | undefined;
  #coming: Promise<Held> | undefined;

  constructor(clock: Clock, choose: (signal: AbortSignal) => Promise<IdentitySource>) {
    this.#clock = clock;
    this.#choose = choose;
  }

  /** Keys that are good for now. Throws Failure. */
  get(region: string, signal: AbortSignal): Promise<Held> {
    const held = this.#held;
    const now = this.#clock.now();
    if (held !== undefined && now < held.renewAt) return Promise.resolve(held);
    const coming = (this.#coming ??= this.#fetch(region).finally(() => (this.#coming = undefined)));
    if (held === undefined || !isGood(held, now)) return orAborted(coming, signal);
    // Nobody waits for new keys while the old ones are good, and a hiccup is no news: the next read tries again.
    coming.catch(() => {});
    return Promise.resolve(held);
  }

  /** Forgets these keys: they were not taken. */
  drop(held: Held): void {
    if (this.#held === held) this.#held = undefined;
  }

  async #fetch(region: string): Promise<Held> {
    const late = new AbortController();
    const done = new AbortController();
    void this.#clock.sleep(FETCH_MS, done.signal).then(() => done.signal.aborted || late.abort());
    try {
      const source = await this.#choose(late.signal);
      const keys = await source.fetch({ signal: late.signal, region });
      this.#held = { keys, source, renewAt: renewal(keys, this.#clock.now()) };
      return this.#held;
    } finally {
      done.abort();
    }
  }
}

function renewal({ endsAt }: Keys, now: number): number {
  if (endsAt === undefined) return Number.POSITIVE_INFINITY;
  return endsAt - Math.min(RENEW_MS, Math.max(0, endsAt - now) / 4);
}

function isGood({ keys: { endsAt } }: Held, now: number): boolean {
  return endsAt === undefined || endsAt - now > SPENT_MS;
}

/** Whoever waits leaves at his own deadline; the work goes on for the others. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const leave = (): void =>
    reject(new Failure("secret", "store_timeout", { awaited: "an identity from AWS" }));
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave, { once: true });
  work.catch(() => {});
  promise.catch(() => {});
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
