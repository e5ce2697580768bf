import type { Secret } from "../api/shapes.ts";
import { failedWord, type Knot } from "./stage-words.ts";

/** What is looked at of a secret, in this order; a reason stands at the check that it fails. */
const CHECKS: readonly (readonly [check: string, reasons: readonly string[]])[] = [
  ["store", ["store_unreachable", "store_timeout", "store_rate_limited", "store_sealed"]],
  ["identity", ["store_identity_rejected"]],
  ["exists", ["secret_not_found", "secret_region_mismatch"]],
  ["may be read", ["secret_not_tagged", "secret_forbidden", "secret_disabled", "policy_forbidden"]],
  ["decrypts", ["secret_decrypt_forbidden"]],
  ["parses", ["secret_unparsable"]],
  ["fields", ["secret_field_missing", "secret_field_empty"]],
  ["login", []],
  ["age", ["secret_expiring", "secret_stale"]],
];

const LOGIN = CHECKS.findIndex(([check]) => check === "login");

/** Which check a reason belongs to; what this page does not know is a matter of the store, or of the login. */
function placeOf({ reason, stage }: Secret): number {
  const at = CHECKS.findIndex(([, reasons]) => reason !== null && reasons.includes(reason));
  if (at !== -1) return at;
  return stage === "authenticate" ? LOGIN : 0;
}

/** The checks of a secret as a mooring line. */
export function knotsOfSecret(secret: Secret): Knot[] {
  const at = secret.reason === null ? CHECKS.length : placeOf(secret);
  return CHECKS.map(([stage], index): Knot => {
    const rest = { stage, ms: null, fact: null };
    if (secret.state === "unknown") return { ...rest, shape: "unseen", rope: "slack", word: "unknown" };
    if (index < at || secret.state === "online")
      return { ...rest, shape: "online", rope: "taut", word: "passed" };
    if (index > at && secret.state === "error")
      return { ...rest, shape: "hollow", rope: "slack", word: "not reached" };
    if (index > at) return { ...rest, shape: "online", rope: "taut", word: "passed" };
    return secret.state === "warning"
      ? { ...rest, shape: "warning", rope: "taut", word: "with a gap" }
      : { ...rest, shape: "error", rope: "frayed", word: failedWord(secret.reason ?? undefined) };
  });
}

/** Why a secret is not well, in few words: "fields: empty", "exists: not found". */
export function shortReason(secret: Secret): string {
  const [check = ""] = CHECKS[placeOf(secret)] ?? [];
  if (secret.reason === "secret_expiring") return "age: ends soon";
  if (secret.reason === "secret_stale") return "age: old";
  return `${check}: ${failedWord(secret.reason ?? undefined)}`;
}

const STORES: Readonly<Record<string, string>> = {
  file: "File",
  env: "Environment",
  kubernetes: "Kubernetes Secret",
  aws: "AWS Secrets Manager",
  gcp: "Google Secret Manager",
  vault: "Vault",
  azure: "Azure Key Vault",
};

/** A store's own name, and the one that the configuration gives it where that is another. */
export function storeName({ store, storeType }: Pick<Secret, "store" | "storeType">): string {
  const name = STORES[storeType] ?? storeType;
  return store === storeType ? name : `${name} (${store})`;
}
