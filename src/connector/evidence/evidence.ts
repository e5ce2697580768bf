import type { Report } from "../../protocol/report.ts";
import type { Stage } from "../../protocol/stages.ts";
import type { Clock } from "../clock.ts";
import { clusterService } from "../dial/dial.ts";
import type { Item } from "../item.ts";
import type { KubernetesApi } from "../kubernetes/api.ts";
import { type Evidence, serviceEvidence, type ServiceTarget } from "./service.ts";

export interface ClusterEvidenceParts {
  readonly api: Pick<KubernetesApi, "get" | "list">;
  /** What a host without dots means. */
  readonly namespace: string;
  readonly clock: Clock;
}

/** What a Service and its Pods can be the reason of. */
const STAGES: ReadonlySet<Stage> = new Set<Stage>(["resolve", "connect", "tls", "respond"]);
/** Ended by our own policy, or by a proxy: whatever is behind the Service has no part in it. */
const BEFORE_IT: ReadonlySet<Report["reason"]> = new Set<Report["reason"]>([
  "policy_forbidden",
  "address_forbidden",
  "proxy_refused",
]);
/** A diagnosis must not hold up the news for longer. Milliseconds. */
const LOOK_MS = 3_000;
/** Integrations that share a Service share what was seen of it for so long. Milliseconds. */
const KEEP_MS = 10_000;
const MOST_KEPT = 1_000;

/** Adds to an unreachable verdict what the cluster knows of the target, where the target is a Service of it. */
export class ClusterEvidence {
  readonly #parts: ClusterEvidenceParts;
  readonly #seen = new Map<string, { readonly at: number; readonly looking: Promise<Evidence> }>();

  constructor(parts: ClusterEvidenceParts) {
    this.#parts = parts;
  }

  async add(item: Item, report: Report, signal: AbortSignal): Promise<Report> {
    const target = this.#targetOf(item, report);
    if (target === undefined || signal.aborted) return report;
    const { findings, remedy } = await this.#look(target);
    return { ...report, findings: [...report.findings, ...findings], remedy: [...remedy, ...report.remedy] };
  }

  #targetOf(item: Item, { state, stage, reason }: Report): ServiceTarget | undefined {
    if (state !== "error" || stage === null || !STAGES.has(stage) || BEFORE_IT.has(reason)) return undefined;
    const { host, port } = item.type.target(item.config);
    const named = serviceOf(host, this.#parts.namespace);
    return named === undefined ? undefined : { ...named, port, ended: endOf(stage, reason) };
  }

  #look(target: ServiceTarget): Promise<Evidence> {
    const { clock, api } = this.#parts;
    const key = JSON.stringify(target);
    const now = clock.tick();
    for (const [known, { at }] of this.#seen)
      if (now - at > KEEP_MS || this.#seen.size > MOST_KEPT) this.#seen.delete(known);
    const before = this.#seen.get(key);
    if (before !== undefined) return before.looking;
    const late = new AbortController();
    const done = new AbortController();
    void clock.sleep(LOOK_MS, done.signal).then(() => late.abort());
    const options = { signal: late.signal, timeoutMs: LOOK_MS };
    const looking = serviceEvidence(api, target, options).finally(() => done.abort());
    this.#seen.set(key, { at: now, looking });
    return looking;
  }
}

/** The Service that a host may be the name of: without dots, one of our own namespace. */
export function serviceOf(
  host: string,
  own: string,
): Pick<ServiceTarget, "service" | "namespace"> | undefined {
  const { service, namespace } = clusterService(host);
  if (typeof service === "string" && typeof namespace === "string") return { service, namespace };
  if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(host) || host === "localhost") return undefined;
  return { service: host, namespace: own };
}

function endOf(stage: Stage, reason: Report["reason"]): NonNullable<ServiceTarget["ended"]> {
  if (stage === "resolve") return "name";
  // A reset is an answer too.
  if (stage !== "connect" || reason === "connection_reset") return "answered";
  return reason === "connection_refused" ? "refused" : "silent";
}
