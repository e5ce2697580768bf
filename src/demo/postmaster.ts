import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Client } from "pg";
import { type Cluster, dataDirectory } from "./postgres-cluster.ts";
import { childrenOf, signal } from "./process-tree.ts";

/** How a server is ended: when its clients have left, at once but in order, or by a crash. */
export type StopMode = "smart" | "fast" | "immediate";

const STOP_SIGNAL = { smart: "SIGTERM", fast: "SIGINT", immediate: "SIGQUIT" } as const;
const READY_WITHIN_MS = 30_000;
const BETWEEN_TRIES_MS = 5;
/** A frozen server accepts and does not answer: give up then. */
const PRIVATELY = { user: "postgres", ssl: false, connectionTimeoutMillis: 10_000 };
const LOG_TAIL_BYTES = 2_000;

/** The running server of one cluster. Disposing crashes it. */
export class Postmaster implements AsyncDisposable {
  #cluster: Cluster;
  #child: ChildProcess | undefined;
  #frozen: number[] = [];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** true from start until its process has ended */
  get running(): boolean {
    return this.#child !== undefined;
  }

  /**
   * Starts it, in a process group of its own, and tries to connect until that works. Does nothing if it runs.
   * A stop ends the trying; what runs by then is ended by the disposal.
   */
  async start(stop?: AbortSignal): Promise<void> {
    if (this.#child !== undefined) return;
    const { binaries, directory } = this.#cluster;
    const log = await open(join(directory, "log"), "a");
    const child = spawn(join(binaries.bin, "postgres"), ["-D", dataDirectory(directory)], {
      ...binaries.account,
      cwd: directory,
      env: { LC_ALL: "C", PATH: process.env["PATH"] },
      stdio: ["ignore", "ignore", log.fd],
      detached: true,
    });
    child.once("exit", () => (this.#child = undefined));
    try {
      await once(child, "spawn");
      this.#child = child;
    } finally {
      await log.close();
    }
    await this.#until(() => {
      stop?.throwIfAborted();
      return this.sql("select 1").catch(() => undefined);
    });
  }

  /** Ends it and waits until its process has ended, thawing it first. Does nothing if it does not run. */
  async stop(mode: StopMode): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    const ended = once(child, "exit");
    signal(child.pid, STOP_SIGNAL[mode]);
    await this.thaw();
    await ended;
  }

  /** Sends SIGSTOP to it and then to its children, until there are no new ones. */
  async freeze(): Promise<void> {
    let found = this.#child?.pid === undefined ? [] : [this.#child.pid];
    while (found.length > 0) {
      for (const pid of found) signal(pid, "SIGSTOP");
      this.#frozen.push(...found);
      const children = await childrenOf(this.#frozen[0] ?? 0);
      found = children.filter((pid) => !this.#frozen.includes(pid));
    }
  }

  /** Lets what is frozen go on, the children first. */
  async thaw(): Promise<void> {
    for (const pid of this.#frozen.splice(0).toReversed()) signal(pid, "SIGCONT");
    return Promise.resolve();
  }

  /** Makes it read its configuration again, waits until it has, and throws if it finds pg_hba.conf wrong. */
  async reload(): Promise<void> {
    const before = await this.#loadedAt();
    if (this.#child?.pid !== undefined) signal(this.#child.pid, "SIGHUP");
    await this.#until(async () => ((await this.#loadedAt()) === before ? undefined : true));
    const wrong = await this.sql("select line_number, error from pg_hba_file_rules where error is not null");
    if (wrong.length > 0) throw new Error(`pg_hba.conf is wrong: ${JSON.stringify(wrong)}`);
  }

  /** Runs statements as the superuser over the private socket; the rows of the last one. */
  async sql(text: string, database = "postgres"): Promise<Record<string, unknown>[]> {
    const { directory, port } = this.#cluster;
    const client = new Client({ ...PRIVATELY, host: directory, port, database });
    client.on("error", () => {});
    try {
      await client.connect();
      // several statements give several results, which the types do not tell
      const results = [await client.query<Record<string, unknown>>(text)].flat();
      return results.at(-1)?.rows ?? [];
    } finally {
      await client.end();
    }
  }

  /** Ends it as a crash without waiting, for when the process exits. */
  abandon(): void {
    if (this.#child?.pid !== undefined) signal(this.#child.pid, "SIGQUIT");
    void this.thaw();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("immediate");
  }

  /** When the server's configuration was loaded, as a new connection's process has inherited it. */
  async #loadedAt(): Promise<unknown> {
    const [row] = await this.sql("select pg_conf_load_time()::text as at");
    return row?.["at"];
  }

  /** Tries until there is a result. Throws if the server ends first, or takes too long. */
  async #until(attempt: () => Promise<unknown>): Promise<void> {
    const deadline = performance.now() + READY_WITHIN_MS;
    while ((await attempt()) === undefined) {
      const late = performance.now() > deadline;
      if (late || !this.running) {
        const log = await readFile(join(this.#cluster.directory, "log"), "utf8");
        throw new Error(`PostgreSQL ${late ? "does not answer" : "ended"}: ${log.slice(-LOG_TAIL_BYTES)}`);
      }
      await setTimeout(BETWEEN_TRIES_MS);
    }
  }
}
