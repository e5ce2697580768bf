import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Failure } from "../../../src/connector/failure.ts";
import { env } from "../../../src/connector/secrets/env.ts";
import { file } from "../../../src/connector/secrets/file.ts";
import { place as placeOf, settings } from "../../fake/secret.ts";
import { SECRET_STORES } from "../../../src/connector/secrets/index.ts";

const SIGNAL = new AbortController().signal;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mooring-secrets-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function read(path: string) {
  return file.open(settings({}), placeOf({}, directory)).read({ path }, SIGNAL);
}

async function failureOf(path: string): Promise<Failure> {
  const error: unknown = await read(path).catch((failure: unknown) => failure);
  if (error instanceof Failure) return error;
  throw new Error("it could be read");
}

async function place(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(directory, name), content);
  return name;
}

describe("the store file", () => {
  test("reads a file relative to its directory, and an absolute one", async () => {
    const path = await place("plain", "hällo\n");
    expect(await read(path)).toEqual({ text: "hällo\n" });
    expect(await read(join(directory, path))).toEqual({ text: "hällo\n" });
  });

  test("names the path as it is written, and the file as it is", () => {
    expect(file.name({ path: "a/b" }, placeOf())).toBe("a/b");
    expect(file.facts({ path: "a/b" }, placeOf({}, directory), settings({}))).toEqual({
      file: join(directory, "a/b"),
    });
  });

  test("no file, and a file where a directory should be", async () => {
    await place("file", "x");
    expect((await failureOf("absent")).reason).toBe("secret_not_found");
    expect((await failureOf("file/below")).reason).toBe("secret_not_found");
  });

  test("a directory, a FIFO and a device are no files, and none of them hangs", async () => {
    await mkdir(join(directory, "folder"));
    execFileSync("mkfifo", [join(directory, "fifo")]);
    for (const path of ["folder", "fifo", "/dev/zero"]) {
      const { reason, evidence } = await failureOf(path);
      expect([reason, evidence["trouble"]]).toEqual(["secret_unparsable", "it is not a regular file"]);
    }
  });

  test("1 MiB is read, more is not", async () => {
    await place("most", "x".repeat(1024 * 1024));
    expect((await read("most")).text).toHaveLength(1024 * 1024);
    await place("more", "x".repeat(1024 * 1024 + 1));
    expect((await failureOf("more")).evidence["trouble"]).toBe("it is larger than 1 MiB");
    // A file that says of itself that it is empty, and is not.
    expect((await read("/proc/self/status")).text).toContain("Pid:");
  });

  test("bytes that are no UTF-8 are told, not shown", async () => {
    await place("latin1", Buffer.from("caf\xe9 hunter2", "latin1"));
    const { reason, evidence, cause } = await failureOf("latin1");
    expect([reason, evidence["trouble"]]).toEqual(["secret_unparsable", "it is not UTF-8"]);
    expect(JSON.stringify(evidence) + String(cause)).not.toContain("hunter2");
  });

  test("a file that we may not read", async () => {
    await place("closed", "x");
    await chmod(join(directory, "closed"), 0o000);
    const failure = await asNobody(() => failureOf("closed"));
    expect([failure.reason, failure.evidence["code"]]).toEqual(["secret_forbidden", "EACCES"]);
  });
});

const NOBODY = 65_534;

/** Root may read everything: for the while of the work the process is somebody else. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  await chmod(directory, 0o755);
  process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

describe("the store env", () => {
  const variable = "MOORING_SECRET_DB";
  const read = (environment: Record<string, string>) =>
    env.open(settings({}), placeOf(environment, directory)).read({ variable }, SIGNAL);

  test("reads a variable, an empty one too", async () => {
    expect(await read({ [variable]: "x" })).toEqual({ text: "x" });
    expect(await read({ [variable]: "" })).toEqual({ text: "" });
  });

  test("a variable that is not set", async () => {
    await expect(read({})).rejects.toMatchObject({ reason: "secret_not_found", evidence: { variable } });
  });

  test("the name is the variable", () => {
    expect(env.name({ variable }, placeOf())).toBe(variable);
  });

  test.each(["HOME", "MOORING_SECRET_", "XMOORING_SECRET_DB", "MOORING_SECRET_A-B", ""])(
    "%j is not one to be read",
    (variable) => expect(env.ref.safeParse({ variable }).success).toBe(false),
  );
});

test("the table has both", () => {
  expect(SECRET_STORES.map(({ type }) => type)).toEqual(expect.arrayContaining(["file", "env"]));
});
