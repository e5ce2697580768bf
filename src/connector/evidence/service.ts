import type { Finding } from "../../protocol/report.ts";
import { type RemedyStep, shellWord } from "../../protocol/words.ts";
import type { KubernetesApi } from "../kubernetes/api.ts";
import { ApiFailure, isRefusal } from "../kubernetes/api-failure.ts";
import type { Resource } from "../kubernetes/resource.ts";
import { NAMESPACES } from "../kubernetes/resource.ts";
import { isReady, whyNotReady } from "./pods.ts";
import { ENDPOINT_SLICES, type Pod, PODS, type Service, SERVICES } from "./shapes.ts";

/** A target that is a Service, and the port that was dialled. */
export interface ServiceTarget {
  readonly service: string;
  readonly namespace: string;
  readonly port: number;
  /** How the look at it ended, by which ready Pods are told: absent, it was `silent`. */
  readonly ended?: "name" | "refused" | "silent" | "answered";
}

/** What was seen behind a target, and what to do about it where that is plain. */
export interface Evidence {
  readonly findings: readonly Finding[];
  readonly remedy: readonly RemedyStep[];
}

interface CallOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Objects of one kind that are looked at. */
const MOST_OBJECTS = 250;
/** Pods that are named. */
const MOST_PODS = 3;

/** Ends the diagnosis: it is plain from here, or nothing more can be seen. */
class Enough extends Error {}

/**
 * Looks behind a Service that could not be reached: is it there, has it that port, are Pods behind it, are they ready,
 * and why not. What may not be looked at is said so. Never rejects.
 */
export async function serviceEvidence(
  api: Pick<KubernetesApi, "get" | "list">,
  target: ServiceTarget,
  options: CallOptions,
): Promise<Evidence> {
  const looking = new Looking(api, target, options);
  try {
    await looking.look();
  } catch (error) {
    if (!(error instanceof Enough) && !(error instanceof ApiFailure)) throw error;
    if (error instanceof ApiFailure) looking.unseen("cluster", error, "");
  }
  return looking;
}

class Looking implements Evidence {
  readonly findings: Finding[] = [];
  readonly remedy: RemedyStep[] = [];
  readonly #api: Pick<KubernetesApi, "get" | "list">;
  readonly #target: ServiceTarget;
  readonly #options: CallOptions;

  constructor(api: Pick<KubernetesApi, "get" | "list">, target: ServiceTarget, options: CallOptions) {
    this.#api = api;
    this.#target = target;
    this.#options = options;
  }

  async look(): Promise<void> {
    const service = await this.#service();
    this.#port(service);
    const selector = Object.entries(service.spec.selector ?? {});
    const ready = await this.#endpoints(selector.length > 0);
    if (selector.length > 0)
      await this.#pods(selector.map(([key, value]) => `${key}=${value}`).join(","), ready);
  }

