import { createHash } from "node:crypto";
import type { Evidence } from "../../protocol/words.ts";
import type { BoundSecret } from "../check.ts";
import { Failure } from "../failure.ts";
import type { TargetPlace } from "../integrations/integration.ts";
import type { Item, Problem } from "../item.ts";
import { judgeConfiguration } from "./config.ts";
import type { Kinds, Stores } from "./context.ts";
import { allowsPlace, placeText } from "./target-policy.ts";

/** Somebody else than the local file who asks for an item, and what the local policy lets them ask for. */
export interface Asker {
  readonly source: Item["source"];
  /** Stands for the file in problems. */
  readonly file: string;
  /** For the words of a refusal: who asks, and the section of the policy. */
  readonly words: Evidence;
  /** `host:port` patterns. */
  readonly targets: readonly string[];
  /** Why it may not use the secret, as evidence; undefined where it may. */
  secretTrouble(secret: BoundSecret, place: TargetPlace): Evidence | undefined;
}

/** Stores that read this machine's own files and variables: only the local file may name what is in them. */
export const LOCAL_STORES: readonly string[] = ["file", "env"];

/** What such an item may not hold at all: a path of this machine, and a way around the policy. */
export const BARRED: readonly { readonly path: readonly string[]; readonly problem: string }[] = [
  { path: ["tls", "ca"], problem: "config.tls.ca names a file of the connector" },
  { path: ["proxy"], problem: "config.proxy names a way around the policy" },
];

/**
 * Judges one item that is not of the local file, by the local policy, before any name is looked up, any file is
 * opened and any socket is made. What the policy does not allow is an item that can only be told as forbidden.
 */
export async function judgeForeignItem(
  value: unknown,
  asker: Asker,
  kinds: Kinds,
  stores?: Stores,
): Promise<Item | readonly Problem[]> {
  const [bare, barred] = withoutBarred(value);
  // JSON is YAML: the same judge, the same words.
  const text = JSON.stringify({ integrations: [bare] });
  const loaded = await judgeConfiguration(asker.file, text, kinds, stores);
  if (!loaded.ok) return loaded.problems;
  const [item] = loaded.configuration.items;
  if (item === undefined) return [];
  const [stage, trouble] =
    barred === undefined ? troubleOf(item, asker) : (["resolve", { problem: barred }] as const);
  const evidence = { ...asker.words, ...trouble };
  const forbidden = trouble === undefined ? undefined : new Failure(stage, "policy_forbidden", evidence);
  const digest = createHash("sha256")
    .update(JSON.stringify([text, stores?.digest, trouble]))
    .digest("hex");
  return { ...item, source: asker.source, digest, forbidden };
}

/** The item without what is barred, so that no file is opened to judge it; and what was. */
function withoutBarred(value: unknown): [bare: unknown, problem: string | undefined] {
  if (!isMap(value) || !isMap(value["config"])) return [value, undefined];
  const config = structuredClone(value["config"]);
  let first: string | undefined;
  for (const { path, problem } of BARRED) {
    const last = path.at(-1) ?? "";
    const around = path
      .slice(0, -1)
      .reduce<unknown>((inside, key) => (isMap(inside) ? inside[key] : undefined), config);
    if (!isMap(around) || !Object.hasOwn(around, last)) continue;
    delete around[last];
    first ??= problem;
  }
  return [{ ...value, config }, first];
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Why the policy does not allow the item; undefined where it does. */
function troubleOf(item: Item, asker: Asker): ["resolve" | "secret", Evidence | undefined] {
  const place = item.type.target(item.config);
  const target = placeText(place);
  if (!allowsPlace(asker.targets, place)) return ["resolve", { forbiddenTarget: target }];
  const { secret } = item;
  if (secret === undefined) return ["secret", undefined];
  const kind = String(secret.facts["storeType"]);
  if (LOCAL_STORES.includes(kind))
    return ["secret", { problem: `the store ${secret.store} is for the local file alone` }];
  const trouble = asker.secretTrouble(secret, place);
  if (trouble !== undefined || place.protection === "verified") return ["secret", trouble];
  return ["secret", { problem: `its secret would be sent to ${target} without verified encryption` }];
}
