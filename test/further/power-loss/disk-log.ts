import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

/** What a process did to its files, in order, and when it said that something is acked. */
export type Operation =
  | { readonly kind: "write"; readonly file: string; readonly offset: number; readonly data: Buffer }
  | { readonly kind: "truncate"; readonly file: string; readonly length: number }
  | { readonly kind: "sync"; readonly file: string }
  | { readonly kind: "ack"; readonly number: number };

const CALLS = "pwrite64,write,fsync,fdatasync,ftruncate";

/** Runs a program under strace, in a directory; gives what it did there. Only its main thread is followed. */
export async function traced(dir: string, args: readonly string[]): Promise<Operation[]> {
  const log = path.join(dir, "strace.log");
  const options = ["-o", log, "-y", "-xx", "-s", "70000", "-e", `trace=${CALLS}`, process.execPath, ...args];
  await promisify(execFile)("strace", options, { timeout: 120_000 });
  const lines = (await readFile(log, "latin1")).split("\n");
  return lines.flatMap((line) => operationOf(line) ?? []);
}

/** Whether strace is here and may trace. */
export async function canTrace(): Promise<boolean> {
  return promisify(execFile)("strace", ["-o", "/dev/null", "true"]).then(
    () => true,
    () => false,
  );
}

/** `pwrite64(22<\x2f…>, "\x00…", 4096, 0) = 4096` and its like. */
function operationOf(line: string): Operation | undefined {
  const [, call = "", where = "", rest = ""] = /^(\w+)\(\d+<([^>]*)>(.*)$/.exec(line) ?? [];
  const file = path.basename(bytesOf(where).toString());
  if (call === "fsync" || call === "fdatasync") return { kind: "sync", file };
  if (call === "ftruncate") return { kind: "truncate", file, length: Number(/^, (\d+)/.exec(rest)?.[1]) };
  const [, data = "", offset] = /^, "([^"]*)", \d+(?:, (\d+))?\)/.exec(rest) ?? [];
  if (call === "pwrite64") return { kind: "write", file, offset: Number(offset), data: bytesOf(data) };
  const [, number] = call === "write" ? (/^ack (\d+)/.exec(bytesOf(data).toString()) ?? []) : [];
  return number === undefined ? undefined : { kind: "ack", number: Number(number) };
}

function bytesOf(escaped: string): Buffer {
  return Buffer.from(escaped.replaceAll(String.raw`\x`, ""), "hex");
}
