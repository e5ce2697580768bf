import type { Finding } from "../protocol/report.ts";
import { systemClock as clock } from "./clock.ts";
import { Cluster } from "./cluster.ts";
import { serviceOf } from "./evidence/evidence.ts";
import type { Configuration } from "./item.ts";
import { ApiFailure } from "./kubernetes/api-failure.ts";
import type { KubernetesApi } from "./kubernetes/api.ts";
import type { Right } from "./kubernetes/rights.ts";
import { secretNameOf } from "./state-secret.ts";

/** What of the settings needs a right in the cluster. */
export interface RightsWish {
  readonly configuration: Pick<Configuration, "items">;
  readonly stateDir: string;
  readonly lease?: string | undefined;
  /** Namespaces whose Integration resources are watched; `*` for all. */
  readonly crdNamespaces: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A right, and what of the chart's values grants it. A list is added to: a line of its own would take from the others. */
interface Need {
  readonly right: Right;
  readonly values: string;
  /** Without it something is told less well, and everything works. */
  readonly extra?: boolean;
}

const ASK_MS = 5_000;
const CORE = (plural: string): Right["resource"] => ({ group: "", plural });
const LEASES = { group: "coordination.k8s.io", plural: "leases" };
const INTEGRATIONS = { group: "mooring.dev", plural: "integrations" };
const SLICES = { group: "discovery.k8s.io", plural: "endpointslices" };

/** Asks the cluster for each right that the settings need, by SelfSubjectAccessReview: nothing is read or changed. */
export async function examineRights(wish: RightsWish): Promise<Finding[]> {
  const cluster = new Cluster(wish.environment, clock);
  try {
    const needs = needsOf(wish, cluster.namespace);
    const findings: Finding[] = [];
    for (const need of needs) {
      const finding = await ask(cluster.api, need);
      findings.push(finding);
      // Where nobody answers, the others would say the same.
      if (finding.subject === "cluster") break;
    }
    return findings;
  } finally {
    await cluster.close();
  }
}

function needsOf(
  { configuration, stateDir, lease, crdNamespaces, environment }: RightsWish,
  own: string,
): Need[] {
  const needs: Need[] = [];
  const state = secretNameOf(stateDir);
  if (state !== undefined)
    for (const verb of ["get", "patch"] as const)
      needs.push({
        right: { verb, resource: CORE("secrets"), namespace: own, name: state },
        values: "rbac.create: true",
      });
  if (lease !== undefined)
    for (const verb of ["get", "update"] as const)
      needs.push({
        right: { verb, resource: LEASES, namespace: own, name: lease },
        values: "rbac.create: true",
      });
  needs.push(...secretNeeds(configuration), ...crdNeeds(crdNamespaces));
  if (environment["KUBERNETES_SERVICE_HOST"] !== undefined) needs.push(...diagnosisNeeds(configuration, own));
  return needs;
}

function secretNeeds({ items }: RightsWish["configuration"]): Need[] {
  const secrets = new Map<string, Need>();
  for (const { secret } of items) {
    const { storeType, secretName: name, secretNamespace: namespace } = secret?.facts ?? {};
    if (storeType !== "kubernetes" || typeof name !== "string" || typeof namespace !== "string") continue;
    const right = { verb: "get", resource: CORE("secrets"), namespace, name } as const;
    secrets.set(`${namespace}/${name}`, { right, values: `${name} in the list rbac.secrets.${namespace}` });
  }
  return [...secrets.values()];
}

function crdNeeds(namespaces: readonly string[]): Need[] {
  const values = `sources.crd: {enabled: true, namespaces: [${namespaces.map((name) => (name === "*" ? '"*"' : name)).join(", ")}]}`;
  return namespaces.flatMap((name) => {
    const namespace = name === "*" ? undefined : name;
    const rights: Right[] = [
      ...(["get", "list", "watch"] as const).map((verb) => ({ verb, resource: INTEGRATIONS, namespace })),
      { verb: "patch", resource: INTEGRATIONS, namespace, subresource: "status" },
      { verb: "create", resource: CORE("events"), namespace },
    ];
    return rights.map((right) => ({ right, values }));
  });
}

/** What a diagnosis of Services would look at, once for each namespace. */
function diagnosisNeeds({ items }: RightsWish["configuration"], own: string): Need[] {
  const namespaces = new Set(
    items.flatMap(({ type, config }) => {
      const named = serviceOf(type.target(config).host, own);
      return named === undefined ? [] : [named.namespace];
    }),
  );
  return [...namespaces].flatMap((namespace) =>
    [CORE("services"), SLICES, CORE("pods")].map((resource) => ({
      right: {
        verb: resource.plural === "services" ? ("get" as const) : ("list" as const),
        resource,
        namespace,
      },
      values: `${namespace} in the list diagnostics.namespaces`,
      extra: true,
    })),
  );
}

async function ask(api: KubernetesApi, { right, values, extra = false }: Need): Promise<Finding> {
  const words = wordsOf(right);
  try {
    const { allowed, missingRole } = await api.may(right, { signal: AbortSignal.timeout(ASK_MS) });
    if (allowed) return { subject: "right", verdict: "passed", text: words };
    const why = missingRole === undefined ? "" : ` (a binding names ${missingRole}, which is not there)`;
    const text = `${words} is missing${why}; the chart grants it by ${values}`;
    if (extra)
      return {
        subject: "right",
        verdict: "not_checked",
        text: `${text}; without it an unreachable Service is told without its Pods`,
      };
    return { subject: "right", verdict: "failed", text };
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    const { trouble, endpoint, status } = error.evidence;
    const what = trouble ?? (status === undefined ? "it did not answer in time" : `it answered ${status}`);
    const text = endpoint === undefined ? `${what}` : `the API server at ${endpoint}: ${what}`;
    return { subject: "cluster", verdict: "failed", text };
  }
}

function wordsOf({ verb, resource, subresource, namespace, name }: Right): string {
  const kind = [resource.plural, subresource].filter((part) => part !== undefined).join("/");
  const what = name === undefined ? kind : `${kind} ${name}`;
  return `${verb} ${what} in ${namespace ?? "all namespaces"}`;
}
