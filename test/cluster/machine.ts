/**
 * A machine of its own for the node level, made of Linux namespaces: network, processes, mounts.
 *
 * All that runs in it are descendants of one first process: when that is killed the kernel ends them all, drops
 * their mounts, the network and the interfaces. The first process dies with the test (parent-death signal).
 * What can remain after a crash is a directory and empty control groups; the next machine of that number
 * removes them before it begins.
 *
 * Machine i has the addresses 198.18.4i.0 … 198.18.(4i+3).255 (198.18.0.0/15 is reserved for tests):
 * Services 4i, Pods 4i+1, the node 4i+2 with the host at its .254. The host's routes to them go by the link
 * `mooring<i>`. There is no way out of the cluster where the host does not forward.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { program, whyNot } from "./binaries.ts";
import { makeCgroups, removeCgroups } from "./cgroups.ts";
import { type First, startFirst, UNSHARE } from "./first-process.ts";
import { run } from "./processes.ts";

const MACHINES = 32;

/** Folders of the host that Kubernetes' programs write to whatever they are told: inside, that stays inside. */
const WRITTEN = ["/etc", "/usr/libexec", "/var/lib"];

/**
 * What the kubelet would set on the whole machine, with what it wants to find: shown to it by files of ours, so
 * that it changes nothing (k8s.io/component-helpers/node/util/sysctl).
 */
const TUNABLES = {
  "vm/overcommit_memory": 1,
  "vm/panic_on_oom": 0,
  "kernel/panic": 10,
  "kernel/panic_on_oops": 1,
  "kernel/keys/root_maxkeys": 1_000_000,
  "kernel/keys/root_maxbytes": 25_000_000,
};

export interface Machine {
  readonly directory: string;
  /** A control group below the root of every hierarchy, for the Pods. */
  readonly cgroup: string;
  readonly nodeAddress: string;
  /** Where Pods reach what a test listens on, on the host. */
  readonly hostAddress: string;
  readonly serviceRange: string;
  readonly podRange: string;
  /** An address of the Services' range. */
  serviceAddress(last: number): string;
  /** What goes before a command that is to run inside. */
  readonly enter: readonly string[];
  /** Ends all that runs inside and removes what is left. */
  remove(): Promise<void>;
}

/** Why no machine can be made here, in a sentence; undefined where it can. */
export async function whyNoMachine(): Promise<string | undefined> {
  if (process.platform !== "linux") return "the node level needs Linux";
  if (process.getuid?.() !== 0) return "the node level needs root";
  const lacking = whyNot("node");
  if (lacking !== undefined) return lacking;
  const name = `probe${process.pid}`;
  try {
    await run([...UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/run"]);
    await run([program("ip"), "link", "add", name, "type", "veth", "peer", "name", `${name}p`]);
    await run([program("ip"), "link", "delete", name]);
    return undefined;
  } catch (error) {
    return `namespaces or links cannot be made here: ${(error as Error).message}`;
  }
}

export async function makeMachine(): Promise<Machine> {
  const claim = await takeNumber();
  const first = await startFirst();
  const machine = describe(claim, first);
  try {
    await tidy(claim.number);
    await mkdir(machine.directory, { recursive: true, mode: 0o700 });
    await connect(claim.number, first, machine);
    await furnish(machine);
    return machine;
  } catch (error) {
    await machine.remove();
    throw error;
  }
}

interface Claim {
  readonly number: number;
  readonly release: () => void;
}

/**
 * Takes the lowest number that nobody has, by listening on a socket of its name. It is in no file system: it goes
 * with this process, however that ends.
 */
async function takeNumber(): Promise<Claim> {
  for (let number = 0; number < MACHINES; number += 1) {
    const server = createServer().unref();
    const taken = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(`\0${nameOf(number)}`, () => resolve(true));
    });
    if (taken) return { number, release: () => void server.close() };
  }
  throw new Error(`${MACHINES} machines run already`);
}

const nameOf = (number: number): string => `mooring-node-${number}`;
const linkOf = (number: number): string => `mooring${number}`;
const directoryOf = (number: number): string => `/var/tmp/${nameOf(number)}`;

function describe({ number, release }: Claim, first: First): Machine {
  const third = 4 * number;
  const nsenter = [program("nsenter"), "-t", String(first.pid), "--net", "--pid", "--mount", "--"];
  return {
    directory: directoryOf(number),
    cgroup: `/${nameOf(number)}`,
    nodeAddress: `198.18.${third + 2}.1`,
    hostAddress: `198.18.${third + 2}.254`,
    serviceRange: `198.18.${third}.0/24`,
    podRange: `198.18.${third + 1}.0/24`,
    serviceAddress: (last) => `198.18.${third}.${last}`,
    // nsenter stays as the parent; what it started is to end with it.
    enter: [...nsenter, "setpriv", "--pdeathsig", "TERM", "--"],
    remove: async () => {
      await first.kill();
      await tidy(number);
      release();
    },
  };
}

/** Removes what a machine of this number has left. Nothing of it runs any more. */
async function tidy(number: number): Promise<void> {
  // The kernel does it too, a little later.
  await run([program("ip"), "link", "delete", linkOf(number)]).catch(() => {});
  await removeCgroups(nameOf(number));
  await rm(directoryOf(number), { recursive: true, force: true });
}

/** Makes the link, whose end `node` is inside, gives both ends their addresses, and the host its routes. */
async function connect(number: number, first: First, machine: Machine): Promise<void> {
  const ip = program("ip");
  const { enter, nodeAddress, hostAddress, serviceRange, podRange } = machine;
  const link = linkOf(number);
  const pair = ["type", "veth", "peer", "name", "node", "netns", String(first.pid)];
  await run([ip, "link", "add", link, ...pair]);
  await run([ip, "address", "add", `${hostAddress}/24`, "dev", link]);
  await run([ip, "link", "set", link, "up"]);
  await run([...enter, ip, "link", "set", "lo", "up"]);
  await run([...enter, ip, "address", "add", `${nodeAddress}/24`, "dev", "node"]);
  await run([...enter, ip, "link", "set", "node", "up"]);
  await run([...enter, ip, "route", "add", "default", "via", hostAddress]);
  for (const range of [serviceRange, podRange]) await run([ip, "route", "add", range, "via", nodeAddress]);
}

/** Makes the Pods' control groups, and covers what Kubernetes' programs would write to on the host. */
async function furnish({ directory, enter, cgroup }: Machine): Promise<void> {
  await makeCgroups(cgroup);
  const lines = [
    "mount -t tmpfs tmpfs /run",
    "mount -t tmpfs tmpfs /var/log",
    "echo 1 > /proc/sys/net/ipv4/ip_forward",
  ];
  for (const folder of WRITTEN) {
    const [upper, work] = [`/run/written${folder}`, `/run/work${folder}`];
    const layers = `lowerdir=${folder},upperdir=${upper},workdir=${work}`;
    lines.push(`mkdir -p ${upper} ${work}`, `mount -t overlay -o ${layers} overlay ${folder}`);
  }
  for (const [name, value] of Object.entries(TUNABLES)) {
    const file = join(directory, name.replaceAll("/", "-"));
    await writeFile(file, `${value}\n`);
    lines.push(`mount --bind ${file} /proc/sys/${name}`);
  }
  await run([...enter, "bash", "-ec", lines.join("\n")]);
}
