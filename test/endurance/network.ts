import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

// A network of two ends that no other process of the machine has: two namespaces without a name, joined by a veth
// pair. The kernel removes them with the last process in them, however that ends; nothing of the machine is changed.

const run = promisify(execFile);

/** The two ends, from a range that is kept for tests of networks (RFC 2544). */
const ENDS = { near: "198.18.0.1", far: "198.18.0.2" } as const;
const DEVICES = { near: "mooring0", far: "mooring1" } as const;
export const NEAR_ADDRESS = ENDS.near;
/** Says to a process that it runs in a namespace of its own. */
const INSIDE = "TEST_OWN_NETWORK";

type Which = keyof typeof ENDS;

/** Why this machine cannot have such a network, in one line; undefined where it can. */
export async function missing(): Promise<string | undefined> {
  if (process.platform !== "linux") return "network namespaces are Linux's alone";
  if (process.getuid?.() !== 0) return "only root may make network namespaces: run it as root";
  for (const [tool, ask, from] of [
    ["ip", ["-V"], "iproute2"],
    ["iptables", ["-V"], "iptables"],
    ["unshare", ["-V"], "util-linux"],
  ] as const) {
    const found = await run(tool, ask).catch(() => undefined);
    if (found === undefined) return `${tool} is missing: install ${from}`;
  }
  const rule = "iptables -A INPUT -m statistic --mode random --probability 0.5 -j DROP";
  const veth = "ip link add mooring0 type veth peer name mooring1";
  const tried = await run("unshare", ["--net", "sh", "-ec", `${veth}; ${rule}`]).catch(
    (error: { stderr?: string }) => error.stderr?.trim().split("\n")[0] ?? "unshare failed",
  );
  return typeof tried === "string" ? `the kernel refuses a namespace with loss: ${tried}` : undefined;
}

export const isInside = (): boolean => process.env[INSIDE] === "1";

/** A Node process in a namespace of its own; its namespace is found by its pid. */
export function inOwnNamespace(file: string, args: readonly string[], ipc: "ipc" | "none"): ChildProcess {
  return spawn("unshare", ["--net", process.execPath, file, ...args], {
    env: { ...process.env, [INSIDE]: "1" },
    stdio: ipc === "ipc" ? ["ignore", "inherit", "inherit", "ipc"] : "inherit",
  });
}

/** Runs this command again in a namespace of its own, to its end. Gives its exit code. */
export async function again(file: string): Promise<number> {
  const child = inOwnNamespace(fileURLToPath(file), process.argv.slice(2), "none");
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, "close")) as [number | null];
  return code ?? 1;
}

/** Packets of the network that reached one end. */
export interface Packets {
  readonly arrived: number;
  /** Thrown away of those. */
  readonly dropped: number;
  /** TCP segments that this end sent again. */
  readonly sentAgain: number;
}

/** One end of the network: the namespace of this process. What is lost is lost on its way in, as a wire would. */
export class End {
  readonly #device: string;

  constructor(which: Which) {
    this.#device = DEVICES[which];
  }

  /** Joins this namespace with that of a process; the near end, before either is up. */
  static async join(farPid: number): Promise<void> {
    const far = ["peer", "name", DEVICES.far, "netns", String(farPid)];
    await run("ip", ["link", "add", DEVICES.near, "type", "veth", ...far]);
  }

  static async loopback(): Promise<void> {
    await run("ip", ["link", "set", "lo", "up"]);
  }

  async up(which: Which): Promise<void> {
    await run("ip", ["addr", "add", `${ENDS[which]}/30`, "dev", this.#device]);
    await run("ip", ["link", "set", this.#device, "up"]);
  }

  /** Each packet that arrives is thrown away with that probability. The rule before that one counts all of them. */
  async lose(percent: number): Promise<void> {
    await run("iptables", ["-A", "INPUT", "-i", this.#device]);
    const chance = ["-m", "statistic", "--mode", "random", "--probability", String(percent / 100)];
    await run("iptables", ["-A", "INPUT", "-i", this.#device, ...chance, "-j", "DROP"]);
  }

  /** Nothing is lost from now on; what was, is told. */
  async heal(): Promise<Packets> {
    const packets = await this.packets();
    await run("iptables", ["-F", "INPUT"]);
    return packets;
  }

  async packets(): Promise<Packets> {
    const { stdout } = await run("iptables", ["-L", "INPUT", "-v", "-n", "-x"]);
    const [arrived = 0, dropped = 0] = stdout
      .split("\n")
      .slice(2)
      .map((line) => Number(line.trim().split(/\s+/)[0]));
    return { arrived, dropped, sentAgain: await sentAgain() };
  }
}

/** TCP segments that this namespace sent again since it was made. */
async function sentAgain(): Promise<number> {
  const lines = (await readFile("/proc/self/net/snmp", "utf8")).split("\n");
  const [names = [], values = []] = lines
    .filter((line) => line.startsWith("Tcp:"))
    .map((line) => line.split(" "));
  return Number(values[names.indexOf("RetransSegs")] ?? 0);
}
