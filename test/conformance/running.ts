import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { eventually } from "../process/programs.ts";

/** Compiled code, kept from run to run: a process starts in half the time. */
const compiled = join(tmpdir(), "mooring-compiled");
/** A start on a machine that does much else. */
const START_MS = 60_000;

/** How long a program may take to end as it was told. */
const END_MS = 15_000;
/** How long its last words, and the end of what it started, are waited for once it ended. */
const DRAIN_MS = 3_000;

/** Programs that run: they go when this process does. */
const left = new Set<Running>();
const killAll = (): void => {
  for (const program of left) program.signal("SIGKILL");
};
// Before the folders are removed: they are written in until then.
process.prependListener("exit", killAll);
// They are groups of their own, so that a terminal's Ctrl-C does not come to them.
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    if (process.listenerCount(signal) > 0) return;
    killAll();
    process.kill(process.pid, signal);
  });

/** Kills all that runs, and waits for it. */
export async function endAll(): Promise<void> {
  await Promise.all([...left].map((program) => program.stop("SIGKILL")));
}

/** A command template with its places filled in, split at blanks; a place stays one word. */
export function filled(template: string, places: Readonly<Record<string, string>>): readonly string[] {
  return template
    .split(" ")
    .filter(Boolean)
    .map((word) => word.replaceAll(/\{(\w+)\}/g, (whole, name: string) => places[name] ?? whole));
}

/**
 * A program of somebody's, started from its command, with a process group of its own: what it started itself (a
 * wrapper's real program) is signalled and ends with it. Disposing kills it, by its pid.
 */
export class Running implements AsyncDisposable {
  readonly pid: number;
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  /** All that it wrote, to both of its outputs. */
  output = "";
  isOver = false;

  constructor(command: readonly string[], environment: Readonly<Record<string, string>>) {
    const [file = "", ...args] = command;
    const kept = Object.entries(process.env).filter(
      ([name]) => !/^(mooring_|.*_proxy$|node_options$)/i.test(name),
    );
    const env = { ...Object.fromEntries(kept), NODE_COMPILE_CACHE: compiled, ...environment };
    this.#child = spawn(file, args, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    this.pid = this.#child.pid ?? 0;
    left.add(this);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    this.ended = new Promise((resolve) => {
      let late: NodeJS.Timeout | undefined;
      const over = (code: number | null): void => {
        clearTimeout(late);
        this.isOver = true;
        left.delete(this);
        resolve(code);
      };
      // What a wrapper that is gone has started holds the outputs open: it is of no use to anybody for long.
      const drain = (code: number | null): void => {
        this.signal("SIGKILL");
        over(code);
      };
      this.#child.once("close", over).once("exit", (code) => {
        late = setTimeout(drain, DRAIN_MS, code);
      });
      this.#child.once("error", (error) => {
        this.output += String(error);
        over(null);
      });
    });
  }

  /** To its whole group. Nothing where it has ended already: its pid may be another's by then. */
  signal(signal: NodeJS.Signals): void {
    if (this.isOver || this.pid === 0) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Nobody of the group is left.
    }
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.signal(signal);
    const late = setTimeout(() => this.signal("SIGKILL"), END_MS);
    await this.ended;
    clearTimeout(late);
  }

  /** Until that address answers 200. Throws with the program's words where it ends instead. */
  async until200(url: string, ms = START_MS): Promise<void> {
    await eventually(
      `an answer 200 of ${url}`,
      async () => {
        if (this.isOver)
          throw new Error(`the program ended: ${this.output.slice(-2_000) || "without a word"}`);
        const response = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
        await response?.arrayBuffer();
        return response?.status === 200 ? true : undefined;
      },
      { ms, seen: () => this.output.slice(-2_000) },
    );
  }

  /** Bytes of memory that the process has now. */
  get rss(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"))?.[1]) * 1024;
  }

  /** The same, or 0 where the process is gone. */
  get rssOrZero(): number {
    try {
      // A process that is about to be gone has no such line any more.
      return this.rss || 0;
    } catch {
      return 0;
    }
  }

  /** Open files, sockets among them. */
  get descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }
}
