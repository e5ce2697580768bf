import { createHash } from "node:crypto";
import { Failure } from "../failure.ts";
import type { Item, Problem, RemotePolicy } from "../item.ts";
import type { Kinds } from "./context.ts";
import { judgeConfiguration } from "./config.ts";
import { allowsPlace, placeText } from "./target-policy.ts";

/** Stores that read this machine's own files and variables: only the local file may name what is in them. */
const LOCAL_STORES = ["file", "env"];

/**
 * Judges one item that the control plane sent, by the local policy, before any name is looked up, any file is
 * opened and any socket is made. What the policy does not allow is an item that can only be told as forbidden.
 */
export async function judgeRemoteItem(
  value: unknown,
  policy: RemotePolicy,
  kinds: Kinds,
): Promise<Item | readonly Problem[]> {
  const [bare, barred] = withoutBarred(value);
  // JSON is YAML: the same judge, the same words.
  const text = JSON.stringify({ integrations: [bare] });
  const loaded = await judgeConfiguration("(control plane)", text, kinds);
  if (!loaded.ok) return loaded.problems;
  const [item] = loaded.configuration.items;
  if (item === undefined) return [];
  const forbidden =
    barred === undefined ? judgeByPolicy(item, policy) : forbid("resolve", { problem: barred });
  const digest = createHash("sha256").update(text).digest("hex");
  return { ...item, source: "remote", digest, forbidden };
}

function forbid(stage: "resolve" | "secret", evidence: Record<string, string>): Failure {
  return new Failure(stage, "policy_forbidden", {
    asker: "the control plane",
    section: "remote",
    ...evidence,
  });
}

/** What such an item may not hold at all: a path of this machine, and a way around the policy. */
const BARRED: readonly (readonly [path: readonly string[], problem: string])[] = [
  [["tls", "ca"], "config.tls.ca names a file of the connector"],
  [["proxy"], "config.proxy names a way around the policy"],
];

/** The item without what is barred, so that no file is opened to judge it; and what was. */
function withoutBarred(value: unknown): [bare: unknown, problem: string | undefined] {
  if (!isMap(value) || !isMap(value["config"])) return [value, undefined];
  const config = structuredClone(value["config"]);
  let problem: string | undefined;
  for (const [path, says] of BARRED) {
    const last = path.at(-1) ?? "";
    const around = path
      .slice(0, -1)
      .reduce<unknown>((inside, key) => (isMap(inside) ? inside[key] : undefined), config);
    if (!isMap(around) || !Object.hasOwn(around, last)) continue;
    delete around[last];
    problem ??= says;
  }
  return [{ ...value, config }, problem];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function judgeByPolicy(item: Item, policy: RemotePolicy): Failure | undefined {
  const place = item.type.target(item.config);
  const target = placeText(place);
  if (!allowsPlace(policy.targets, place)) return forbid("resolve", { forbiddenTarget: target });
  const { secret } = item;
  if (secret === undefined) return undefined;
  if (LOCAL_STORES.includes(secret.store)) {
    return forbid("secret", { problem: `the store ${secret.store} is for the local file alone` });
  }
  const rule = policy.secrets.find(({ store, name }) => store === secret.store && name === secret.name);
  if (rule === undefined || !allowsPlace(rule.targets, place)) {
    return forbid("secret", { forbiddenSecret: `${secret.store}: ${secret.name}`, target });
  }
  if (place.protection === "verified") return undefined;
  return forbid("secret", { problem: `its secret would be sent to ${target} without verified encryption` });
}
