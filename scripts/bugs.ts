/**
 * npm run bugs [-- --changed] [-- NAME …]: plants known mistakes, one after the other, in a copy of the sources, and
 * runs the suite that has to catch each. The last line is caught / planted.
 * --changed: those whose files are others than on main (on main: than in the commit before).
 * Exits 0 where all were caught, 1 where one was not, 2 where one cannot be planted any more, or has no such name.
 */
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { type Bug, BUGS } from "../test/bugs/bugs.ts";

const run = promisify(execFile);

/** Copied, as the mistakes are planted there; all else is linked. */
const COPIED = ["src", "test", "scripts"];
const LINKED = ["node_modules", "package.json", "tsconfig.json", "docs", "schema", "bin"];
const CONFIGS = ["vitest.config.ts", "vitest.further.config.ts"];
const LONGEST_MS = 300_000;
/** Seeds within which the simulation has to catch a mistake. */
const SEEDS = 3000;
const COPIES = 2;

const ROOT = path.join(import.meta.dirname, "..");

/** What is wrong with the table itself. */
class TableError extends Error {}

/** The file with the bug in it. Throws where a text is not there exactly once. */
async function planted(bug: Bug, root: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const { file, before, after } of bug.changes) {
    const text = files.get(file) ?? (await readFile(path.join(root, file), "utf8"));
    const times = text.split(before).length - 1;
    if (times !== 1)
      throw new TableError(
        `test/bugs/bugs.ts: ${bug.name} does not fit ${file} any more: it looks for a text that stands there ${times} times. Say what it is now:\n${before}`,
      );
    files.set(
      file,
      text.replace(before, () => after),
    );
  }
  return files;
}

async function copy(): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), "mooring-bugs-"));
  for (const name of COPIED) await cp(path.join(ROOT, name), path.join(dir, name), { recursive: true });
  for (const name of CONFIGS) await cp(path.join(ROOT, name), path.join(dir, name));
  for (const name of LINKED) await symlink(path.join(ROOT, name), path.join(dir, name));
  return dir;
}

function commandOf({ caughtBy }: Bug): readonly string[] {
  if (caughtBy === "simulation") return ["scripts/sim.ts", "--first", "--seeds", String(SEEDS)];
  const { file, test } = caughtBy;
  const config = file.startsWith("test/further/") ? "vitest.further.config.ts" : "vitest.config.ts";
  const options = ["--config", config, "-t", test, "--retry", "1"];
  return ["node_modules/vitest/vitest.mjs", "run", file, ...options];
}

/** Runs the suite that has to catch the bug, twice where it fails on a busy machine; gives whether a test failed, and what was printed. */
async function suite(bug: Bug, dir: string): Promise<{ failed: boolean; out: string }> {
  try {
    const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined };
    const options = { cwd: dir, env, timeout: LONGEST_MS, maxBuffer: 2 ** 26 };
    const { stdout } = await run(process.execPath, [...commandOf(bug)], options);
    return { failed: false, out: stdout };
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    // A suite that could not begin, or ran out of time, has caught nothing.
    const failed = bug.caughtBy === "simulation" ? / broke /.test(stdout) : /Tests .*\d+ failed/.test(stdout);
    return { failed, out: stdout + stderr };
  }
}

const nameOf = ({ caughtBy }: Bug): string =>
  caughtBy === "simulation" ? `npm run sim -- --seeds ${SEEDS}` : `${caughtBy.file}, "${caughtBy.test}"`;

/** Plants one bug and takes it out again; gives whether it was caught. */
async function tryOne(bug: Bug, dir: string): Promise<boolean> {
  const started = performance.now();
  const files = await planted(bug, dir);
  for (const [file, text] of files) await writeFile(path.join(dir, file), text);
  const { failed, out } = await suite(bug, dir);
  for (const file of files.keys()) await cp(path.join(ROOT, file), path.join(dir, file));
  const seconds = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const rule = / broke (?:the rule )?([a-z-]+)/.exec(out)?.[1];
  const how = rule === undefined ? "" : `: ${rule}`;
  if (failed) console.log(`caught  ${bug.name.padEnd(30)} ${seconds.padStart(7)}  ${nameOf(bug)}${how}`);
  else
    console.log(
      `MISSED  ${bug.name}: ${bug.says}\n        should be caught by ${nameOf(bug)}\n${out.slice(-2_000)}`,
    );
  return failed;
}

