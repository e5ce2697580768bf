import type { Evidence } from "../../../protocol/words.ts";
import type { Clock } from "../../clock.ts";
import { endpoint as placeOf } from "../../dial/address.ts";
import type { StoreAnswer, StoreHttp, StoreRequest } from "../../dial/store-http.ts";
import { storeUrl } from "../../dial/target-config.ts";
import { durationWords } from "../../duration.ts";
import { Failure } from "../../failure.ts";
import { jsonOf, limited } from "./status.ts";

/** What every way to an access token has at hand. */
export interface Errand {
  readonly http: StoreHttp;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of every place that is asked. */
  readonly asking: (place: string) => void;
}

/** An access token for Google's APIs. */
export interface Token {
  readonly token: string;
  /** Epoch milliseconds. */
  readonly endsAt: number;
  /**
   * Who it stands for, for people: `identity`, and where they are known `member` (as IAM policies write it) and
   * `account` (a service account's e-mail).
   */
  readonly who: Evidence;
  /** The project whose quota is used, where it is not the secret's. */
  readonly quotaProject?: string;
}

export const SCOPE = "https://www.googleapis.com/auth/cloud-platform";

/** From here on a clock is wrong: Google allows a signed time to be off by some minutes. */
const SKEW_MS = 120_000;

/** The identity is refused, or there is none: `trouble` is in our own words. */
export function refused(evidence: Evidence, cause?: unknown): Failure {
  return new Failure("secret", "store_identity_rejected", evidence, cause);
}

/**
 * Asks whatever gives identities. Throws Failure("secret", …) with `identityEndpoint`: it cannot be reached, it fails,
 * or it takes no more requests. Any other answer is for the caller to judge.
 */
export async function ask({ http, signal, asking }: Errand, request: StoreRequest): Promise<StoreAnswer> {
  const identityEndpoint = nameOf(request.url);
  asking(identityEndpoint);
  let answer: StoreAnswer;
  try {
    answer = await http.request(request, signal);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure("secret", error.reason, { ...error.evidence, identityEndpoint }, error.cause);
  }
  const { status } = answer;
  if (status >= 500) throw new Failure("secret", "store_unreachable", { identityEndpoint, status });
  if (status === 429) throw limited(answer);
  return answer;
}

export function nameOf({ hostname, port, protocol }: URL): string {
  return placeOf(hostname.replace(/^\[|\]$/g, ""), Number(port) || (protocol === "https:" ? 443 : 80));
}

/** A URL that stands in a credentials file: tokens and keys go there, so it is held to the rule of every endpoint. */
export function trustedUrl(text: string, member: string, who: Evidence): URL {
  const parsed = storeUrl.safeParse(text);
  if (!parsed.success) {
    const trouble = `its ${member} ${parsed.error.issues[0]?.message}`;
    throw refused({ ...who, trouble, badFile: who["credentialsFile"] ?? "" });
  }
  return new URL(text);
}

/** The clock here against that of whoever answered, where it is wrong. */
export function skewOf({ headers }: StoreAnswer, clock: Clock): Evidence {
  const theirs = Date.parse(headers["date"] ?? "");
  const off = Math.abs(clock.now() - theirs);
  return Number.isNaN(off) || off < SKEW_MS ? {} : { skew: durationWords(off) };
}

/** A form, as OAuth has it. */
export function form(fields: Readonly<Record<string, string>>): Pick<StoreRequest, "headers" | "body"> {
  const headers = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
  return { headers, body: new URLSearchParams(fields).toString() };
}

/** Members of an answer that are texts. */
export function textsOf({ body }: StoreAnswer): Readonly<Record<string, string>> {
  const value = jsonOf(body);
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, member]) => typeof member === "string"));
}

/** `access_token` and `expires_in`, as OAuth has them. Throws where they are missing. */
export function tokenOf(answer: StoreAnswer, { clock, who }: { clock: Clock; who: Evidence }): Token {
  const { access_token: token = "" } = textsOf(answer);
  const seconds = Number(Reflect.get(Object(jsonOf(answer.body)) as object, "expires_in"));
  if (!isToken(token) || !(seconds > 0))
    throw refused({ ...who, trouble: "the answer to its request for a token holds none" });
  return { token, endsAt: clock.now() + seconds * 1000, who };
}

/** What can stand in a header. */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}
