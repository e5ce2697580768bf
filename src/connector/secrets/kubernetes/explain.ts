import { durationWords } from "../../duration.ts";
import { Failure } from "../../failure.ts";
import type { ApiFailure, Refusal } from "../../kubernetes/api-failure.ts";
import type { Identity } from "../../kubernetes/identity.ts";
import type { Evidence } from "../../../protocol/words.ts";
import { aside, type Asking } from "./asking.ts";
import { whyMissing } from "./why-missing.ts";

/** Clocks that differ by less are no news. Milliseconds. */
const SKEW_MS = 60_000;

/** What a call of the API brought instead of a Secret; a 403 has its own question (why-forbidden.ts). */
export async function explain(asking: Asking, failure: ApiFailure): Promise<Failure> {
  const { trouble, evidence, refusal } = failure;
  switch (trouble) {
    case "no_identity":
      return new Failure("secret", "store_identity_rejected", evidence, failure);
    case "timeout":
      return new Failure("secret", "store_timeout", evidence, failure);
    case "unreachable":
      return new Failure("secret", "store_unreachable", { ...evidence, ...wayTo(evidence) }, failure);
    case "not_kubernetes":
      return notKubernetes(failure);
    case "refused":
      return refusal === undefined
        ? new Failure("secret", "store_unreachable", evidence, failure)
        : await refused(asking, failure, refusal);
  }
}

async function refused(asking: Asking, failure: ApiFailure, refusal: Refusal): Promise<Failure> {
  const { status, code, retryAfterMs } = refusal;
  const { endpoint = "" } = failure.evidence;
  switch (status) {
    case 401: {
      const identity = await asking.api.identity(aside(asking)).catch(() => undefined);
      const evidence = { endpoint, ...rejection(identity, refusal, asking.now) };
      return new Failure("secret", "store_identity_rejected", evidence, failure);
    }
    case 404:
      // Of a path that it does not know an API server says 404 without a code; another server of any.
      return code === "NotFound" ? await whyMissing(asking, failure) : notKubernetes(failure);
    case 429: {
      const wait =
        retryAfterMs === undefined ? {} : { retryAfter: durationWords(retryAfterMs), retryAfterMs };
      return new Failure("secret", "store_rate_limited", { endpoint, code: "429", ...wait }, failure);
    }
    default:
      return new Failure("secret", "store_unreachable", { endpoint, status }, failure);
  }
}

/** What is wrong with our login, as far as our token and the API server's clock say. Its answer says no more than 401. */
function rejection(
  identity: Identity | undefined,
  { serverTime = Number.NaN }: Refusal,
  now: number,
): Evidence {
  if (identity === undefined) return {};
  const { words, account, token } = identity;
  const names =
    account === undefined ? {} : { accountNamespace: account.namespace, accountName: account.name };
  const who = { identity: words, ...names };
  if (token === undefined) return { ...who, rejected: "401" };
  const there = Number.isNaN(serverTime) ? now : serverTime;
  const { endsAt, startsAt, audiences, issuer = "" } = token;
  if (startsAt !== undefined && there < startsAt)
    return { ...who, tokenStarts: timeText(startsAt), serverTime: timeText(there) };
  if (endsAt !== undefined && there >= endsAt)
    return { ...who, tokenEnded: timeText(endsAt), serverTime: timeText(there), ...skewOf(now - there) };
  if (!audiences.some((audience) => isApiServer(audience, issuer)))
    return { ...who, audience: audiences.join(", ").slice(0, 200), issuer };
  return { ...who, tokenEnds: endsAt === undefined ? "without an end" : timeText(endsAt), issuer };
}

/**
 * Whether an API server takes tokens for this audience: its own issuer by default, and what providers set instead
 * (EKS and k3s: kubernetes.default.svc…; AKS: its host name).
 */
function isApiServer(audience: string, issuer: string): boolean {
  return (
    audience === issuer ||
    audience.includes("kubernetes.default") ||
    audience.includes(".azmk8s.io") ||
    audience === "k3s"
  );
}

function skewOf(ms: number): Evidence {
  return Math.abs(ms) < SKEW_MS ? {} : { clockSkew: durationWords(Math.abs(ms)) };
}

function notKubernetes(failure: ApiFailure): Failure {
  const { endpoint = "" } = failure.evidence;
  const evidence = { endpoint, notKubernetes: endpoint, dialReason: "protocol_mismatch" };
  return new Failure("secret", "store_unreachable", evidence, failure);
}

/** Where to look: at its certificate, or at the way to it. */
function wayTo({ dialReason = "", endpoint = "" }: Evidence): Evidence {
  const reason = String(dialReason);
  if (reason.startsWith("certificate_")) return { certificateAt: endpoint };
  return NO_WAY.test(reason) ? { wayTo: endpoint } : {};
}

const NO_WAY = /^(dns_|connection_|connect_|network_|proxy_)/;

function timeText(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
}
