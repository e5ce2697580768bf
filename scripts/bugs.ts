/**
 * npm run bugs [-- --changed] [-- NAME …]: plants known mistakes, one after the other, in a copy of the sources, and
 * runs the suite that has to catch each. The last line is caught / planted.
 * --changed: those whose files are others than on main (on main: than in the commit before).
 * Exits 0 where all were caught, 1 where one was not, 2 where one of those that were asked for cannot be planted any
 * more or has no such name, and where a suite fails or does not run without any mistake.
 */
import { execFile } from "node:child_process";
import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { type Bug, BUGS } from "../test/bugs/bugs.ts";
import { endInOrder } from "./ending.ts";
import { flagsOf, refused } from "./flags.ts";
import { temporaryFolder } from "./folder.ts";
import { type Ended, runGroup } from "./group.ts";

const run = promisify(execFile);

/** Copied, as the mistakes are planted there; all else is linked. */
const COPIED = ["src", "test", "scripts"];
const LINKED = ["node_modules", "package.json", "tsconfig.json", "docs", "schema", "bin"];
const CONFIGS = ["vitest.config.ts", "vitest.further.config.ts"];
/** Of one run of a suite, on a machine that does much else. */
const LONGEST_MS = 600_000;
/** Seeds within which the simulation has to catch a mistake. */
const SEEDS = 3000;
const COPIES = 2;

const TABLE = "test/bugs/bugs.ts";
const ROOT = path.join(import.meta.dirname, "..");

/** What is wrong with the table itself. */
class TableError extends Error {}

/** Where the table tells of a bug: `test/bugs/bugs.ts:123`. */
async function placeOf({ name }: Bug): Promise<string> {
  const lines = (await readFile(path.join(ROOT, TABLE), "utf8")).split("\n");
  return `${TABLE}:${lines.findIndex((line) => line.includes(`name: "${name}"`)) + 1}`;
}

/** Throws one error that tells of all that do not fit any more. */
async function expectFits(bugs: readonly Bug[]): Promise<void> {
  const stale: string[] = [];
  for (const bug of bugs)
    await planted(bug, ROOT).catch((error: unknown) => {
      if (!(error instanceof TableError)) throw error;
      stale.push(error.message);
    });
  if (stale.length > 0) throw new TableError(stale.join("\n\n"));
}

/** The file with the bug in it. Throws where a text is not there exactly once. */
async function planted(bug: Bug, root: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const { file, before, after } of bug.changes) {
    const text = files.get(file) ?? (await readFile(path.join(root, file), "utf8"));
    const times = text.split(before).length - 1;
    if (times !== 1)
      throw new TableError(
        `${await placeOf(bug)}: ${bug.name} does not fit ${file} any more: it looks for a text that stands there ${times} times. Say what it is now:\n${before}`,
      );
    files.set(
      file,
      text.replace(before, () => after),
    );
  }
  return files;
}

/** A copy of the sources. */
async function copy(dir: string): Promise<void> {
  for (const name of COPIED) await cp(path.join(ROOT, name), path.join(dir, name), { recursive: true });
  for (const name of CONFIGS) await cp(path.join(ROOT, name), path.join(dir, name));
  for (const name of LINKED) await symlink(path.join(ROOT, name), path.join(dir, name));
}

function commandOf({ caughtBy }: Bug): readonly string[] {
  if (caughtBy === "simulation") return ["scripts/sim.ts", "--first", "--seeds", String(SEEDS)];
  const { file, test } = caughtBy;
  const config = file.startsWith("test/further/") ? "vitest.further.config.ts" : "vitest.config.ts";
  const options = ["--config", config, "-t", test, "--retry", "1"];
  return ["node_modules/vitest/vitest.mjs", "run", file, ...options];
}

/** Where a suite runs, and where it may make folders: they go with those that were left there. */
interface Place {
  readonly dir: string;
  readonly temporary: string;
}

/** What came of a suite. One that could not begin, broke down or took too long says nothing: `why` tells that. */
interface Judged {
  readonly how: "green" | "failed" | "no run";
  readonly why: string;
  readonly out: string;
}

/** Runs the suite that has to catch the bug, twice where it fails on a busy machine. */
async function suite(bug: Bug, { dir, temporary }: Place): Promise<Judged> {
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, TMPDIR: temporary };
  const ended = await runGroup(commandOf(bug), { cwd: dir, env, longestMs: LONGEST_MS });
  const { code, out, isLate } = ended;
  const why = isLate ? `it took more than ${LONGEST_MS / 1000} s` : `it ended with code ${code}`;
  return { how: judged(bug, ended), why, out };
}

