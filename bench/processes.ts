// Processes that a benchmark starts, and what the kernel says of them. Linux alone (/proc).
import { type ChildProcess, execFileSync, fork, spawn, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { type Folder, temporaryFolder } from "../scripts/folder.ts";

/** The bundle that is measured: this tree's, or another one that is named. */
export const BUNDLE =
  process.env["BENCH_BUNDLE"] ?? fileURLToPath(new URL("../dist/mooring.js", import.meta.url));
const PATIENCE_MS = 60_000;
const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Resident memory, MB. */
export async function rssOf(pid: number): Promise<number> {
  const [, kilobytes = ""] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1000;
}

/** CPU time, user and system, that a process and its ended children have used, milliseconds. */
export async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return (ticks / ticksPerSecond) * 1000;
}

/** A process that is killed, by its pid, when it is disposed. */
export interface Running extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly pid: number;
  /** `performance.now()` just before it was started. */
  readonly startedAt: number;
}

/** What goes with this process, however it ends: before the folders in which it writes. */
const children = new Set<ChildProcess>();
process.prependListener("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

function running(child: ChildProcess, startedAt: number): Running {
  children.add(child);
  child.once("close", () => children.delete(child));
  const ended = once(child, "close");
  return {
    child,
    pid: child.pid ?? 0,
    startedAt,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

export function program(command: string, args: readonly string[], shown = false): Running {
  const startedAt = performance.now();
  const stdio: StdioOptions = ["ignore", shown ? "inherit" : "ignore", shown ? "inherit" : "ignore"];
  return running(spawn(command, args, { stdio }), startedAt);
}

/** The bundled program. `profile`: V8 writes a CPU profile into that folder when it ends by SIGTERM. */
export function mooring(args: readonly string[]): Running {
  return program(process.execPath, [BUNDLE, ...args], process.env["BENCH_SHOWN"] === "1");
}

/** A helper of ours in a process of its own, spoken to by `asked`. */
export function helper(file: string, args: readonly string[]): Running {
  return running(fork(new URL(file, import.meta.url), args), performance.now());
}

/** One question to a helper, and its answer. */
export async function asked<T>({ child }: Running, question: string): Promise<T> {
  const answer = once(child, "message", { signal: AbortSignal.timeout(2 * PATIENCE_MS) });
  child.send(question);
  const [said] = (await answer) as [T];
  return said;
}

/** The helper's side: what it answers to each question. */
export function answers(questions: Readonly<Record<string, () => unknown>>): void {
  process.on("disconnect", () => process.exit(0));
  process.on("message", (question: string) => {
    const answer = questions[question];
    if (answer === undefined) return;
    void Promise.resolve(answer()).then((said) => process.send?.(said ?? null));
  });
}

/** Asks again and again until what comes is wanted. Gives it. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, everyMs = 50): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await ask().catch(() => undefined);
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await pause(everyMs);
  }
}

export function answered(url: string, everyMs = 50): Promise<string> {
  return until(
    url,
    async () => {
      const response = await fetch(url);
      const text = await response.text();
      return response.ok ? text : undefined;
    },
    everyMs,
  );
}

/** Resolves when something listens at that port of loopback. */
export async function listening(port: number): Promise<void> {
  await until(`port ${port}`, async () => {
    const socket = connect({ host: "127.0.0.1", port });
    await once(socket, "connect").finally(() => socket.destroy());
    return true;
  });
}

/** A loopback port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

export const folder = (): Promise<Folder> => temporaryFolder("mooring-bench-");
