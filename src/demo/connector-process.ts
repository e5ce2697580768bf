import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import process from "node:process";
import { signal } from "./process-tree.ts";
import { toggle, type Toggle } from "./toggle.ts";

/** The demo's connector: a process of its own, so that it can be frozen and killed. */
export class ConnectorProcess implements AsyncDisposable {
  readonly #args: readonly string[];
  readonly #log: string;
  #child: ChildProcess | undefined;
  readonly #atExit = (): void => this.#signal("SIGKILL");

  /** `args` are those of this very program; `log` is the file that takes what it says. */
  constructor(args: readonly string[], log: string) {
    this.#args = args;
    this.#log = log;
    process.once("exit", this.#atExit);
  }

  start(): void {
    const log = openSync(this.#log, "a", 0o600);
    // A group of its own: a terminal's Ctrl-C is for the demo, which ends it.
    const child = spawn(process.execPath, this.#args, { stdio: ["ignore", log, log], detached: true });
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    this.#child = child;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const ended = once(child, "exit");
    this.#signal("SIGKILL");
    await ended;
  }

  toggles(): Toggle[] {
    const freezing = {
      breaks: "freeze the connector",
      broke: "The connector is frozen: it falls silent, and is called unreachable after 16 s.",
      heals: "let the connector go on",
      healed: "The connector goes on.",
    };
    const killing = {
      breaks: "kill the connector",
      broke: "The connector was killed: it is called unreachable after 16 s.",
      heals: "start the connector again",
      healed: "The connector was started again.",
    };
    return [
      toggle("f", freezing, { breaks: () => this.#signal("SIGSTOP"), heals: () => this.#signal("SIGCONT") }),
      toggle("k", killing, { breaks: () => this.kill(), heals: () => this.start() }),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    process.removeListener("exit", this.#atExit);
  }

  #signal(name: NodeJS.Signals): void {
    if (this.#child?.pid !== undefined) signal(this.#child.pid, name);
  }
}
