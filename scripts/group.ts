import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";

/** What goes with this process, however it ends: groups of processes by their leaders' ids, and folders. */
const left = { groups: new Set<number>(), folders: new Set<string>() };
process.on("exit", () => {
  for (const leader of left.groups) kill(leader);
  for (const folder of left.folders)
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
});

function kill(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // All of them have ended by themselves.
  }
}

/** A folder that is gone when it is disposed; `mode` says who else may use it. */
export async function folder(
  prefix: string,
  mode = 0o700,
): Promise<AsyncDisposable & { readonly path: string }> {
  const made = await mkdtemp(path.join(tmpdir(), prefix));
  left.folders.add(made);
  await chmod(made, mode);
  const remove = async (): Promise<void> => {
    await rm(made, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    left.folders.delete(made);
  };
  return { path: made, [Symbol.asyncDispose]: remove };
}

export interface Ended {
  /** Null where it was killed. */
  readonly code: number | null;
  /** All that it printed. */
  readonly out: string;
  /** It took longer than it may. */
  readonly isLate: boolean;
}

/** Runs Node in a group of its own, to its end; whatever it started and left behind is killed with it. */
export function runGroup(
  args: readonly string[],
  { cwd, env, longestMs }: { cwd: string; env: NodeJS.ProcessEnv; longestMs: number },
): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const leader = child.pid;
  if (leader !== undefined) left.groups.add(leader);
  let out = "";
  let isLate = false;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (out += text));
  const timer = setTimeout(() => {
    isLate = true;
    if (leader !== undefined) kill(leader);
  }, longestMs);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => {
      clearTimeout(timer);
      if (leader === undefined) return;
      kill(leader);
      left.groups.delete(leader);
    });
    child.once("close", (code) => resolve({ code, out, isLate }));
  });
}
