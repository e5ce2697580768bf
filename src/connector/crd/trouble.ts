import type { KubernetesApi } from "../kubernetes/api.ts";
import type { ApiFailure } from "../kubernetes/api-failure.ts";
import type { Right } from "../kubernetes/rights.ts";
import { EVENTS, INTEGRATIONS } from "./resource.ts";

/** What cannot be done with the Integrations of a namespace (undefined: of all). */
export type Doing = "follow" | "status" | "events";

/** A trouble of the source itself. One of each place at a time. */
export interface SourceProblem {
  readonly doing: Doing;
  /** The namespace, `*` for all. */
  readonly namespace: string;
  /** One line: what is wrong and what to do; null once it is over. */
  readonly text: string | null;
}

const RIGHTS: Readonly<Record<Doing, readonly Pick<Right, "verb" | "resource" | "subresource">[]>> = {
  follow: [
    { verb: "list", resource: INTEGRATIONS },
    { verb: "watch", resource: INTEGRATIONS },
  ],
  status: [{ verb: "patch", resource: INTEGRATIONS, subresource: "status" }],
  events: [{ verb: "create", resource: EVENTS }],
};

const SENTENCES: Readonly<Record<Doing, string>> = {
  follow: "Integration resources of PLACE cannot be followed",
  status: "The status of Integration resources of PLACE cannot be written",
  events: "Events of Integration resources of PLACE cannot be written",
};

/** Says what is wrong. Where a right is missing it asks the API server which one. */
export async function troubleWords(
  api: Pick<KubernetesApi, "may">,
  { doing, namespace, wide }: { readonly doing: Doing; readonly namespace: string; readonly wide: boolean },
  failure: ApiFailure,
  signal: AbortSignal,
): Promise<string> {
  const place = namespace === "*" ? "all namespaces" : `namespace ${namespace}`;
  const says = SENTENCES[doing].replace("PLACE", place);
  if (failure.is(404) && doing === "follow")
    return `${says}: the CRD integrations.mooring.dev is not there. An administrator installs it: crds.enabled=true of the Helm chart, or kubectl apply --server-side -k manifests/crds.`;
  if (!failure.is(403)) return `${says}: ${whyOf(failure)}. It is tried again.`;
  const missing = await missingOf(api, doing, namespace === "*" ? undefined : namespace, signal);
  const values = wide
    ? 'sources.crd.enabled=true and sources.crd.namespaces=["*"]'
    : `sources.crd.enabled=true and ${namespace} in the list sources.crd.namespaces`;
  return `${says}: the connector's ServiceAccount lacks the right ${missing}. The Helm values ${values} grant it. It is tried again.`;
}

async function missingOf(
  api: Pick<KubernetesApi, "may">,
  doing: Doing,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const wanted = RIGHTS[doing];
  const may = async (right: Right): Promise<boolean> => {
    try {
      return (await api.may(right, { signal })).allowed;
    } catch {
      return false; // It was refused a moment ago: then all of them are named.
    }
  };
  const allowed = await Promise.all(wanted.map((right) => may({ ...right, namespace })));
  const missing = wanted.filter((_, index) => allowed[index] === false);
  return (missing.length === 0 ? wanted : missing).map(rightWords).join(" and ");
}

/** `patch on integrations/status (mooring.dev)` */
export function rightWords({ verb, resource, subresource }: Omit<Right, "namespace">): string {
  const what = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
  return `${verb} on ${what}${resource.group === "" ? "" : ` (${resource.group})`}`;
}

function whyOf({ evidence, refusal }: ApiFailure): string {
  const { endpoint, trouble } = evidence;
  const server = endpoint === undefined ? "the API server" : `the API server ${endpoint}`;
  if (refusal !== undefined) return `${server} answered ${refusal.status} ${refusal.code}`.trimEnd();
  return trouble === undefined ? `${server} gave no whole answer in time` : `${server}: ${trouble}`;
}
