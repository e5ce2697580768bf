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

const left = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of left) child.kill("SIGKILL");
});

/** A command template with its places filled in, split at blanks; a place stays one word. */
export function filled(template: string, places: Readonly<Record<string, string>>): readonly string[] {
  return template
    .split(" ")
    .filter(Boolean)
    .map((word) => word.replaceAll(/\{(\w+)\}/g, (whole, name: string) => places[name] ?? whole));
}

/** A program of somebody's, started from its command. Disposing kills it, by its pid. */
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
    this.#child = spawn(file, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    this.pid = this.#child.pid ?? 0;
    left.add(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    this.ended = new Promise((resolve) => {
      const over = (code: number | null): void => {
        this.isOver = true;
        left.delete(this.#child);
        resolve(code);
      };
      this.#child.once("close", over).once("error", (error) => {
        this.output += String(error);
        over(null);
      });
    });
  }

  /** Nothing where it has ended already: its pid may be another's by then. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.signal(signal);
    await this.ended;
  }

  /** Until that address answers 200. Throws with the program's words where it ends instead. */
  async until200(url: string): Promise<void> {
    await eventually(
      `${url} answers 200`,
      async () => {
        if (this.isOver) throw new Error(`the program ended: ${this.output.slice(-2_000)}`);
        const response = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
        await response?.arrayBuffer();
        return response?.status === 200 ? true : undefined;
      },
      { ms: START_MS, seen: () => this.output.slice(-2_000) },
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
