/**
 * Servers and commands of the cluster tests as processes that cannot be left behind.
 *
 * A server writes its log into a file, is ended by its pid, and dies with this process whatever ends that
 * (the kernel's parent-death signal, by setpriv of util-linux).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { eventually } from "../process/programs.ts";

/** How long a server may take to end when it is asked, before it is killed, milliseconds. */
const GRACE_MS = 5_000;

export interface Server {
  readonly name: string;
  readonly pid: number;
  /** The last lines of its log. */
  tail(lines?: number): string;
  /** Asks it to end, kills it when it does not. Does nothing where it has ended. */
  stop(): Promise<void>;
  /** Looks again and again until `ready` is true; throws with its last lines where it ends or needs longer. */
  until(ready: () => Promise<boolean>, ms?: number): Promise<void>;
}

/** Starts a server; its output goes to `directory/NAME.log`. */
export function startServer(name: string, line: readonly string[], directory: string): Server {
  const log = join(directory, `${name}.log`);
  const output = openSync(log, "a");
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...line], {
    stdio: ["ignore", output, output],
    cwd: directory,
  });
  closeSync(output);
  const tail = (lines = 8): string =>
    readFileSync(log, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} cannot be started: setpriv (util-linux) is not there`);
  return {
    name,
    pid,
    tail,
    stop: () => end(child),
    until: async (ready, ms = 60_000) => {
      await eventually(
        `${name} is not ready`,
        async () => {
          if (hasEnded(child)) throw new Error(`${name} ended (${child.exitCode}):\n${tail()}`);
          return (await ready()) || undefined;
        },
        { ms, seen: tail },
      );
    },
  };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  await ended;
  clearTimeout(late);
}

/** A command that ended with another code than 0. The message is what it wrote to standard error. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  readonly code: number | null;
  readonly #output: { readonly stdout: string; readonly stderr: string };

  constructor(line: readonly string[], code: number | null, output: { stdout: string; stderr: string }) {
    const said = output.stderr.trim() || output.stdout.trim();
    super(`${basename(line[0] ?? "")} ${line.slice(1).join(" ")}: ${code ?? "killed"}: ${said}`);
    this.code = code;
    this.#output = output;
  }

  get stdout(): string {
    return this.#output.stdout;
  }

  get stderr(): string {
    return this.#output.stderr;
  }
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds until it is killed; 2 minutes. */
  readonly timeout?: number;
}

/** Runs a command to its end. Resolves to its standard output; throws CommandFailed. */
export async function run(line: readonly string[], options: RunOptions = {}): Promise<string> {
  const [command = "", ...args] = line;
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    timeout: options.timeout ?? 120_000,
    killSignal: "SIGKILL",
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  // A command may end before it has read all; its code tells.
  child.stdin.on("error", () => {});
  child.stdin.end(options.stdin ?? "");
  const [code] = (await once(child, "close")) as [number | null];
  const [stdout, stderr] = [Buffer.concat(out).toString(), Buffer.concat(err).toString()];
  if (code === 0) return stdout;
  throw new CommandFailed(line, code, { stdout, stderr });
}