  async #service(): Promise<Service> {
    const { service, namespace } = this.#target;
    try {
      const found = await this.#api.get(SERVICES, { namespace, name: service }, this.#options);
      if (found.spec.type === "ExternalName") {
        this.#say(
          "Service",
          "not_checked",
          `${service} stands for ${found.spec.externalName ?? "another name"}, which is outside of the cluster`,
        );
        throw new Enough();
      }
      this.#say("Service", "passed", `${service} is there`);
      return found;
    } catch (error) {
      if (isRefusal(error, 404)) return await this.#absent();
      if (!(error instanceof ApiFailure)) throw error;
      this.unseen("Service", error, `get services in ${namespace}`);
      throw new Enough();
    }
  }

  async #absent(): Promise<never> {
    const { service, namespace } = this.#target;
    const isThere = await this.#api
      .get(NAMESPACES, { name: namespace }, this.#options)
      .then(() => true)
      .catch((error: unknown) => (isRefusal(error, 404) ? false : undefined));
    if (isThere === false) {
      this.#say("namespace", "failed", `there is no namespace ${namespace}`);
      this.#do("See which namespaces there are, and correct the host.", ["kubectl", "get", "namespaces"]);
    } else {
      this.#say("Service", "failed", `there is no Service ${service} in namespace ${namespace}`);
      this.#do("See which Services there are, and correct the host.", [
        "kubectl",
        "-n",
        namespace,
        "get",
        "services",
      ]);
    }
    throw new Enough();
  }

  #port({ spec }: Service): void {
    const { service, namespace, port } = this.#target;
    const ports = (spec.ports ?? []).map(({ port }) => port);
    // A headless Service forwards nothing: its Pods are dialled, and may listen where they like.
    if (ports.includes(port) || ports.length === 0) return;
    this.#say("Service", "failed", `${service} has no port ${port}; it has ${ports.slice(0, 10).join(", ")}`);
    this.#do(`Use one of its ports, or add ${port} to the Service.`, [
      "kubectl",
      "-n",
      namespace,
      "get",
      "service",
      service,
    ]);
    throw new Enough();
  }

  /** How many endpoints are ready; undefined where that could not be seen. */
  async #endpoints(hasSelector: boolean): Promise<number | undefined> {
    const { service, namespace } = this.#target;
    const found = await this.#all(
      "EndpointSlice",
      ENDPOINT_SLICES,
      `kubernetes.io/service-name=${service}`,
      `list endpointslices in ${namespace}`,
    );
    if (found === undefined) return undefined;
    const endpoints = found.flatMap(({ endpoints }) => endpoints ?? []);
    // Unknown counts as ready: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
    const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false).length;
    const count = `${endpoints.length} ${endpoints.length === 1 ? "endpoint" : "endpoints"}, ${ready} ready`;
    this.#say("EndpointSlice", ready > 0 ? "passed" : "failed", `${service}: ${count}`);
    const watch = [
      "kubectl",
      "-n",
      namespace,
      "get",
      "endpointslices",
      "-l",
      `kubernetes.io/service-name=${service}`,
    ];
    if (ready === 0 && !hasSelector)
      this.#do("Give the Service endpoints: it has no selector that would find Pods.", watch);
    return ready;
  }

  async #pods(selector: string, ready: number | undefined): Promise<void> {
    const { service, namespace } = this.#target;
    const found = await this.#all("Pods", PODS, selector, `list pods in ${namespace}`);
    if (found === undefined) return;
    // A Job's Pod that is done is no endpoint, and none that should be.
    const pods = found.filter(({ status }) => status?.phase !== "Succeeded");
    const get = ["kubectl", "-n", namespace, "get", "pods", "-l", selector];
    if (pods.length === 0) {
      const done = found.length === 0 ? "" : `, but for ${found.length} that have done their work`;
      this.#say("Pods", "failed", `no Pod has the labels that ${service} selects: ${selector}${done}`);
      this.#do("Correct the Service's selector or the Pods' labels, or start the Pods.", get);
      return;
    }
    const not = pods.filter((pod) => !isReady(pod));
    const shown = not.slice(0, MOST_PODS);
    for (const pod of shown) this.#say("Pod", "failed", `${pod.metadata.name}: ${whyNotReady(pod)}`);
    if (not.length > shown.length)
      this.#say("Pods", "failed", `${not.length - shown.length} more are not ready`);
    const [first] = not;
    if (not.length === pods.length && first !== undefined) return this.#mend(first);
    this.#say("Pods", "passed", `${pods.length - not.length} of ${pods.length} ready`);
    if (ready !== 0) this.#allReady();
  }

  /** All is well behind the Service: what is left depends on how the look ended. */
  #allReady(): void {
    const { service, namespace, ended = "silent" } = this.#target;
    // It is the name that failed; or something did answer, and the stage says what is wrong with that.
    if (ended === "name" || ended === "answered") return;
    if (ended === "refused") {
      this.#say(
        "Service",
        "failed",
        `Pods of ${service} are ready, and refuse the connection: nothing listens at the targetPort of port ${this.#target.port}, or on loopback alone`,
      );
      return this.#do("Compare the Service's TargetPort with the port that its Pods listen on.", [
        "kubectl",
        "-n",
        namespace,
        "describe",
        "service",
        service,
      ]);
    }
    this.#say(
      "Service",
      "failed",
      `Pods of ${service} are ready, and its address does not answer from here: a network policy, or the node's proxy`,
    );
    this.#do("See which network policies hold back traffic to these Pods.", [
      "kubectl",
      "-n",
      namespace,
      "get",
      "networkpolicies",
    ]);
  }

  #mend({ metadata, status }: Pod): void {
    const { namespace } = this.#target;
    const { name } = metadata;
    const crashed = status?.containerStatuses?.find(({ restartCount }) => restartCount > 0);
    if (crashed !== undefined) {
      const log = ["kubectl", "-n", namespace, "logs", name, "-c", crashed.name, "--previous"];
      this.#do("Read why its container ended.", log);
    }
    this.#do("Read what hinders the Pod.", ["kubectl", "-n", namespace, "describe", "pod", name]);
  }

  async #all<T>(
    subject: string,
    resource: Resource<T>,
    labelSelector: string,
    right: string,
  ): Promise<T[] | undefined> {
    const { namespace } = this.#target;
    try {
      const wish = { ...this.#options, labelSelector, limit: MOST_OBJECTS };
      for await (const { items } of this.#api.list(resource, { namespace }, wish)) return [...items];
      return [];
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      this.unseen(subject, error, right);
      return undefined;
    }
  }

  /** What could not be looked at, and why. */
  unseen(subject: string, error: ApiFailure, right: string): void {
    const { namespace } = this.#target;
    // Nobody to be in this cluster: then nothing was meant to be looked at.
    if (error.trouble === "no_identity") return;
    if (error.is(403))
      return this.#say(
        subject,
        "not_checked",
        `not looked at: forbidden (${right}); the chart grants it by ${namespace} in the list diagnostics.namespaces`,
      );
    this.#say(subject, "not_checked", `not looked at: the API server did not answer (${error.trouble})`);
  }

  #say(subject: string, verdict: Finding["verdict"], text: string): void {
    this.findings.push({ subject, verdict, text });
  }

  #do(text: string, command: readonly string[]): void {
    this.remedy.push({ text, command: command.map(shellWord).join(" ") });
  }
}
