/** The cluster's name server: CoreDNS as a process of the node, behind the Service that Pods know. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { program } from "./binaries.ts";
import type { Machine } from "./machine.ts";
import { type Server, startServer } from "./processes.ts";
import { kubeconfigOf, type Place, type Tokens } from "./servers.ts";

const PORT = 1053;

/** The Service's address: the tenth of the range, as everywhere. */
export function dnsAddress(machine: Machine): string {
  return machine.serviceAddress(10);
}

export async function startDns(machine: Machine, place: Place, tokens: Tokens): Promise<Server> {
  const settings = `
.:${PORT} {
  bind ${machine.nodeAddress}
  errors
  ready ${machine.nodeAddress}:8181
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${await kubeconfigOf(place, "system:coredns", tokens)}
    ttl 2
  }
}
`;
  const file = join(machine.directory, "Corefile");
  await writeFile(file, settings);
  return startServer("coredns", [...machine.enter, program("coredns"), "-conf", file], machine.directory);
}

/** The Service in front of it, and its endpoint. */
export function dnsManifest(machine: Machine): string {
  const metadata = { name: "kube-dns", namespace: "kube-system" };
  const ports = (["UDP", "TCP"] as const).map((protocol) => ({
    name: `dns-${protocol.toLowerCase()}`,
    protocol,
  }));
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...metadata, labels: { "k8s-app": "kube-dns" } },
    spec: {
      clusterIP: dnsAddress(machine),
      ports: ports.map((port) => ({ ...port, port: 53, targetPort: PORT })),
    },
  };
  const slice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...metadata, labels: { "kubernetes.io/service-name": "kube-dns" } },
    addressType: "IPv4",
    endpoints: [{ addresses: [machine.nodeAddress], conditions: { ready: true } }],
    ports: ports.map((port) => ({ ...port, port: PORT })),
  };
  return JSON.stringify({ apiVersion: "v1", kind: "List", items: [service, slice] });
}
