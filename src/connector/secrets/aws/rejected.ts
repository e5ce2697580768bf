import type { Evidence } from "../../../protocol/words.ts";
import { durationWords } from "../../duration.ts";
import { codeOf, Failure } from "../../failure.ts";
import { skewOf } from "./skew.ts";
import type { AwsTrouble } from "./trouble.ts";

/** What AWS's codes say of the keys that a request was signed with. */
const KEY_TROUBLES: Readonly<Record<string, string>> = {
  UnrecognizedClientException: "AWS does not know its access key",
  InvalidClientTokenId: "AWS does not know its access key",
  InvalidAccessKeyId: "AWS does not know its access key",
  InvalidToken: "AWS does not know its session token",
  ExpiredToken: "its session has ended",
  ExpiredTokenException: "its session has ended",
  InvalidSignatureException: "its secret access key does not belong to its access key",
  SignatureDoesNotMatch: "its secret access key does not belong to its access key",
  AuthFailure: "its secret access key does not belong to its access key",
  RequestTimeTooSkewed: "AWS's clock is another",
  RequestExpired: "AWS's clock is another",
  RequestInTheFuture: "AWS's clock is another",
  IncompleteSignature: "its signature did not arrive whole",
  IncompleteSignatureException: "its signature did not arrive whole",
  MissingAuthenticationToken: "its signature did not arrive",
  MissingAuthenticationTokenException: "its signature did not arrive",
  NotAuthorized: "AWS does not take its keys for this service",
  OptInRequired: "its account is not signed up for this service or region",
  RegionDisabledException: "its account has no session tokens for this region",
};

const THROTTLED = new Set([
  "ThrottlingException",
  "Throttling",
  "ThrottledException",
  "TooManyRequestsException",
  "TooManyRequests",
  "RequestThrottled",
  "RequestThrottledException",
  "RequestLimitExceeded",
  "SlowDown",
]);

/** Whether a trouble is about the keys, and not about what they may do. */
export function isAboutKeys(trouble: AwsTrouble): boolean {
  return Object.hasOwn(KEY_TROUBLES, trouble.code);
}

/** Keys that a service did not take. */
export function keysRejected(trouble: AwsTrouble, told: Evidence): Failure {
  const { code, endpoint } = trouble;
  const skew = skewOf(trouble);
  // With the clock wrong nothing else can be judged.
  if (skew !== undefined) {
    const clock = { identity: told["identity"] ?? "", code, endpoint, ...skew };
    return new Failure("secret", "store_identity_rejected", clock, trouble);
  }
  const words = `${KEY_TROUBLES[code] ?? "AWS does not take it"} (${code})`;
  const evidence = { ...told, ...mendOf(code, endpoint, told), code, endpoint, trouble: words };
  return new Failure("secret", "store_identity_rejected", evidence, trouble);
}

/** The names by which the step for rejected keys is chosen. */
function mendOf(code: string, endpoint: string, told: Evidence): Evidence {
  if (code.startsWith("Incomplete") || code.startsWith("Missing")) return { alteredBy: endpoint };
  const { keyVariable, profile, region } = told;
  if (keyVariable !== undefined) return { badKeys: keyVariable };
  return profile === undefined ? { keysFor: region ?? "" } : { profileRun: profile };
}

/** An identity that could not be had: `trouble` says why, in our own words. */
export function noIdentity(told: Evidence, trouble: string, cause?: unknown): Failure {
  const { identity } = told;
  const ungiven = identity === undefined ? {} : { ungiven: identity };
  return new Failure("secret", "store_identity_rejected", { ...told, ...ungiven, trouble }, cause);
}

/** A file of an identity that could not be read. */
export function fileTrouble(error: unknown, what: string, file: string): string {
  const code = codeOf(error);
  if (code === undefined && error instanceof Error) return `${what} ${file}: ${error.message}`;
  return `${what} ${file} cannot be read (${code})`;
}

/** Whoever gives identities did not answer, or not as it should. */
export function giverFailed(told: Evidence, giver: string, failure: Failure): Failure {
  const { endpoint = giver, trouble, dialReason = "", status } = failure.evidence;
  const how =
    failure.reason === "store_timeout"
      ? "did not answer in time"
      : status === undefined
        ? `could not be reached: ${String(trouble ?? "it failed")}`
        : `answered ${status}`;
  const place = giver !== STS ? {} : status === undefined ? { stsAt: endpoint } : { stsStatus: status };
  const words = `${giver} at ${endpoint} ${how}`;
  return noIdentity({ ...told, ...place, dialReason }, words, failure);
}

/** What STS is called in words. */
export const STS = "AWS STS";

/** Throttling, whoever throttles; undefined where it is none. */
export function throttled(trouble: AwsTrouble, told: Evidence = {}): Failure | undefined {
  const { code, status, endpoint } = trouble;
  if (!THROTTLED.has(code) && status !== 429) return undefined;
  const evidence = { ...told, code: code || "429", endpoint, ...waitOf(trouble) };
  return new Failure("secret", "store_rate_limited", evidence, trouble);
}

function waitOf(trouble: AwsTrouble): Evidence {
  const text = trouble.header("retry-after") ?? "";
  const dated = Date.parse(text) - (trouble.at ?? 0);
  const ms = /^\d{1,6}$/.test(text) ? Number(text) * 1000 : dated;
  return ms > 0 ? { retryAfterMs: ms, retryAfter: durationWords(ms) } : {};
}
