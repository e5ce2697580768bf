import process from "node:process";
import { check as checkOnce } from "../connector/check.ts";
import { systemClock } from "../connector/clock.ts";
import { meant } from "../connector/config/nearest.ts";
import { createNetwork } from "../connector/dial/place.ts";
import { type Configuration, type Item, problemLine } from "../connector/item.ts";
import type { Report } from "../protocol/report.ts";
import { type Command, UsageError } from "./command.ts";
import { paintFor } from "./paint.ts";
import { load } from "./settings.ts";
import { letter, summary } from "./letter.ts";

/** So many integrations are looked at side by side. */
const AT_ONCE = 100;

export const check: Command = {
  name: "check",
  usage: "check FILE [NAME…] [--json]",
  says: "Checks every integration of FILE once, stage by stage, without a control plane. Ends with 1 unless every one is online or a warning.",
  flags: { json: { says: "print the reports as JSON" } },
  args: [1, Number.POSITIVE_INFINITY],
  async run(given) {
    const [file = "", ...names] = given.args;
    const configuration = await configurationOf(file);
    const items = chosen(file, configuration, names);
    const onReport = (report: Report): void => {
      if (!isGood(report)) process.exitCode = 1; // Known from here on, also where nobody reads to the end.
    };
    const reports = await checkAll({ ...configuration, items }, { json: given.isSet("json"), onReport });
    return reports.every(isGood) ? 0 : 1;
  },
};

function isGood({ state }: Report): boolean {
  return state === "online" || state === "warning";
}

export interface Showing {
  readonly json: boolean;
  /** Told of each report before it is printed. */
  readonly onReport?: (report: Report) => void;
  /** Ends the checks; nothing is printed from then on. */
  readonly signal?: AbortSignal;
}

/** Checks every item once and prints what came of it. */
export async function checkAll(
  { items, addressesAllow }: Configuration,
  { json, onReport, signal }: Showing,
): Promise<readonly Report[]> {
  const network = createNetwork(process.env, addressesAllow);
  const place = { clock: systemClock, network, ...(signal === undefined ? {} : { signal }) };
  const paint = paintFor(process.stdout, process.env);
  const started = performance.now();
  const reports: Report[] = [];
  for (const one of limited(items, (item) => checkOnce(item, place))) {
    const report = await one;
    if (signal?.aborted === true) return reports;
    reports.push(report);
    onReport?.(report);
    if (!json) process.stdout.write(letter(report, paint));
  }
  if (json) process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`);
  else process.stdout.write(summary(reports, performance.now() - started, paint));
  return reports;
}

/** The configuration of a file. Throws UsageError with a line for each of its problems. */
export async function configurationOf(file: string): Promise<Configuration> {
  const loaded = await load(file);
  if (loaded.ok) return loaded.configuration;
  throw new UsageError(...loaded.problems.map(problemLine));
}

function chosen(file: string, { items }: Configuration, names: readonly string[]): readonly Item[] {
  const known = items.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new UsageError(
      ...unknown.map((name) => `${file}: no integration is named "${name}"${meant(name, known)}`),
    );
  }
  return names.length === 0 ? items : items.filter(({ name }) => names.includes(name));
}

/** Starts the work on all, so many at a time; the results in the order of what was given. */
function limited<T, R>(all: readonly T[], work: (one: T) => Promise<R>): readonly Promise<R>[] {
  const results = all.map(() => Promise.withResolvers<R>());
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < all.length) {
      const index = next;
      next += 1;
      const one = all[index];
      const result = results[index];
      if (one === undefined || result === undefined) return;
      await work(one).then(result.resolve, result.reject);
    }
  };
  for (let count = 0; count < Math.min(AT_ONCE, all.length); count += 1) void worker();
  return results.map(({ promise }) => promise);
}
