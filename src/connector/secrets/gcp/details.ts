import type { Clock } from "../../clock.ts";
import type { Secret } from "../secret-store.ts";
import type { Api } from "./api.ts";
import type { SecretName } from "./name.ts";
import { idOf, type SecretResource, secretResource, versionResource } from "./resources.ts";
import { within } from "./within.ts";

type Known = Pick<Secret, "createdAt" | "expiresAt" | "newerVersion">;

/** What is asked beside the value may not hold it up. Milliseconds. */
const ASIDE_MS = 2000;
/** A project may read 600 descriptions a minute (and 90,000 values): they are asked for this seldom. Milliseconds. */
const KEEP_MS = 3_600_000;
/** Where the question itself failed. Milliseconds. */
const AGAIN_MS = 60_000;
/** So many secrets' details are kept; then all are asked for anew. */
const MOST_KEPT = 10_000;

export interface Question {
  readonly name: SecretName;
  readonly base: URL;
  /** The number of the version that was read. */
  readonly version: string;
  /** The secret itself, where it was read for its labels. */
  readonly secret: SecretResource | undefined;
}

/**
 * Age and end of a secret, where the connector may see them (secretmanager.versions.get, secretmanager.secrets.get).
 * Where it may not, nothing is known, and that is no failure.
 */
export class Details {
  readonly #api: Api;
  readonly #clock: Clock;
  readonly #kept = new Map<
    string,
    { readonly version: string; readonly until: number; readonly known: Known }
  >();

  constructor(api: Api, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  async of(question: Question, signal: AbortSignal): Promise<Known> {
    const { name, version, secret } = question;
    const key = `${name.resource}/versions/${name.version}`;
    const kept = this.#kept.get(key);
    const now = this.#clock.now();
    if (kept === undefined || kept.version !== version || now >= kept.until) {
      const bounds = { clock: this.#clock, ms: ASIDE_MS, signal };
      const { known, failed } = await within(bounds, (signal) => this.#ask(question, signal));
      if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
      this.#kept.set(key, { version, until: now + (failed ? AGAIN_MS : KEEP_MS), known });
      return known;
    }
    const expiresAt =
      secret === undefined ? kept.known.expiresAt : earliest(secret.expireTime, kept.known.expiresAt);
    return { ...kept.known, ...some({ expiresAt }) };
  }

  async #ask(
    { name, base, version, secret }: Question,
    signal: AbortSignal,
  ): Promise<{ readonly known: Known; readonly failed: boolean }> {
    let failed = false;
    const value = async (path: string): Promise<unknown> => {
      try {
        const answer = await this.#api.get(new URL(path, base), signal);
        return "value" in answer ? answer.value : undefined;
      } catch {
        failed = true;
        return undefined;
      }
    };
    const pinned = /^\d+$/.test(name.version);
    const [own, latest, whole] = await Promise.all([
      value(`${name.resource}/versions/${version}`),
      pinned ? value(`${name.resource}/versions/latest`) : undefined,
      secret ?? value(name.resource).then((found) => secretResource.safeParse(found).data),
    ]);
    return { known: knownOf(version, { own, latest, whole }), failed };
  }
}

function knownOf(
  version: string,
  { own, latest, whole }: { own: unknown; latest: unknown; whole: SecretResource | undefined },
): Known {
  const read = versionResource.safeParse(own).data;
  const newest = versionResource.safeParse(latest).data;
  const number = idOf(newest?.name ?? "");
  const newer = newest?.state === "ENABLED" && Number(number) > Number(version);
  return some({
    createdAt: read?.createTime,
    expiresAt: earliest(whole?.expireTime, read?.scheduledDestroyTime),
    newerVersion: newer ? number : undefined,
  });
}

/** Undefined where it cannot be had, for whatever reason. */
export async function valueOf(api: Api, url: URL, signal: AbortSignal): Promise<unknown> {
  try {
    const answer = await api.get(url, signal);
    return "value" in answer ? answer.value : undefined;
  } catch {
    return undefined;
  }
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time): time is number => time !== undefined && !Number.isNaN(time));
  return known.length === 0 ? undefined : Math.min(...known);
}

function some<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const known = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}