function judged({ caughtBy }: Bug, { code, out, isLate }: Ended): Judged["how"] {
  if (isLate || code === null) return "no run";
  if (caughtBy === "simulation") {
    if (code === 0) return / every rule held/.test(out) ? "green" : "no run";
    return / broke /.test(out) ? "failed" : "no run";
  }
  // By its tests alone, not by the exit code: what a file looks for after all of them does not fit a few of them.
  if (/Tests .*\d+ failed/.test(out)) return "failed";
  return /Tests .*\d+ passed/.test(out) ? "green" : "no run";
}

const nameOf = ({ caughtBy }: Bug): string =>
  caughtBy === "simulation" ? `npm run sim -- --seeds ${SEEDS}` : `${caughtBy.file}, "${caughtBy.test}"`;

/** Plants one bug and takes it out again; gives whether it was caught. */
async function tryOne(bug: Bug, place: Place): Promise<boolean> {
  const { dir } = place;
  const started = performance.now();
  const files = await planted(bug, dir);
  for (const [file, text] of files) await writeFile(path.join(dir, file), text);
  const { how, why, out } = await suite(bug, place);
  for (const file of files.keys()) await cp(path.join(ROOT, file), path.join(dir, file));
  const seconds = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const rule = / broke (?:the rule )?([a-z-]+)/.exec(out)?.[1];
  const by = rule === undefined ? nameOf(bug) : `${nameOf(bug)}: ${rule}`;
  if (how === "failed") console.log(`caught  ${bug.name.padEnd(30)} ${seconds.padStart(7)}  ${by}`);
  else
    console.log(
      [
        `MISSED  ${bug.name}: ${bug.says}`,
        `        ${await placeOf(bug)}; should be caught by ${nameOf(bug)}`,
        how === "green"
          ? "        which finds nothing wrong"
          : `        which cannot run with the mistake in it: ${why}`,
        out.slice(-2_000),
      ].join("\n"),
    );
  return how === "failed";
}

/** The suites without any bug in them: one that fails anyway catches everything. */
async function expectGreen(bugs: readonly Bug[], temporary: string): Promise<void> {
  const suites = new Map(bugs.map((bug) => [nameOf(bug), bug]));
  for (const [name, bug] of suites) {
    const { how, why, out } = await suite(bug, { dir: ROOT, temporary });
    if (how === "green") continue;
    const what = bug.caughtBy === "simulation" ? "the simulation" : name;
    const says = how === "failed" ? `${what} fails` : `${what} cannot run: ${why}`;
    throw new TableError(`without any mistake ${says}\n${out.slice(-2_000)}`);
  }
}

async function tryAll(bugs: readonly Bug[], temporary: string): Promise<number> {
  const left = [...bugs];
  let caught = 0;
  const work = async (): Promise<void> => {
    await using own = await temporaryFolder("mooring-bugs-");
    await copy(own.path);
    for (let bug = left.shift(); bug !== undefined; bug = left.shift())
      if (await tryOne(bug, { dir: own.path, temporary })) caught += 1;
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
  if ([TABLE, "scripts/bugs.ts", "scripts/group.ts"].some((file) => changed.has(file))) return true;
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

interface Asked {
  readonly isChanged: boolean;
  readonly names: readonly string[];
}

async function chosen({ isChanged, names }: Asked): Promise<readonly Bug[]> {
  if (isChanged) {
    const changed = await changedFiles();
    return BUGS.filter((bug) => isTouched(bug, changed));
  }
  return names.length === 0 ? BUGS : BUGS.filter(({ name }) => names.includes(name));
}

async function main(asked: Asked): Promise<number> {
  try {
    const bugs = await catchable(await chosen(asked));
    await expectFits(bugs);
    // A database that a suite starts may run as another user.
    await using temporary = await temporaryFolder("mooring-bugs-", 0o1777);
    // In CI the suites have just run.
    if (!asked.isChanged) await expectGreen(bugs, temporary.path);
    const caught = await tryAll(bugs, temporary.path);
    console.log(`${caught} / ${bugs.length}`);
    return caught === bugs.length ? 0 : 1;
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
    console.error(error.message);
    return 2;
  }
}

const { values, names } = flagsOf({
  command: "bugs",
  does: "plants known mistakes, one after the other, and runs the suite that has to catch each",
  flags: {
    changed: { type: "switch", says: "those whose files are others than on main" },
  },
  names: { what: "mistake", known: BUGS.map(({ name }) => name) },
});
if (values.changed && names.length > 0) refused("bugs", "--changed chooses by itself: leave out the names");
endInOrder();
process.exitCode = await main({ isChanged: values.changed, names });
