import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Report, report } from "../../src/protocol/report.ts";
import { httpServer, refusedPort, silent } from "../fake/targets.ts";
import { entry, mooring } from "./run.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mooring-cli-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function file(items: readonly object[]): Promise<string> {
  const path = join(directory, `${crypto.randomUUID()}.yaml`);
  await writeFile(path, JSON.stringify({ integrations: items }));
  return path;
}

describe("mooring check", () => {
  test("prints a letter for each, in the file's order, and a summary; ends with 1 where one failed", async () => {
    await using good = await httpServer((_, response) => response.end("fine"));
    await using closed = await refusedPort();
    const path = await file([
      { name: "shop", type: "http", config: { url: `http://127.0.0.1:${good.port}/` } },
      { name: "cache", type: "tcp", config: { host: "127.0.0.1", port: closed.port } },
    ]);
    const { code, stdout, stderr } = await mooring(["check", path]);
    expect(stderr).toBe("");
    expect(code).toBe(1);
    const plain = stdout.replaceAll(/ +[\d.]+ m?s/g, " TIME").replaceAll(/:\d{4,5}\b/g, ":PORT");
    expect(plain.replaceAll(/port \d+/g, "port N").replaceAll(/127\.0\.0\.1 \d+/g, "127.0.0.1 N"))
      .toBe(`✓ shop  http  http://127.0.0.1:PORT/  online
  resolve TIME · connect TIME · respond TIME
  not tested: Anything but GET http://127.0.0.1:PORT/: no other path or method was tried.
  not tested: That the body is right: only the status was compared.
  not tested: What the endpoint answers to somebody who is logged in.

✗ cache  tcp  127.0.0.1:PORT  error

  Integration cache is unreachable.
  127.0.0.1:PORT refused the connection: the host answers, but nothing listens on that port.

  ✓ resolve TIME
  ✗ connect TIME  connection_refused

  What to do
  1. Start the server, or correct the port: it must listen on port N of 127.0.0.1.
  2. Try the port from where the connector runs.
       nc -vz -w 5 127.0.0.1 N

2 checked in TIME: 1 online, 1 in error.
`);
  });

  test("--json prints the reports, each of the documented shape; names choose", async () => {
    await using good = await httpServer((_, response) => response.end("fine"));
    const url = `http://127.0.0.1:${good.port}/`;
    const path = await file([
      { name: "a", type: "http", config: { url } },
      { name: "b", type: "http", config: { url } },
    ]);
    const { code, stdout } = await mooring(["check", path, "b", "--json"]);
    expect(code).toBe(0);
    const reports: unknown[] = JSON.parse(stdout) as unknown[];
    expect(reports).toHaveLength(1);
    expect(report.parse(reports[0])).toMatchObject({
      name: "b",
      state: "online",
      condition: null,
      stage: null,
      reason: null,
      cause: null,
      blockedBy: null,
      message: "Integration b is online.",
      path: ["resolve", "connect", "respond"],
    });
  });

  test("a suspended integration is no pass", async () => {
    const path = await file([
      { name: "a", type: "tcp", suspend: true, config: { host: "127.0.0.1", port: 1 } },
    ]);
    const { code, stdout } = await mooring(["check", path, "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([
      { state: "unknown", reason: "suspended", message: "Integration a is suspended." },
    ]);
  });

  test("200 integrations are checked side by side", async () => {
    await using mute = await silent();
    const config = { url: `http://127.0.0.1:${mute.port}/` };
    const path = await file(
      Array.from({ length: 200 }, (_, index) => ({ name: `a${index}`, type: "http", timeout: "1s", config })),
    );
    const started = performance.now();
    const { code, stdout } = await mooring(["check", path, "--json"]);
    expect(code).toBe(1);
    expect((JSON.parse(stdout) as unknown[]).length).toBe(200);
    expect(performance.now() - started).toBeLessThan(20_000); // One after the other it would be 200 s.
  });
});

