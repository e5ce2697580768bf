import { existsSync, rmSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { holdPort } from "./held-port.ts";
import { findBinaries, PostgresAbsent } from "./postgres-binaries.ts";
import { type ClusterSettings, hbaFile, initialise, writeHba } from "./postgres-cluster.ts";
import { Postmaster, type StopMode } from "./postmaster.ts";

export { PostgresAbsent } from "./postgres-binaries.ts";
export type { StopMode } from "./postmaster.ts";

/** How a PostgreSQL is set up. */
export type PostgresSettings = ClusterSettings & {
  /** told of its folder as soon as there is one */
  onDirectory?: (directory: string) => void;
};

/** A PostgreSQL server of our own. Disposing ends it and removes its files. */
export interface Postgres extends AsyncDisposable {
  host: "127.0.0.1";
  /** TCP port, 1–65535; the same until disposal, also while it is stopped */
  port: number;
  superuser: "postgres";
  /** runs statements as the superuser, whatever pg_hba.conf says; the rows of the last one */
  sql(text: string, database?: string): Promise<Record<string, unknown>[]>;
  /** ends the server: "smart" waits for clients to leave, "fast" sends them away, "immediate" is a crash */
  stop(mode: StopMode): Promise<void>;
  /** starts it again, and resolves when it answers */
  start(): Promise<void>;
  /** stops its processes where they stand (SIGSTOP): the kernel accepts connections, nobody answers */
  freeze(): Promise<void>;
  /** lets them go on */
  thaw(): Promise<void>;
  /** replaces the lines of pg_hba.conf; they hold when this resolves. Throws if the server finds one wrong */
  setHba(lines: string[]): Promise<void>;
}

/**
 * Makes and starts a PostgreSQL on a free port; about a second. Throws PostgresAbsent if there is none, and
 * whatever a stop cuts short, with nothing left of it.
 */
export async function startPostgres(settings: PostgresSettings, stop?: AbortSignal): Promise<Postgres> {
  await using undo = new AsyncDisposableStack();
  const directory = await mkdtemp(join(await realpath(tmpdir()), "mooring-pg-"));
  settings.onDirectory?.(directory);
  undo.use(atExit("last", () => removeNow(directory)));
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  assertSocketFits(directory);
  const held = undo.use(await holdPort());
  // a server may share the held port on Linux only; elsewhere it is let go, and hopefully still free
  if (process.platform !== "linux") await held[Symbol.asyncDispose]();
  const binaries = await findBinaries(directory);
  const cluster = { binaries, directory, port: held.port };
  stop?.throwIfAborted();
  await initialise(cluster, settings, stop);
  const postmaster = undo.use(new Postmaster(cluster));
  undo.use(atExit("first", () => postmaster.abandon()));
  await postmaster.start(stop);
  const owned = undo.move();
  return {
    host: "127.0.0.1",
    port: held.port,
    superuser: "postgres",
    sql: (text, database) => postmaster.sql(text, database),
    stop: (mode) => postmaster.stop(mode),
    start: () => postmaster.start(),
    freeze: () => postmaster.freeze(),
    thaw: () => postmaster.thaw(),
    async setHba(lines) {
      await writeHba(hbaFile(directory), lines);
      if (postmaster.running) await postmaster.reload();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Should the process exit before the disposal: programs are ended first, their files removed last. */
function atExit(when: "first" | "last", clean: () => void): Disposable {
  if (when === "first") process.prependOnceListener("exit", clean);
  else process.once("exit", clean);
  return { [Symbol.dispose]: () => void process.removeListener("exit", clean) };
}

/** The shortest limit of a Unix socket's path among the systems that we run on. */
const MOST_SOCKET_BYTES = 103;

function assertSocketFits(directory: string): void {
  const bytes = Buffer.byteLength(join(directory, ".s.PGSQL.65535"));
  if (bytes <= MOST_SOCKET_BYTES) return;
  throw new PostgresAbsent(
    `the path of its socket would be too long in ${directory}; set TMPDIR to a shorter one`,
  );
}

/** Removes a directory that an ending server may still write to, blocking for half a second at most. */
function removeNow(directory: string): void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 50; tries > 0; tries -= 1) {
    rmSync(directory, { recursive: true, force: true });
    if (!existsSync(directory)) return;
    Atomics.wait(never, 0, 0, 10);
  }
}
