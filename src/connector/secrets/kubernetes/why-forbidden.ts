import { Failure } from "../../failure.ts";
import { ApiFailure } from "../../kubernetes/api-failure.ts";
import type { Identity } from "../../kubernetes/identity.ts";
import type { Verdict } from "../../kubernetes/rights.ts";
import type { Evidence } from "../../../protocol/words.ts";
import { aside, type Asking, type SecretPlace } from "./asking.ts";
import { explain } from "./explain.ts";
import { type KubernetesSecret, SECRETS } from "./shape.ts";
import { namespaceOf } from "./why-missing.ts";

/**
 * A 403: asks the API server itself whether a right is missing. Gives the Secret where the right came just now;
 * else throws Failure("secret", …).
 */
export async function whyForbidden(asking: Asking, failure: ApiFailure): Promise<KubernetesSecret> {
  const { api, at } = asking;
  const options = aside(asking);
  const [identity, verdict, namespace] = await Promise.all([
    api.identity(options).catch(() => NOBODY),
    api.may({ verb: "get", resource: SECRETS, ...at }, options).catch(() => undefined),
    namespaceOf(asking),
  ]);
  const evidence = { endpoint: failure.evidence["endpoint"] ?? "", ...namesFor(identity), ...namespace };
  // Where the namespace is gone, so are its Roles: to ask for a right there would lead nowhere.
  if ("noNamespace" in namespace) throw new Failure("secret", "secret_not_found", evidence, failure);
  if (verdict?.allowed === true) return await onceMore(asking, { ...evidence, allowedYet: "403" });
  throw new Failure("secret", "secret_forbidden", { ...evidence, ...ruleFor(at, verdict) }, failure);
}

/** Where not even our own files say any more who we are. */
const NOBODY: Identity = { words: "The connector" };

/** RBAC says yes: the right is new, or something else between us and the Secret says no. */
async function onceMore(asking: Asking, evidence: Evidence): Promise<KubernetesSecret> {
  try {
    return await asking.api.get(SECRETS, asking.at, asking);
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    if (error.is(403)) throw new Failure("secret", "secret_forbidden", evidence, error);
    throw await explain(asking, error);
  }
}

/** `role` and what it is for, where a Role would help. */
function ruleFor({ name, namespace }: SecretPlace, verdict: Verdict | undefined): Evidence {
  if (verdict === undefined) return { unasked: "403" };
  if (verdict.denied) return { deniedOutright: "403" };
  return {
    role: `mooring-read-${name}`.slice(0, 253),
    valuesLine: `rbac.secrets.${namespace}`,
    missingRole: verdict.missingRole ?? "",
  };
}

/** The names that commands need to bind a Role to us. */
function namesFor({ words, account, user }: Identity): Evidence {
  if (account !== undefined)
    return { identity: words, accountNamespace: account.namespace, accountName: account.name };
  return { identity: words, user: user ?? "" };
}
