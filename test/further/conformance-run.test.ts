import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { OWN_PLANE } from "../conformance/subjects.ts";
import { eventually, folder } from "../process/programs.ts";

const RUN = fileURLToPath(new URL("../conformance/run.ts", import.meta.url));

interface Ran {
  readonly child: ChildProcessWithoutNullStreams;
  readonly told: () => string;
  readonly code: Promise<number | null>;
}

/** `npm run conformance` with these arguments; its folders are made in `temporary`. */
function run(args: readonly string[], temporary: string): Ran {
  const child = spawn(process.execPath, [RUN, ...args], { env: { ...process.env, TMPDIR: temporary } });
  let told = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (told += text));
  return { child, told: () => told, code: once(child, "close").then(([code]) => code as number | null) };
}

/** Processes whose argument list names that folder. */
async function programsIn(path: string): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lists = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""));
  return (await Promise.all(lists)).filter((list) => list.includes(path));
}

describe.concurrent("what cannot be judged is told in one line, and by the exit code", () => {
  test.each<readonly [string, number, RegExp]>([
    ["--bogus", 2, /Unknown option '--bogus'/],
    ["positional", 2, /Unexpected argument 'positional'/],
    ["--only foo", 2, /--only foo: no case .* 7, 8, /],
    ["--only ,", 2, /--only is empty/],
    ["--only 17", 2, /--only 17: no case /],
    ["--connector x --only 7", 2, /--only 7: no case .* there are 25, /],
    ["--connector=", 2, /--connector is empty/],
    ["--control-plane http://127.0.0.1:9", 2, /needs --token-file/],
    ["--control-plane 127.0.0.1:9 --token-file {good}", 2, /no address that begins with/],
    ["--control-plane http://127.0.0.1:9 --token-file /nonexistent", 2, /\/nonexistent: ENOENT/],
    ["--control-plane http://127.0.0.1:9 --token-file {lines}", 2, /not one line with one token/],
    ["--control-plane http://127.0.0.1:{closed} --token-file {good}", 1, /connectors: no answer: .*ECONN/],
    ["--control-plane-command false", 1, /the program ended: without a word/],
    ["--control-plane-command nosuchprogram", 2, /spawn nosuchprogram ENOENT/],
    ["--connector false", 1, /the connector of --connector is not there: the program ended/],
  ])("%s", async (line, wanted, says) => {
    await using dir = await folder();
    const places = {
      good: join(dir.path, "good"),
      lines: join(dir.path, "lines"),
      closed: String(await closedPort()),
    };
    await writeFile(places.good, "token\n");
    await writeFile(places.lines, "canary-of-line-1\ncanary-of-line-2\n");
    const args = line
      .split(" ")
      .map((word) => word.replaceAll(/\{(\w+)\}/g, (_, name: keyof typeof places) => places[name]));
    const { code, told } = run(args, dir.path);
    expect([await code, told().trim().split("\n").length], told()).toEqual([wanted, 1]);
    expect(told()).toMatch(says);
    expect(told()).not.toContain("canary");
  });
});

/** A port of loopback where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** A control plane that is the child of a shell, which is no more than a wrapper. */
async function wrapped(dir: string): Promise<readonly string[]> {
  const wrapper = join(dir, "wrapper.sh");
  await writeFile(wrapper, '"$@"\n:\n');
  return ["--control-plane-command", `sh ${wrapper} ${OWN_PLANE}`, "--token-file", "{data}/operator-token"];
}

test("a program behind a wrapper is judged, and ended with it", async () => {
  await using dir = await folder();
  const { code, told } = run([...(await wrapped(dir.path)), "--only", "1,13"], dir.path);
  expect(await code, told()).toBe(0);
  expect(told()).toContain("2 passed, 0 failed, 0 skipped");
  expect(await programsIn(dir.path)).toEqual([]);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["nobody reads", 1],
] as const)("%s ends it, its programs and its folders", async (how, wanted) => {
  await using dir = await folder();
  const { child, code, told } = run([...(await wrapped(dir.path)), "--only", "1,7,13"], dir.path);
  await eventually("the first case", () => (told().includes("✓  1") ? true : undefined), { seen: told });
  if (how === "nobody reads") child.stdout.destroy();
  else child.kill(how);
  expect(await code, told()).toBe(wanted);
  expect(told()).not.toContain("✗");
  expect(await programsIn(dir.path)).toEqual([]);
  const folders = await readdir(dir.path);
  expect(folders.filter((name) => name.startsWith("mooring-process-"))).toEqual([]);
});
