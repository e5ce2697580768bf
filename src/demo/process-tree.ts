import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { readdir, readFile } from "node:fs/promises";

/** The ids of a process's living direct children. */
export async function childrenOf(pid: number): Promise<number[]> {
  const all = process.platform === "linux" ? await listFromProc() : await listFromPs();
  return all.filter(([, parent]) => parent === pid).map(([child]) => child);
}

/** Sends a signal to a process, or to the group of a negative id; false if there is none any more. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Pairs of process id and parent's id. */
type Pairs = (readonly [number, number])[];

async function listFromProc(): Promise<Pairs> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  return Promise.all(ids.map(async (id) => [Number(id), await parentOf(id)] as const));
}

/** The parent's id; 0 for a process that is gone. The program's name, in parentheses, may hold anything. */
async function parentOf(id: string): Promise<number> {
  const line = await readFile(`/proc/${id}/stat`, "utf8").catch(() => "");
  const [, parent] = line.slice(line.lastIndexOf(")") + 2).split(" ");
  return Number(parent ?? 0);
}

async function listFromPs(): Promise<Pairs> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid="]);
  const lines = stdout.trim().split("\n");
  return lines.map((line) => {
    const [pid = 0, parent = 0] = line.trim().split(/\s+/).map(Number);
    return [pid, parent] as const;
  });
}
