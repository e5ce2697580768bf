import { createHash } from "node:crypto";
import { Failure } from "../failure.ts";
import type { Item, Problem, RemotePolicy } from "../item.ts";
import type { Kinds } from "./context.ts";
import { judgeConfiguration } from "./config.ts";
import { allowsPlace, placeText } from "./target-policy.ts";

/** Stores that read this machine's own files and variables: only the local file may name what is in them. */
const LOCAL_STORES = ["file", "env"];

/** An item that did not come from the local file: the item, what is wrong with it, or why the policy forbids it. */
export type Judged = Item | readonly Problem[] | Failure;

function forbidden(stage: "resolve" | "secret", evidence: Record<string, string>): Failure {
  return new Failure(stage, "policy_forbidden", {
    asker: "the control plane",
    section: "remote",
    ...evidence,
  });
}

/**
 * Judges one item that the control plane sent, by the local policy, before any name is looked up, any file is
 * opened and any socket is made. Its text is JSON, which is YAML.
 */
export async function judgeRemoteItem(value: unknown, policy: RemotePolicy, kinds: Kinds): Promise<Judged> {
  const barred = barredMember(value);
  if (barred !== undefined) return forbidden("resolve", { problem: barred });
  const asked = secretOf(value);
  if (asked !== undefined && LOCAL_STORES.includes(asked.store)) {
    return forbidden("secret", { problem: `the store ${asked.store} is for the local file alone` });
  }
  const text = JSON.stringify({ integrations: [value] });
  const loaded = await judgeConfiguration("(from the control plane)", text, kinds);
  if (!loaded.ok) return loaded.problems;
  const [item] = loaded.configuration.items;
  if (item === undefined) return [];
  return judgeByPolicy(item, policy) ?? remote(item, text);
}

function remote(item: Item, text: string): Item {
  return { ...item, source: "remote", digest: createHash("sha256").update(text).digest("hex") };
}

/** What such an item may not hold at all: a path of this machine, and a proxy that would be a target of its own. */
function barredMember(value: unknown): string | undefined {
  const config = memberOf(value, "config");
  if (memberOf(memberOf(config, "tls"), "ca") !== undefined)
    return "config.tls.ca names a file of the connector";
  if (memberOf(config, "proxy") !== undefined) return "config.proxy names a way around the policy";
  return undefined;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (Reflect.get(value, name) as unknown) : undefined;
}

function secretOf(value: unknown): { store: string; name: string } | undefined {
  const secret = memberOf(value, "secret");
  const store = memberOf(secret, "store");
  if (typeof store !== "string") return undefined;
  const name = memberOf(secret, "path") ?? memberOf(secret, "variable");
  return { store, name: typeof name === "string" ? name : "" };
}

function judgeByPolicy(item: Item, policy: RemotePolicy): Failure | undefined {
  const place = item.type.target(item.config);
  const asked = placeText(place);
  if (!allowsPlace(policy.targets, place)) return forbidden("resolve", { forbiddenTarget: asked });
  const { secret } = item;
  if (secret === undefined) return undefined;
  const rule = policy.secrets.find(({ store, name }) => store === secret.store && name === secret.name);
  if (rule === undefined || !allowsPlace(rule.targets, place)) {
    return forbidden("secret", { forbiddenSecret: `${secret.store}: ${secret.name}`, target: asked });
  }
  if (place.protection === "verified") return undefined;
  return forbidden("secret", { problem: `its secret would be sent to ${asked} without verified encryption` });
}
