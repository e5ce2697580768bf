import { createHash, createHmac, randomBytes } from "node:crypto";
import { canonicalSecrets, type SecretItem, type SecretRead } from "../protocol/secret-frames.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { Report } from "../protocol/report.ts";
import { SECRET_SHARE } from "./check.ts";
import type { Clock } from "./clock.ts";
import type { Item } from "./item.ts";
import { KeptSecrets } from "./kept-secrets.ts";
import { SecretStanding } from "./secret-standing.ts";
import { valuesOf } from "./secrets/fields.ts";
import type { Secret } from "./secrets/secret-store.ts";

export interface SecretWatchParts {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Told of every secret that was read, so that its values can be kept out of logs. */
  readonly onValues: (item: Item, values: readonly string[]) => void;
  /** A store was asked, for these integrations. `result`: ok or the reason. `at` is epoch milliseconds. */
  readonly onRead: (read: {
    readonly store: string;
    readonly result: string;
    readonly users: readonly string[];
    readonly at: number;
  }) => void;
  /** Secrets that stand otherwise; `all` where these are all that there are. */
  readonly onChange: (items: readonly SecretItem[], all: readonly string[] | null) => void;
  /** The integration is to be looked at now: what it needs has changed. */
  readonly lookSoon: (name: string) => void;
  readonly onUnknown: (error: unknown, store: string) => void;
}

/** How long a look waits for its secret: as much as its stage may take. */
function patienceOf({ timeoutMs }: Item): number {
  return SECRET_SHARE * timeoutMs;
}

/** Tells versions of secrets apart within this process, without holding them. */
export function createMarks(): (secret: Secret) => string {
  const key = randomBytes(32);
  return (secret) =>
    createHmac("sha256", key)
      .update(JSON.stringify([secret.version ?? "", valuesOf(secret)]))
      .digest("hex");
}

/** The report, with the secret named as the trouble where several integrations wait for it. */
export function blockedBySecret({ secret }: Item, report: Report, isShared: boolean): Report {
  if (secret === undefined || !isShared || report.state !== "error") return report;
  if (report.stage !== "secret" || report.reason === "policy_forbidden") return report;
  return { ...report, blockedBy: { kind: "secret", id: secret.id } };
}

/** Secrets as things of their own: kept, read again, told, and their integrations looked at when they change. */
export class SecretWatch {
  readonly #parts: SecretWatchParts;
  readonly #kept: KeptSecrets;
  readonly #standing = new SecretStanding();
  readonly #markOf = createMarks();
  #reads = new Map<string, number>();
  /** Those that are told: a control plane takes so many of a connector, and all of them are looked after here. */
  #told: ReadonlySet<string> = new Set();

  constructor(parts: SecretWatchParts) {
    this.#parts = parts;
    const { clock, random, onUnknown } = parts;
    this.#kept = new KeptSecrets({
      clock,
      random,
      markOf: this.#markOf,
      onUnknown: (error, { store }) => onUnknown(error, store),
      onRead: (id, reading, news) => {
        const known = this.#standing.wasRead(id);
        this.#standing.read(id, reading, news);
        if (reading.ok) this.#reads.set(id, reading.at);
        const [item, ...others] = this.#standing.itemsOf(id);
        if (item === undefined) return;
        if (reading.ok) parts.onValues(item, valuesOf(reading.secret));
        const result = reading.ok ? "ok" : reading.failure.reason;
        const users = [item, ...others].map(({ name }) => name);
        parts.onRead({ store: item.secret?.store ?? "", result, users, at: reading.at });
        // The first reading is what the first looks wait for.
        if (news && known) users.forEach(parts.lookSoon);
        this.#tell([id]);
      },
    });
  }

  /** The integrations from now on. */
  replace(items: readonly Item[]): void {
    this.#kept.replace(this.#standing.replace(items, this.#parts.clock.now()));
    const ids = this.#standing.ids().slice(0, LIMITS.secrets);
    this.#told = new Set(ids);
    this.#tell(ids, ids);
  }

  /** The integration with its secret from here. `since`: nothing that was read before this tick will do. */
  kept(item: Item, since?: number): Item {
    const { secret } = item;
    if (secret === undefined) return item;
    const read = async (signal: AbortSignal): Promise<Secret> => {
      const found = await this.#kept.read(secret, signal, { since, patienceMs: patienceOf(item) });
      this.#parts.onValues(item, valuesOf(found));
      return found;
    };
    const known = (): Promise<readonly string[]> => {
      const last = this.#kept.lastOf(secret.id);
      return Promise.resolve(last?.ok === true ? valuesOf(last.secret) : []);
    };
    return { ...item, secret: { ...secret, read, known } };
  }

  /** Waits, before a look takes its place, for what it would wait for. Never rejects. */
  async ready(item: Item, signal: AbortSignal): Promise<void> {
    if (item.secret !== undefined) await this.#kept.ready(item.secret, signal, patienceOf(item));
  }

  /** How many secrets there are of each store and state. */
  counts(): { store: string; state: SecretItem["state"]; count: number }[] {
    const groups = Map.groupBy(
      this.#standing.all(this.#parts.clock.now()),
      ({ store, state }) => `${store} ${state}`,
    );
    return [...groups.values()].flatMap((items) => {
      const [first] = items;
      return first === undefined ? [] : [{ store: first.store, state: first.state, count: items.length }];
    });
  }

  /** Whether the store has another version by now than the one that a look went by. Reads it anew. */
  async hasNewer({ secret }: Item, startedTick: number, signal: AbortSignal): Promise<boolean> {
    if (secret === undefined) return false;
    const last = this.#kept.lastOf(secret.id);
    if (last === undefined || !last.ok || last.startedTick >= startedTick) return false;
    return this.#kept.isNewerThan(this.#markOf(last.secret), secret, signal);
  }

  /** A look ended: its report, with the secret that keeps several integrations from working named as the trouble. */
  looked(item: Item, report: Report): Report {
    this.#standing.looked(item, report);
    if (item.secret !== undefined) this.#tell([item.secret.id]);
    return blockedBySecret(item, report, this.#standing.isShared(item.secret?.id ?? ""));
  }

  /** Those that are told. */
  all(): SecretItem[] {
    return this.#standing.all(this.#parts.clock.now()).filter(({ id }) => this.#told.has(id));
  }

  /** `sha256:` and 64 hexadecimal digits: what both ends compare. */
  digest(): string {
    return `sha256:${createHash("sha256").update(canonicalSecrets(this.all())).digest("hex")}`;
  }

  /** Secrets that were read since the last call, at most as many as a heartbeat carries. */
  takeReads(): SecretRead[] {
    const reads = [...this.#reads].slice(0, LIMITS.samplesPerHeartbeat);
    for (const [id] of reads) this.#reads.delete(id);
    return reads.map(([id, at]) => ({ id, at: new Date(at).toISOString() }));
  }

  async close(): Promise<void> {
    await this.#kept.close();
  }

  /** Those of these secrets that stand otherwise by now. No others: a look may not cost more the more secrets there are. */
  #tell(ids: readonly string[], all: readonly string[] | null = null): void {
    const told = ids.filter((id) => this.#told.has(id));
    const changed = this.#standing.takeChanged(told, this.#parts.clock.now());
    if (changed.length > 0 || all !== null) this.#parts.onChange(changed, all);
  }
}