describe("what a configuration holds cannot leave its line", () => {
  const EVIL = "\u001b[2J\u009b\n";
  const login = { store: "file", path: `./absent${EVIL}` };

  test("in a letter and in a report", async () => {
    const config = { host: "127.0.0.1", port: 9, database: "d", tls: { mode: "disable" } };
    await using mute = await silent();
    const path = await file([
      { name: "a", type: "postgresql", config: { ...config, port: mute.port }, secret: login },
    ]);
    const { stdout } = await mooring(["check", path]);
    expect(stdout).toContain("Secret ./absent�[2J�� is unreachable.");
    expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
    const [told] = JSON.parse((await mooring(["check", path, "--json"])).stdout) as Report[];
    expect(told?.message).toBe("Secret ./absent�[2J�� is unreachable.");
  });

  test("in a problem", async () => {
    const path = await file([{ name: "a", type: `tcp${EVIL}`, config: {} }]);
    const { stderr } = await mooring(["check", path]);
    expect(stderr).toContain("tcp�[2J��");
    expect(stderr.trimEnd()).not.toMatch(/\p{Cc}/u);
  });
});

test("a reader that has seen enough does not make the answer good", async () => {
  await using closed = await refusedPort();
  const path = await file([{ name: "a", type: "tcp", config: { host: "127.0.0.1", port: closed.port } }]);
  const child = spawn(process.execPath, [entry, "check", path], { stdio: ["ignore", "pipe", "inherit"] });
  child.stdout.destroy();
  expect(await once(child, "exit")).toEqual([1, null]);
});

describe("wrong use ends with 2 and one line that says what to do", () => {
  const rows: readonly (readonly [args: string[], line: string])[] = [
    [["chek"], 'mooring: there is no command "chek"; did you mean "check"?'],
    [
      ["check"],
      "mooring check: an argument is missing; write mooring check FILE [NAME…] [--secrets] [--json]",
    ],
    [["check", "x", "--jsn"], 'mooring check: there is no option --jsn; did you mean "--json"?'],
    [["check", "x", "--hlp"], 'mooring check: there is no option --hlp; did you mean "--help"?'],
    [["check", "x", "--json=1"], 'mooring check: --json takes no value; leave out "=1"'],
    [
      ["check", "/nonexistent.yaml"],
      "/nonexistent.yaml:1:1: there is no such file; name the configuration file",
    ],
  ];
  test.each(rows)("%j", async (args, line) => {
    expect(await mooring(args)).toEqual({ code: 2, stdout: "", stderr: `${line}\n` });
  });

  test("an unknown name", async () => {
    const path = await file([{ name: "orders-db", type: "tcp", config: { host: "127.0.0.1", port: 1 } }]);
    const { code, stderr } = await mooring(["check", path, "order-db"]);
    expect(code).toBe(2);
    expect(stderr).toBe(`${path}: no integration is named "order-db"; did you mean "orders-db"?\n`);
  });

  test("an unknown name among many", async () => {
    const items = Array.from({ length: 12 }, (_, index) => ({
      name: `one-${index}`,
      type: "tcp",
      config: { host: "127.0.0.1", port: 1 },
    }));
    const { stderr } = await mooring(["check", await file(items), "elsewhere"]);
    expect(stderr).toMatch(/; known here: one-0, one-1, .*one-9 and 2 more\n$/);
  });

  test("every problem of a file, each on a line", async () => {
    const path = await file([{ name: "a", type: "tcp", config: { host: "h", port: 0 }, x: 1 }]);
    const { code, stdout, stderr } = await mooring(["check", path]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(
      stderr
        .trimEnd()
        .split("\n")
        .map((line) => line.replace(/^\S+: /, "")),
    ).toEqual([
      "integrations[0].config.port: must be a whole number from 1 to 65535",
      "integrations[0].x: is not known; known here: name, type, interval, timeout, failureThreshold, suspend, config, secret",
    ]);
  });
});

describe("the frame", () => {
  test("--help on every level, --version", async () => {
    const all = await mooring(["--help"]);
    expect(all.code).toBe(0);
    expect(all.stdout).toContain("mooring check FILE [NAME…] [--secrets] [--json]");
    const one = await mooring(["check", "--help"]);
    expect(one.code).toBe(0);
    expect(one.stdout).toContain("[MOORING_JSON]");
    expect(await mooring(["help", "check"])).toEqual(one);
    expect(await mooring([])).toEqual({ code: 2, stdout: "", stderr: all.stdout });
    expect((await mooring(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("a flag's environment variable", async () => {
    const path = await file([]);
    expect((await mooring(["check", path], { MOORING_JSON: "1" })).stdout).toBe("[]\n");
    for (const off of ["0", "off", "no", "FALSE"]) {
      expect((await mooring(["check", path], { MOORING_JSON: off })).stdout).toContain("Nothing to check");
    }
  });
});
