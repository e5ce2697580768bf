/** The first process of a machine (machine.ts), in its own network, process and mount namespaces. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import process from "node:process";

/** Goes before a command that is to be a first process; when `unshare` dies, it does. */
export const UNSHARE = [
  "unshare",
  "--net",
  "--pid",
  "--mount",
  "--fork",
  "--kill-child=KILL",
  "--mount-proc",
];

export interface First {
  /** By the host's numbers; inside it is 1. */
  readonly pid: number;
  kill(): Promise<void>;
}

/** Starts the first process, which does nothing but take in orphans: bash does so while it waits. */
export async function startFirst(): Promise<First> {
  const line = ["--pdeathsig", "KILL", "--", ...UNSHARE, "bash", "-c", "echo begun; sleep infinity & wait"];
  const outer = spawn("setpriv", line, { stdio: ["ignore", "pipe", "ignore"] });
  const begun = await Promise.race([once(outer.stdout, "data"), once(outer, "exit")]);
  if (!String(begun[0]).startsWith("begun")) throw new Error("unshare made no first process (root?)");
  const pid = Number(await readFile(`/proc/${outer.pid}/task/${outer.pid}/children`, "utf8"));
  return { pid, kill: () => killFirst(outer, pid) };
}

/** `unshare` ends when its child has, and that when the kernel has ended all the others. */
async function killFirst(outer: ChildProcess, pid: number): Promise<void> {
  if (outer.exitCode !== null || outer.signalCode !== null) return;
  const ended = once(outer, "exit");
  process.kill(pid, "SIGKILL");
  await ended;
}
