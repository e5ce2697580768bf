import { spawn } from "node:child_process";
import process from "node:process";

/** The leaders' ids of what goes with this process, however it ends: before the folders in which it writes. */
const groups = new Set<number>();
process.prependListener("exit", () => {
  for (const leader of groups) kill(leader);
});

function kill(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // All of them have ended by themselves.
  }
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
  if (leader !== undefined) groups.add(leader);
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
      groups.delete(leader);
    });
    child.once("close", (code) => resolve({ code, out, isLate }));
  });
}
