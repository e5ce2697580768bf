import type { Evidence } from "../../protocol/words.ts";
import type { BoundSecret } from "../check.ts";
import type { CrdPolicy, Item, JudgedResource, Problem } from "../item.ts";
import { DEFAULT_CRD_POLICY } from "./config.ts";
import { isAzureHost } from "../secrets/azure/names.ts";
import type { Kinds, Stores } from "./context.ts";
import { isMap, judgeForeignItem } from "./foreign.ts";

const FILE = "(resource)";
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * Judges an Integration resource, by the local policy. Its item is named `NAME.NAMESPACE`, which no other can be;
 * the paths of problems are those of the resource: `spec.config.port`.
 */
export async function judgeIntegrationResource(
  { namespace, name, spec }: JudgedResource,
  policy: CrdPolicy = DEFAULT_CRD_POLICY,
  kinds: Kinds,
  stores?: Stores,
): Promise<Item | readonly Problem[]> {
  if (!LABEL.test(name)) return [problem("metadata.name", "must be a DNS label of at most 63 characters")];
  if (!isMap(spec)) return [problem("spec", "is missing; it must be a map of keys")];
  if (Object.hasOwn(spec, "name"))
    return [problem("spec.name", "is not known; the resource's own name is the integration's")];
  const kindOf = (store: unknown): unknown =>
    typeof store === "string" ? (stores?.byName.get(store)?.type.type ?? store) : undefined;
  const value = { ...spec, name, ...ownSecret(spec["secret"], namespace, kindOf) };
  const asker = {
    source: "crd",
    file: FILE,
    words: { asker: "a resource", section: "crd", ownNamespace: namespace },
    targets: policy.targets.map((pattern) => pattern.replaceAll("{namespace}", namespace)),
    secretTrouble: (secret) => secretTrouble(secret, namespace, policy),
  } satisfies Parameters<typeof judgeForeignItem>[1];
  const judged = await judgeForeignItem(value, asker, kinds, stores);
  if ("type" in judged) return { ...judged, name: `${name}.${namespace}` };
  return judged.map((each) => ({ ...each, path: each.path.replace(/^integrations\[0\]/, "spec") }));
}

function problem(path: string, text: string): Problem {
  return { file: FILE, line: 1, column: 1, path, text };
}

/** A Kubernetes Secret without a namespace is one of the resource's own, and not of the connector's. */
function ownSecret(
  secret: unknown,
  namespace: string,
  kindOf: (store: unknown) => unknown,
): { secret?: unknown } {
  if (!isMap(secret) || kindOf(secret["store"]) !== "kubernetes") return {};
  return { secret: { ...secret, namespace: secret["namespace"] ?? namespace } };
}

function secretTrouble(
  { store, name, facts }: BoundSecret,
  namespace: string,
  { stores }: CrdPolicy,
): Evidence | undefined {
  if (!stores.includes(store)) return { problem: `the store ${store} is not listed under policy.crd.stores` };
  const { storeType, secretNamespace, vaultHost = "" } = facts;
  // A vault stands in the reference: elsewhere it would be any place that the connector can reach.
  if (storeType === "azure" && !isAzureHost(String(vaultHost)))
    return { problem: `the vault ${vaultHost} is not in a domain of Azure's vaults` };
  if (storeType !== "kubernetes" || secretNamespace === namespace) return undefined;
  return { foreignSecret: name, problem: `the Secret ${name} is not one of its own namespace ${namespace}` };
}
