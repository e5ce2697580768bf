/** What the suites ask of Pods on the node. */
import type { Node } from "../node.ts";

const NODE_PROGRAM = "/nodejs/bin/node";
const NAMESPACE = "mooring";

interface Ended {
  readonly exitCode: number;
  readonly reason: string;
}

interface Status {
  readonly podIP?: string;
  readonly containerStatuses?: readonly {
    readonly containerID?: string;
    readonly restartCount: number;
    readonly state: { readonly terminated?: Ended };
    readonly lastState: { readonly terminated?: Ended };
  }[];
}

export interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly status: Status;
}

/** The one Pod of a connector's release; undefined while there is none but one that is being deleted. */
export async function podOf(node: Node, release: string): Promise<Pod | undefined> {
  const labels = `app.kubernetes.io/instance=${release},app.kubernetes.io/name=mooring-connector`;
  const path = `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=${encodeURIComponent(labels)}`;
  const { items } = (await node.call("GET", path)).body as { items: Pod[] };
  return items.find(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** The same, of a release that is known to have one. */
export async function thePodOf(node: Node, release: string): Promise<Pod> {
  const pod = await podOf(node, release);
  if (pod === undefined) throw new Error(`release ${release} has no pod`);
  return pod;
}

/** The control plane's Pod. */
export async function planePod(node: Node): Promise<Pod> {
  return (await node.call("GET", `/api/v1/namespaces/${NAMESPACE}/pods/mooring-control-plane-0`)).body as Pod;
}

/** Runs JavaScript in a Pod's container, whose image has no shell: what it prints. */
export function evaluate(node: Node, pod: string, script: string): Promise<string> {
  return node.exec(NAMESPACE, pod, [NODE_PROGRAM, "-e", script]);
}

/** The pid, inside of the node, of a Pod's first container. */
export async function pidOf(node: Node, pod: Pod): Promise<string> {
  const id = pod.status.containerStatuses?.[0]?.containerID?.replace("containerd://", "") ?? "";
  const tasks = await node.inside(["ctr", "-n", "k8s.io", "tasks", "ls"]);
  const pid = tasks
    .split("\n")
    .find((line) => line.startsWith(id))
    ?.split(/\s+/)[1];
  if (id === "" || pid === undefined) throw new Error(`no task of ${pod.metadata.name}: ${tasks}`);
  return pid;
}

/** Bytes that the kernel counts: of its first process, and of its container without files that it could drop. */
export async function weightOf(node: Node, pod: Pod): Promise<{ rss: number; container: number }> {
  const pid = await pidOf(node, pod);
  const read = (path: string): Promise<string> => node.inside(["cat", path]);
  const rss = Number(/VmRSS:\s+(\d+) kB/.exec(await read(`/proc/${pid}/status`))?.[1]) * 1024;
  const groups = await read(`/proc/${pid}/cgroup`);
  // Version 1 has a hierarchy of its own for memory.
  const first = /^\d+:memory:(.*)$/m.exec(groups)?.[1];
  const folder = first === undefined ? groups.split("::")[1]?.trim() : `/memory${first}`;
  const usage = first === undefined ? "memory.current" : "memory.usage_in_bytes";
  const stat = await read(`/sys/fs/cgroup${folder}/memory.stat`);
  const dropped = Number(/^(?:total_)?inactive_file (\d+)$/m.exec(stat)?.[1]);
  return { rss, container: Number(await read(`/sys/fs/cgroup${folder}/${usage}`)) - dropped };
}

/** A Pod's /metrics. The test reaches every Pod by its address. */
export async function metricsOf(pod: Pod, port = 7481): Promise<string> {
  const url = `http://${pod.status.podIP}:${port}/metrics`;
  return (await fetch(url, { signal: AbortSignal.timeout(5_000) })).text();
}
