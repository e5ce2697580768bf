/** Every variable that a chart sets is one that its program reads: a misspelt one would be silently nothing. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { variableOf } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { cases, CHARTS, manifestsOf, rendered, ROOT, whyNoHelm } from "./helm.ts";
import { podOf } from "./pod-security.ts";

/** Flags that the charts know before the programs do: to be empty once those are there. */
const COMING: readonly string[] = [];

const flags = COMMANDS.map(({ name, flags }) => [name, Object.keys(flags).map(variableOf)] as const);
const byCommand = new Map<string, readonly string[]>(flags);
const folder = join(ROOT, "src");
const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".ts"));
const sources = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
const read = new Set(sources.flatMap((text) => text.match(/\bMOORING_[A-Z_]+\b/g) ?? []));

const skipped = whyNoHelm === undefined ? "" : ` (skipped: ${whyNoHelm})`;

describe.skipIf(whyNoHelm !== undefined)(`variables${skipped}`, () => {
  test.each(CHARTS)("of %s", async (chart) => {
    for (const name of await cases(chart)) {
      const workloads = manifestsOf(await rendered(chart, name)).filter(({ kind }) => kind !== "Pod");
      const [container] = workloads.flatMap((each) => podOf(each)?.containers ?? []);
      const { args = [], env = [] } = container as { args?: string[]; env?: { name: string }[] };
      const known = byCommand.get(args[0] ?? "") ?? [];
      expect(known.length, args[0]).toBeGreaterThan(0);
      const own = env.map(({ name }) => name).filter((name) => name.startsWith("MOORING_"));
      const fits = (name: string): boolean => known.includes(name) || read.has(name) || COMING.includes(name);
      expect(own.filter((name) => !name.startsWith("MOORING_SECRET_") && !fits(name))).toEqual([]);
    }
  });
});
