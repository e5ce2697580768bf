import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Random } from "./clock.ts";
import { StartError } from "./settings.ts";

/** Makes the data directory where it is not there (0700). Throws a StartError. */
export function openDataDir(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why =
      code === "EEXIST" || code === "ENOTDIR" ? "it is not a directory" : `it cannot be written (${code})`;
    throw new StartError(`--data ${dir}: ${why}. Name a directory that this user may write.`, {
      cause: error,
    });
  }
}

/** Holds the data directory for this process until it is disposed, or dies. Throws a StartError where another has it. */
export function lockDataDir(dir: string): Disposable {
  let lock: DatabaseSync | undefined;
  for (const name of ["lock", "mooring.db"]) makePrivate(path.join(dir, name));
  try {
    lock = new DatabaseSync(path.join(dir, "lock"), { timeout: 0 });
    lock.exec("pragma locking_mode = exclusive; begin exclusive; pragma user_version = 1; commit");
  } catch (error) {
    lock?.close();
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === 5)
      throw new StartError(
        `--data ${dir} is in use by another control plane. Stop it, or name another directory.`,
        {
          cause: error,
        },
      );
    throw new StartError(
      `--data ${dir}: the file lock in it cannot be written. Free space, or correct its rights.`,
      {
        cause: error,
      },
    );
  }
  const held = lock;
  return { [Symbol.dispose]: () => held.close() };
}

/** Makes the file where it is not there, for this user alone: SQLite gives its other files the same rights. */
function makePrivate(file: string): void {
  try {
    closeSync(openSync(file, "a", 0o600));
  } catch {
    // Whoever opens it next says why it cannot be.
  }
}

/** The token in a file of the data directory, made there (0600) at the first start. Throws a StartError. */
export function tokenFile(dir: string, name: "operator-token" | "viewer-token", random: Random): string {
  const file = path.join(dir, name);
  try {
    const token = readFileSync(file, "utf8").trim();
    if (token.length >= 16) return token;
    throw new StartError(`${file} holds no token. Remove it to have a new one made.`);
  } catch (error) {
    if (error instanceof StartError) throw error;
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      throw new StartError(`${file} cannot be read. Correct its rights, or remove it.`, { cause: error });
  }
  const token = Buffer.from(random.bytes(32)).toString("base64url");
  try {
    writeFileSync(file, `${token}\n`, { mode: 0o600, flag: "wx" });
    chmodSync(file, 0o600);
  } catch (error) {
    throw new StartError(`${file} cannot be written. Free space, or correct the directory's rights.`, {
      cause: error,
    });
  }
  return token;
}
