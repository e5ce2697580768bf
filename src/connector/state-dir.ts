import { randomUUID } from "node:crypto";
import { type FileHandle, link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { codeOf } from "./failure.ts";
import { Refusal } from "./refusal.ts";
import type { StateStore } from "./state.ts";

/** State in a folder: a JSON file for each name. */
export function folderState(stateDir: string): StateStore {
  return {
    read: (name, schema) => readState(stateDir, name, schema),
    write: (name, value) => writeState(stateDir, name, value, rename),
    writeNew: (name, value) => writeState(stateDir, name, value, linkNew),
  };
}

/** A JSON file of the connector's own. Undefined where there is none; rejects with a Refusal where it is not ours. */
async function readState<T>(stateDir: string, name: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const file = join(stateDir, name);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw unreadable(file, codeOf(error) ?? "", error);
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // The parser's own words could repeat a key: they are not kept.
    throw unreadable(file, "it is not what the connector wrote", undefined);
  }
}

/** Makes the folder (0700) and writes the file (0600). Rejects with a Refusal. */
async function writeState(stateDir: string, name: string, value: unknown, put: Put): Promise<void> {
  try {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    await writeWhole(join(stateDir, name), JSON.stringify(value), put);
  } catch (error) {
    const says = `The connector cannot keep its identity in ${stateDir} (${codeOf(error) ?? "unknown"}).`;
    throw new Refusal("state_unwritable", says, { cause: error });
  }
}

function unreadable(file: string, trouble: string, cause: unknown): Refusal {
  const says = `The connector's identity in ${file} cannot be read (${trouble}).`;
  return new Refusal("state_unreadable", says, { cause });
}

/** The join token of a file, trimmed. Rejects with a Refusal that names the file, never what is in it. */
export async function readToken(file: string): Promise<string> {
  try {
    const token = (await readFile(file, "utf8")).trim();
    if (token !== "") return token;
  } catch (error) {
    const says = `The join token file ${file} cannot be read (${codeOf(error) ?? "unknown"}).`;
    throw new Refusal("join_token_unreadable", says, { cause: error });
  }
  throw new Refusal("join_token_unreadable", `The join token file ${file} is empty.`);
}

/** Gives a finished draft its name. */
type Put = (draft: string, file: string) => Promise<void>;

/** Where the name is taken, what has it stays. */
async function linkNew(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file);
  } catch (error) {
    // Some file systems of networks have no links.
    if (codeOf(error) !== "EEXIST") return await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Writes a file of mode 0600 that is either there whole and on the disk, or not at all. */
async function writeWhole(file: string, text: string, put: Put): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await using handle = await open(draft, "wx", 0o600);
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await put(draft, file);
  await using folder: FileHandle = await open(join(file, ".."), "r");
  await folder.sync();
}
