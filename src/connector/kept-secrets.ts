import type { BoundSecret } from "./check.ts";
import type { Clock } from "./clock.ts";
import { durationWords } from "./duration.ts";
import { Failure } from "./failure.ts";
import { Schedule, type Scheduled } from "./schedule.ts";
import { valuesOf } from "./secrets/fields.ts";
import type { Secret } from "./secrets/secret-store.ts";

export type Outcome =
  | { readonly ok: true; readonly secret: Secret }
  | { readonly ok: false; readonly failure: Failure };

/** What one reading brought. Ticks are monotonic milliseconds, `at` is epoch milliseconds. */
export type Reading = Outcome & {
  readonly startedTick: number;
  readonly endedTick: number;
  readonly at: number;
};

export interface KeptSecretsParts {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** What tells two versions of a secret apart, without holding it. */
  readonly markOf: (secret: Secret) => string;
  /** A reading ended. `news`: its outcome, or the version, is another than before. */
  readonly onRead: (id: string, reading: Reading, news: boolean) => void;
  /** An error of a store that is no Failure: for the local log. */
  readonly onUnknown?: ((error: unknown, secret: BoundSecret) => void) | undefined;
}

/** How fresh it must be, and for how long a look would wait for a reading in all, milliseconds. */
export interface Wanting {
  /** Nothing that was read before this tick will do. */
  readonly since?: number | undefined;
  readonly patienceMs?: number;
}

/** One reading may take so long, whoever waits for it. Milliseconds. */
const READ_MS = 10_000;
/** After a deadline, a store that obeys its signal still gets to say what it saw. Milliseconds. */
const LAST_WORD_MS = 20;
/** A kept value is used until it is that much older than its interval: the schedule reads it anew before. */
const GRACE = 1.5;
/** What failed is read again no later than this. Milliseconds. */
const MOST_REREAD_MS = 60_000;
/** A store that throttles and does not say for how long. Milliseconds. */
const THROTTLED_MS = 30_000;
/** No store is left alone for longer, whatever it says. Milliseconds. */
const MOST_HELD_MS = 3_600_000;
/** While targets reject a version, the store is asked no more often than this whether it has another. Milliseconds. */
const COMPARED_MS = 30_000;
/** Where secrets cost nothing to read, they are looked at this often, whatever their integrations do. Milliseconds. */
const LOCAL_MS = 10_000;

interface Kept {
  secret: BoundSecret;
  last?: Reading | undefined;
  mark?: string | undefined;
  /** No reading before this tick, whoever asks: the store said so. */
  heldUntil: number;
  /** The one reading that is under way. */
  flight?: { readonly startedTick: number; readonly reading: Promise<Reading> } | undefined;
  /** The one that begins when that has ended: new enough for all who ask until then. */
  next?: Promise<Reading> | undefined;
  /** When the store was asked last whether it has another version than a rejected one. */
  comparedTick?: number;
}

/**
 * Every secret that the configured integrations need: read once for all of them, again and again at its own interval,
 * by at most one reading at a time. A store that throttles is left alone for as long as it says.
 */
export class KeptSecrets {
  readonly #parts: KeptSecretsParts;
  readonly #kept = new Map<string, Kept>();
  readonly #schedule: Schedule<Scheduled>;
  readonly #over = new AbortController();

