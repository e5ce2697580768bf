/**
 * The servers that only a node has: containerd, kubelet, kube-proxy, kube-scheduler.
 * Each with a file of settings in the machine's directory; they run inside of the machine.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { program } from "./binaries.ts";
import { dnsAddress } from "./dns.ts";
import { SANDBOX_IMAGE } from "./images.ts";
import type { Machine } from "./machine.ts";
import { type Server, startServer } from "./processes.ts";
import { kubeconfigOf, type Place, type Tokens } from "./servers.ts";

export const NODE = "n1";

/** Starts containerd. Its socket is /run/containerd/containerd.sock inside; /run is the machine's own. */
export async function startContainerd({ directory, enter, podRange }: Machine): Promise<Server> {
  // A link for each Pod, and all traffic routed: the bridge plugin would need br_netfilter for Services.
  const network = {
    cniVersion: "1.0.0",
    name: "pods",
    plugins: [
      {
        type: "ptp",
        ipMasq: false,
        ipam: {
          type: "host-local",
          dataDir: join(directory, "addresses"),
          ranges: [[{ subnet: podRange }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
  await mkdir(join(directory, "cni"));
  await writeFile(join(directory, "cni", "pods.conflist"), JSON.stringify(network));
  const settings = `
version = 2
root = "${directory}/containerd"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${SANDBOX_IMAGE}"
  # Without CAP_SYS_RESOURCE runc cannot lower it, and dies.
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${dirname(program("ptp"))}"
  conf_dir = "${directory}/cni"
`;
  const file = join(directory, "containerd.toml");
  await writeFile(file, settings);
  const server = startServer("containerd", [...enter, program("containerd"), "--config", file], directory);
  await server.until(() => Promise.resolve(server.tail(40).includes("successfully booted")), 20_000);
  return server;
}

export async function startKubelet(machine: Machine, place: Place, tokens: Tokens): Promise<Server> {
  const { directory, enter, nodeAddress } = machine;
  // Names that are not the cluster's: nobody answers, as behind a firewall.
  await writeFile(join(directory, "resolv.conf"), `nameserver ${machine.hostAddress}\n`);
  const settings = {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: nodeAddress,
    // Its port is in the machine's own network; it is the API server's way in for logs and exec.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: "AlwaysAllow" },
    cgroupDriver: "cgroupfs",
    cgroupsPerQOS: true,
    cgroupRoot: machine.cgroup,
    enforceNodeAllocatable: [],
    evictionHard: { "memory.available": "0%", "nodefs.available": "0%", "imagefs.available": "0%" },
    failSwapOn: false,
    oomScoreAdj: 0,
    clusterDomain: "cluster.local",
    clusterDNS: [dnsAddress(machine)],
    resolvConf: join(directory, "resolv.conf"),
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    // A changed ConfigMap or Secret is in the Pod's files after this, not after a minute.
    syncFrequency: "5s",
    // Restarts wait this long at most, not 5 minutes.
    crashLoopBackOff: { maxContainerRestartPeriod: "20s" },
    featureGates: { KubeletCrashLoopBackOffMax: true },
  };
  await writeFile(join(directory, "kubelet.json"), JSON.stringify(settings));
  const flags = [
    ["--config", join(directory, "kubelet.json")],
    ["--kubeconfig", await kubeconfigOf(place, `system:node:${NODE}`, tokens)],
    ["--hostname-override", NODE],
    ["--node-ip", nodeAddress],
    ["--root-dir", join(directory, "kubelet")],
    ["--cert-dir", join(directory, "kubelet-certs")],
  ].flat();
  return startServer("kubelet", [...enter, program("kubelet"), ...flags], directory);
}

export async function startProxy(machine: Machine, place: Place, tokens: Tokens): Promise<Server> {
  const flags = [
    ["--kubeconfig", await kubeconfigOf(place, "system:kube-proxy", tokens)],
    ["--hostname-override", NODE],
    ["--proxy-mode", "iptables"],
    ["--cluster-cidr", machine.podRange],
    // The table of connections is the whole machine's.
    ["--conntrack-max-per-core", "0"],
    ["--oom-score-adj", "0"],
    ["--iptables-min-sync-period", "100ms"],
  ].flat();
  return startServer("kube-proxy", [...machine.enter, program("kube-proxy"), ...flags], machine.directory);
}

export async function startScheduler(machine: Machine, place: Place, tokens: Tokens): Promise<Server> {
  const flags = ["--kubeconfig", await kubeconfigOf(place, "system:kube-scheduler", tokens)];
  const switches = ["--leader-elect=false", "--secure-port=0"];
  const line = [...machine.enter, program("kube-scheduler"), ...flags, ...switches];
  return startServer("kube-scheduler", line, machine.directory);
}