/** The suites without any bug in them: one that fails anyway catches everything. */
async function expectGreen(bugs: readonly Bug[], dir: string): Promise<void> {
  const suites = new Map(bugs.map((bug) => [nameOf(bug), bug]));
  for (const [name, bug] of suites) {
    const { failed, out } = await suite(bug, dir);
    const ran = bug.caughtBy === "simulation" || /Tests .*\d+ passed/.test(out);
    if (failed || !ran)
      throw new TableError(
        `without any bug ${name} ${failed ? "fails" : "runs no test"}:\n${out.slice(-2_000)}`,
      );
  }
}

async function tryAll(bugs: readonly Bug[]): Promise<number> {
  const left = [...bugs];
  let caught = 0;
  const work = async (): Promise<void> => {
    const dir = await copy();
    try {
      for (let bug = left.shift(); bug !== undefined; bug = left.shift())
        if (await tryOne(bug, dir)) caught += 1;
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  };
  await Promise.all(Array.from({ length: Math.min(COPIES, bugs.length) }, work));
  return caught;
}

/** Files that differ from main, or on main from the commit before; what is not committed counts. */
async function changedFiles(): Promise<ReadonlySet<string>> {
  const git = async (...args: string[]): Promise<string> =>
    (await run("git", args, { cwd: ROOT })).stdout.trim();
  const head = await git("rev-parse", "HEAD");
  const main = await git("merge-base", "HEAD", "main").catch(() => "");
  const base = main === "" || main === head ? await git("rev-parse", "HEAD~1").catch(() => head) : main;
  const tracked = await git("diff", "--name-only", base);
  const fresh = await git("ls-files", "--others", "--exclude-standard");
  return new Set(`${tracked}\n${fresh}`.split("\n"));
}

/** Whether the bug, the code that it is in, or the suite that has to catch it is another one. */
function isTouched({ changes, caughtBy }: Bug, changed: ReadonlySet<string>): boolean {
  if (changed.has("test/bugs/bugs.ts") || changed.has("scripts/bugs.ts")) return true;
  if (changes.some(({ file }) => changed.has(file))) return true;
  if (caughtBy !== "simulation") return changed.has(caughtBy.file);
  return [...changed].some((file) => file.startsWith("test/sim/both-ends/") || file === "scripts/sim.ts");
}

/** Without those that cannot be caught here. */
async function catchable(bugs: readonly Bug[]): Promise<readonly Bug[]> {
  const missing = new Set<string>();
  for (const needs of new Set(bugs.flatMap((bug) => bug.needs ?? [])))
    await run(needs, ["--version"]).catch(() => missing.add(needs));
  for (const { name, needs = "" } of bugs)
    if (missing.has(needs)) console.log(`skipped ${name}: ${needs} is not here`);
  return bugs.filter(({ needs = "" }) => !missing.has(needs));
}

async function chosen(args: readonly string[]): Promise<readonly Bug[]> {
  if (args.includes("--changed")) {
    const changed = await changedFiles();
    return BUGS.filter((bug) => isTouched(bug, changed));
  }
  for (const name of args)
    if (!BUGS.some((bug) => bug.name === name))
      throw new TableError(`there is no bug ${name}; see test/bugs/bugs.ts`);
  return args.length === 0 ? BUGS : BUGS.filter(({ name }) => args.includes(name));
}

async function main(args: readonly string[]): Promise<number> {
  try {
    for (const bug of BUGS) await planted(bug, ROOT);
    const bugs = await catchable(await chosen(args));
    // In CI the suites have just run.
    if (!args.includes("--changed")) await expectGreen(bugs, ROOT);
    const caught = await tryAll(bugs);
    console.log(`${caught} / ${bugs.length}`);
    return caught === bugs.length ? 0 : 1;
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
    console.error(error.message);
    return 2;
  }
}

process.exitCode = await main(process.argv.slice(2));