  constructor(parts: KeptSecretsParts) {
    this.#parts = parts;
    this.#schedule = new Schedule<Scheduled>({
      clock: parts.clock,
      random: parts.random,
      look: async ({ name }) => {
        const kept = this.#kept.get(name);
        return kept === undefined || (await this.#reading(kept, parts.clock.tick())).ok;
      },
    });
  }

  /** The secrets from now on, and their own schedule. One that stays keeps what was read of it. */
  replace(secrets: Iterable<BoundSecret>): void {
    const wanted = new Map([...secrets].map((secret) => [secret.id, secret]));
    for (const id of this.#kept.keys()) if (!wanted.has(id)) this.#kept.delete(id);
    for (const [id, secret] of wanted) {
      const kept = this.#kept.get(id);
      if (kept === undefined) this.#kept.set(id, { secret, heldUntil: 0 });
      else kept.secret = secret;
    }
    this.#schedule.replace(
      [...wanted.values()].map(({ id, rereadMs }) => ({
        name: id,
        intervalMs: rereadMs === 0 ? LOCAL_MS : rereadMs,
        mostRelookMs: MOST_REREAD_MS,
        suspend: false,
        digest: String(rereadMs),
      })),
    );
  }

  /**
   * The secret for a look: what is kept, where it is not too old, else what the store says now. Throws Failure("secret", …). A secret that is not configured is not kept.
   */
  async read(
    secret: BoundSecret,
    signal: AbortSignal,
    { since, patienceMs = READ_MS }: Wanting = {},
  ): Promise<Secret> {
    const kept = this.#kept.get(secret.id) ?? { secret, heldUntil: 0 };
    if (since === undefined && this.#isSlow(kept, patienceMs))
      throw new Failure("secret", "store_timeout", { limit: durationWords(patienceMs) });
    const reading = this.#usable(kept, since) ?? (await this.#within(this.#reading(kept, since), signal));
    if (reading.ok) return reading.secret;
    throw reading.failure;
  }

  /** Waits until a look need not wait for the secret any more, or until its patience is over. Never rejects. */
  async ready(secret: BoundSecret, signal: AbortSignal, patienceMs: number): Promise<void> {
    const kept = this.#kept.get(secret.id);
    if (kept === undefined || this.#usable(kept, undefined) !== undefined) return;
    const done = new AbortController();
    const ended = AbortSignal.any([done.signal, signal]);
    await Promise.race([this.#reading(kept), this.#parts.clock.sleep(patienceMs, ended)]);
    done.abort();
  }

  /**
   * Reads anew what a target rejected. True where it is another version than `mark`. A thousand integrations whose
   * targets reject the same secret cost the store one reading.
   */
  async isNewerThan(mark: string, secret: BoundSecret, signal: AbortSignal): Promise<boolean> {
    const since = this.#comparedSince(secret);
    const found = await this.read(secret, signal, { since }).catch(() => undefined);
    return found !== undefined && this.#parts.markOf(found) !== mark;
  }

  #comparedSince({ id, rereadMs }: BoundSecret): number {
    const kept = this.#kept.get(id);
    const now = this.#parts.clock.tick();
    if (kept === undefined) return now;
    const { comparedTick = Number.NEGATIVE_INFINITY } = kept;
    if (now - comparedTick < Math.min(COMPARED_MS, rereadMs)) return comparedTick;
    kept.comparedTick = now;
    return now;
  }

  lastOf(id: string): Reading | undefined {
    return this.#kept.get(id)?.last;
  }

  async close(): Promise<void> {
    this.#over.abort();
    await this.#schedule.close();
  }

  /** What is kept, where a look may go by it. */
  #usable({ secret, last, heldUntil }: Kept, since: number | undefined): Reading | undefined {
    if (last === undefined) return undefined;
    const now = this.#parts.clock.tick();
    if (!last.ok && now < heldUntil) return last;
    if (since !== undefined) return last.startedTick >= since ? last : undefined;
    if (secret.rereadMs === 0) return undefined;
    // What failed is read again by the schedule alone: a look does not wait for a store that is away.
    if (!last.ok) return last;
    return now - last.endedTick < secret.rereadMs * GRACE ? last : undefined;
  }

  /** Whether a reading is under way that has taken longer than somebody would wait. */
  #isSlow(kept: Kept, patienceMs: number): boolean {
    const { flight } = kept;
    if (flight === undefined || this.#usable(kept, undefined) !== undefined) return false;
    return this.#parts.clock.tick() - flight.startedTick >= patienceMs;
  }

  /** The reading that is under way, if it will do, else a new one. Never rejects. */
  #reading(kept: Kept, since = Number.NEGATIVE_INFINITY): Promise<Reading> {
    const { flight, last, heldUntil } = kept;
    if (last !== undefined && !last.ok && this.#parts.clock.tick() < heldUntil) return Promise.resolve(last);
    if (flight === undefined) return this.#begin(kept);
    if (flight.startedTick >= since) return flight.reading;
    return (kept.next ??= flight.reading.then(() => {
      kept.next = undefined;
      return this.#reading(kept);
    }));
  }

  #begin(kept: Kept): Promise<Reading> {
    const startedTick = this.#parts.clock.tick();
    const reading = this.#readNow(kept, startedTick).finally(() => (kept.flight = undefined));
    kept.flight = { startedTick, reading };
    return reading;
  }

  async #readNow(kept: Kept, startedTick: number): Promise<Reading> {
    const { clock, onRead } = this.#parts;
    const { onUnknown } = this.#parts;
    const outcome = await readOnce(kept.secret, { clock, onUnknown, over: this.#over.signal });
    const reading: Reading = { ...outcome, startedTick, endedTick: clock.tick(), at: clock.now() };
    const before = kept.last;
    const mark = reading.ok ? this.#parts.markOf(reading.secret) : kept.mark;
    const news = before === undefined || !sameOutcome(before, reading) || mark !== kept.mark;
    kept.last = reading;
    kept.mark = mark;
    kept.heldUntil = reading.ok ? 0 : clock.tick() + this.#holdMs(reading.failure);
    try {
      if (this.#kept.get(kept.secret.id) === kept) onRead(kept.secret.id, reading, news);
    } catch (error) {
      // Whoever waits for the secret has it all the same, and the schedule goes on.
      onUnknown?.(error, kept.secret);
    }
    return reading;
  }

  /** How long a store that throttles is left alone: as long as it says, and a little more, not all at once. */
  #holdMs({ reason, evidence }: Failure): number {
    if (reason !== "store_rate_limited") return 0;
    const said = Number(evidence["retryAfterMs"] ?? THROTTLED_MS);
    return Math.min(said, MOST_HELD_MS) * (1 + 0.2 * this.#parts.random());
  }

  /** The reading, unless the look's own time is over first. */
  #within(reading: Promise<Reading>, signal: AbortSignal): Promise<Reading> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const over = Promise.withResolvers<never>();
    const end = (): void => over.reject(signal.reason as Error);
    signal.addEventListener("abort", end, { once: true });
    return Promise.race([reading, over.promise]).finally(() => signal.removeEventListener("abort", end));
  }
}

/** No secret has more texts in it: each is looked for in whatever is shown. */
const MOST_VALUES = 2_000;

async function readBounded(secret: BoundSecret, signal: AbortSignal): Promise<Secret> {
  const found = await secret.read(signal);
  if (valuesOf(found).length <= MOST_VALUES) return found;
  const trouble = `it has more than ${MOST_VALUES} values in it`;
  const example = "a secret of what its integrations need alone";
  throw new Failure("secret", "secret_unparsable", { form: "a JSON object or plain text", trouble, example });
}

/** One reading from the store, within its deadline or until `over`. Never rejects. */
export async function readOnce(
  secret: BoundSecret,
  place: Pick<KeptSecretsParts, "clock" | "onUnknown"> & { readonly over: AbortSignal },
): Promise<Outcome> {
  const { clock, onUnknown, over } = place;
  const late = new AbortController();
  const done = new AbortController();
  const slow = (): Failure => new Failure("secret", "store_timeout", { limit: durationWords(READ_MS) });
  const working = readBounded(secret, AbortSignal.any([late.signal, over])).catch((error: unknown) => {
    if (error instanceof Failure) throw error;
    if (late.signal.aborted || over.aborted) throw slow();
    onUnknown?.(error, secret);
    throw new Failure("secret", "unknown", { stage: "secret" });
  });
  working.catch(() => {}); // It may lose the race below.
  const timeout = clock
    .sleep(READ_MS, AbortSignal.any([done.signal, over]))
    .then(async (): Promise<never> => {
      if (done.signal.aborted) return new Promise<never>(() => {});
      late.abort();
      if (!over.aborted) await Promise.race([working, clock.sleep(LAST_WORD_MS, done.signal)]);
      throw slow();
    });
  timeout.catch(() => {});
  try {
    return { ok: true, secret: await Promise.race([working, timeout]) };
  } catch (error) {
    return { ok: false, failure: error instanceof Failure ? error : slow() };
  } finally {
    done.abort();
  }
}

function sameOutcome(a: Reading, b: Reading): boolean {
  if (a.ok || b.ok) return a.ok === b.ok;
  return a.failure.reason === b.failure.reason;
}
