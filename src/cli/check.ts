import process from "node:process";
import { check as checkOnce } from "../connector/check.ts";
import { systemClock } from "../connector/clock.ts";
import { meant } from "../connector/nearest.ts";
import { createNetwork } from "../connector/dial/place.ts";
import { type Configuration, type Item, problemLine } from "../connector/item.ts";
import { blockedBySecret } from "../connector/secret-watch.ts";
import type { SecretItem } from "../protocol/secret-frames.ts";
import type { Report } from "../protocol/report.ts";
import { type Command, UsageError } from "./command.ts";
import { paintFor } from "./paint.ts";
import { secretsOnce, readingOnce } from "./secrets-once.ts";
import { closeStores, load } from "./settings.ts";
import { letter, secretLetter, summary } from "./letter.ts";

/** So many integrations are looked at side by side. */
const AT_ONCE = 100;

export const check: Command = {
  name: "check",
  usage: "check FILE [NAME…] [--secrets] [--json]",
  says: "Checks every integration of FILE once, stage by stage, without a control plane. Ends with 1 unless every one is online or a warning.",
  flags: {
    secrets: { says: "check only the secrets that they need: their stores are asked, their targets are not" },
    json: { says: "print the reports as JSON" },
  },
  args: [1, Number.POSITIVE_INFINITY],
  async run(given) {
    const [file = "", ...names] = given.args;
    const configuration = await configurationOf(file);
    const items = chosen(file, configuration, names);
    if (given.isSet("secrets")) return checkSecrets(items, given.isSet("json"));
    const onReport = (report: Report): void => {
      if (!isGood(report)) process.exitCode = 1; // Known from here on, also where nobody reads to the end.
    };
    const reports = await checkAll({ ...configuration, items }, { json: given.isSet("json"), onReport });
    return reports.every(isGood) ? 0 : 1;
  },
};

/** The secrets of these integrations, each on its own. */
async function checkSecrets(items: readonly Item[], json: boolean): Promise<number> {
  const secrets = await secretsOnce(items, systemClock);
  await closeStores();
  const paint = paintFor(process.stdout, process.env);
  if (json) process.stdout.write(`${JSON.stringify(secrets, null, 2)}\n`);
  else process.stdout.write(secrets.map((secret) => secretLetter(secret, paint)).join("") + counted(secrets));
  return secrets.every(isGood) ? 0 : 1;
}

function counted(secrets: readonly SecretItem[]): string {
  if (secrets.length === 0) return "Nothing to check: no integration needs a secret.\n";
  const good = secrets.filter(isGood).length;
  return `${secrets.length} ${secrets.length === 1 ? "secret" : "secrets"}: ${good} good, ${secrets.length - good} in trouble.\n`;
}

function isGood({ state }: Pick<Report, "state">): boolean {
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
  const users = Map.groupBy(items, ({ secret }) => secret?.id);
  const looking = limited(readingOnce(items, systemClock), async (item) =>
    blockedBySecret(item, await checkOnce(item, place), (users.get(item.secret?.id)?.length ?? 0) > 1),
  );
  for (const one of looking) {
    const report = await one;
    if (signal?.aborted === true) return reports;
    reports.push(report);
    onReport?.(report);
    if (!json) process.stdout.write(letter(report, paint));
  }
  await closeStores();
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
