/**
 * Where the programs of the cluster tests are: Kubernetes' own servers, etcd, helm, kubectl, containerd …
 *
 * `node test/cluster/install.ts tools|api|node` brings them into a cache outside of the tree
 * (MOORING_CLUSTER_CACHE, default ~/.cache/mooring-cluster), a folder for each version.
 * Somebody who has the programs names their folder instead: MOORING_CLUSTER_ASSETS=/usr/local/kubebuilder/bin.
 */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The levels of the tests, each with all that is below it. */
export const LEVELS = ["tools", "api", "node"] as const;
export type Level = (typeof LEVELS)[number];

export const VERSIONS = {
  kubernetes: "1.34.1",
  coredns: "1.12.4",
  /** helm 4.1.4 and kubectl 1.34.5 come in this npm package. */
  layer: "2.2.2",
  etcd: "3.4",
} as const;

const FOLDERS = {
  kubernetes: `kubernetes-${VERSIONS.kubernetes}`,
  coredns: `coredns-${VERSIONS.coredns}`,
  layer: `kubectl-layer-${VERSIONS.layer}`,
  etcd: `etcd-${VERSIONS.etcd}`,
} as const;

interface Program {
  readonly level: Level;
  /** A folder of the cache, or the Debian package and the file that it installs. */
  readonly from: keyof typeof FOLDERS | { readonly debian: string; readonly path: string };
}

const PROGRAMS = {
  helm: { level: "tools", from: "layer" },
  kubectl: { level: "tools", from: "layer" },
  etcd: { level: "api", from: "etcd" },
  "kube-apiserver": { level: "api", from: "kubernetes" },
  "kube-controller-manager": { level: "api", from: "kubernetes" },
  "kube-scheduler": { level: "node", from: "kubernetes" },
  "kube-proxy": { level: "node", from: "kubernetes" },
  kubelet: { level: "node", from: "kubernetes" },
  coredns: { level: "node", from: "coredns" },
  containerd: { level: "node", from: { debian: "containerd", path: "/usr/bin/containerd" } },
  ctr: { level: "node", from: { debian: "containerd", path: "/usr/bin/ctr" } },
  runc: { level: "node", from: { debian: "runc", path: "/usr/sbin/runc" } },
  ptp: { level: "node", from: { debian: "containernetworking-plugins", path: "/usr/lib/cni/ptp" } },
  buildah: { level: "node", from: { debian: "buildah", path: "/usr/bin/buildah" } },
  iptables: { level: "node", from: { debian: "iptables", path: "/usr/sbin/iptables" } },
  conntrack: { level: "node", from: { debian: "conntrack", path: "/usr/sbin/conntrack" } },
  ip: { level: "node", from: { debian: "iproute2", path: "/usr/sbin/ip" } },
  nsenter: { level: "node", from: { debian: "util-linux", path: "/usr/bin/nsenter" } },
  busybox: { level: "node", from: { debian: "busybox-static", path: "/usr/bin/busybox" } },
  prometheus: { level: "node", from: { debian: "prometheus", path: "/usr/bin/prometheus" } },
  promtool: { level: "node", from: { debian: "prometheus", path: "/usr/bin/promtool" } },
} as const satisfies Record<string, Program>;

export type ProgramName = keyof typeof PROGRAMS;

/** All programs by name, and what each of them is from. */
export const programs: readonly (Program & { readonly name: ProgramName })[] = Object.entries(PROGRAMS).map(
  ([name, program]) => ({ name: name as ProgramName, ...program }),
);

/** The cache's folder for one origin, or the cache itself. */
export function cacheFolder(of?: keyof typeof FOLDERS): string {
  const cache = process.env["MOORING_CLUSTER_CACHE"] ?? join(homedir(), ".cache", "mooring-cluster");
  return of === undefined ? cache : join(cache, FOLDERS[of]);
}

/** Where a program is, or would be once it is installed. */
function placeOf(name: ProgramName): string {
  const assets = process.env["MOORING_CLUSTER_ASSETS"];
  if (assets !== undefined && existsSync(join(assets, name))) return join(assets, name);
  const { from } = PROGRAMS[name];
  return typeof from === "string" ? join(cacheFolder(from), name) : from.path;
}

/** The names of the programs that a level needs and this machine lacks. */
export function missing(level: Level): ProgramName[] {
  const reached = LEVELS.indexOf(level);
  return programs
    .filter((program) => LEVELS.indexOf(program.level) <= reached)
    .map(({ name }) => name)
    .filter((name) => !existsSync(placeOf(name)));
}

/** Why the tests of a level cannot run here, in a sentence; undefined where they can. */
export function whyNot(level: Level): string | undefined {
  const names = missing(level);
  if (names.length === 0) return undefined;
  return `not installed: ${names.join(", ")}; node test/cluster/install.ts ${level} brings them`;
}

/** The path of a program that is there. Throws a sentence that says how to install it where it is not. */
export function program(name: ProgramName): string {
  const place = placeOf(name);
  if (existsSync(place)) return place;
  const { level } = PROGRAMS[name];
  throw new Error(`${name} is not installed; node test/cluster/install.ts ${level} brings it`);
}

/** The two clients that need no cluster of ours: for rendering charts, for instance. */
export function toolPaths(): { readonly helm: string; readonly kubectl: string } {
  return { helm: program("helm"), kubectl: program("kubectl") };
}
