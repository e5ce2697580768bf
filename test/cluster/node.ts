/**
 * The node level: a whole Kubernetes with one node, in a machine of its own (machine.ts). Ready in about 8 s.
 *
 *   await using node = await startNode();
 *   await node.importImage((await builtImage()).archive);
 *   await node.kubectl(["apply", "-f", "-"], { stdin: pods });
 *   await node.exec("default", "web", ["wget", "-qO-", "http://shop.data.svc"]);
 *
 * NetworkPolicies are stored and not enforced; a test that needs a drop makes it:
 *   await node.inside(["iptables", "-I", "FORWARD", "-s", podAddress, "-j", "DROP"]);
 *
 * From the test's own process every Pod, Service and the API server can be dialled by its address; Pods reach
 * what the test listens on at `hostAddress`. There is no way out of the cluster. After the test, however it ended,
 * nothing runs; what a killed one leaves on the disk is removed by the next.
 */
import { clientOf, type Client } from "./client.ts";
import { dnsManifest, startDns } from "./dns.ts";
import { busyboxArchive, importImage } from "./images.ts";
import { type Machine, makeMachine, whyNoMachine } from "./machine.ts";
import { NODE, startContainerd, startKubelet, startProxy, startScheduler } from "./node-servers.ts";
import { run, type Server } from "./processes.ts";
import { caFile, type Place, prepare, startApiServer, startControllerManager, startEtcd } from "./servers.ts";

export { BUSYBOX_IMAGE } from "./images.ts";

export interface Node extends Client, AsyncDisposable {
  readonly directory: string;
  /** Where Pods reach what the test listens on. */
  readonly hostAddress: string;
  readonly nodeAddress: string;
  /** A server by its name (kubelet, coredns …), to read its log or to stop it. */
  server(name: string): Server;
  /** Runs a command of the host inside of the node (iptables, ctr …). */
  inside(line: readonly string[]): Promise<string>;
  /** Loads a docker-archive; Pods can use its image. */
  importImage(archive: string): Promise<void>;
  /** Runs a command in a Pod's first container. Resolves to its standard output; throws CommandFailed. */
  exec(namespace: string, pod: string, line: readonly string[]): Promise<string>;
  /** What a Pod's containers wrote, of its last run with `previous`. */
  logs(namespace: string, pod: string, options?: { previous?: boolean }): Promise<string>;
  /** Ends all and removes all. */
  stop(): Promise<void>;
}

/** Why the node level cannot run here, in a sentence; undefined where it can. */
export function canRunNode(): Promise<string | undefined> {
  return whyNoMachine();
}

export async function startNode(): Promise<Node> {
  const sandbox = await busyboxArchive();
  const machine = await makeMachine();
  try {
    return await startInside(machine, sandbox);
  } catch (error) {
    await machine.remove();
    throw error;
  }
}

async function startInside(machine: Machine, sandbox: string): Promise<Node> {
  const { directory, enter, nodeAddress, hostAddress, serviceRange } = machine;
  const ports = { api: 6443, etcd: 2379, etcdPeers: 2380 };
  const place: Place = { directory, address: nodeAddress, ports, serviceRange, enter };
  const tokens = await prepare(place);
  const client = clientOf(`https://${nodeAddress}:${ports.api}`, caFile(place), tokens.admin, directory);
  const servers = [await startEtcd(place)];
  const add = async (started: Promise<Server>): Promise<void> => void servers.push(await started);
  const flags = ["--allow-privileged", "--kubelet-preferred-address-types", "InternalIP"];
  await Promise.all([
    add(startApiServer(place, client, flags)),
    add(startContainerd(machine)).then(() => importImage(enter, sandbox)),
  ]);
  await client.kubectl(["apply", "-f", "-"], { stdin: dnsManifest(machine) });
  await Promise.all([
    add(startControllerManager(place, tokens)),
    add(startScheduler(machine, place, tokens)),
    add(startProxy(machine, place, tokens)),
    add(startDns(machine, place, tokens)),
    add(startKubelet(machine, place, tokens)),
  ]);
  await ready(client, servers);
  return {
    ...client,
    directory,
    hostAddress,
    nodeAddress,
    server: (name) => {
      const found = servers.find((server) => server.name === name);
      if (found === undefined)
        throw new Error(`no server ${name}: ${servers.map((one) => one.name).join(", ")}`);
      return found;
    },
    inside: (line) => run([...enter, ...line]),
    importImage: (archive) => importImage(enter, archive),
    exec: (namespace, pod, line) => client.kubectl(["exec", "-n", namespace, pod, "--", ...line]),
    logs: (namespace, pod, { previous = false } = {}) =>
      client.kubectl(["logs", "-n", namespace, pod, "--all-containers", ...(previous ? ["--previous"] : [])]),
    stop: () => machine.remove(),
    [Symbol.asyncDispose]: () => machine.remove(),
  };
}

interface NodeBody {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Waits for the node's own word, and for the ServiceAccount that Pods need. */
async function ready(client: Client, servers: readonly Server[]): Promise<void> {
  const kubelet = servers.find(({ name }) => name === "kubelet");
  await kubelet?.until(async () => {
    const { status, body } = await client.call("GET", `/api/v1/nodes/${NODE}`);
    const conditions = (body as NodeBody).status?.conditions ?? [];
    if (status !== 200 || !conditions.some((one) => one.type === "Ready" && one.status === "True"))
      return false;
    return (await client.call("GET", "/api/v1/namespaces/default/serviceaccounts/default")).status === 200;
  });
}
