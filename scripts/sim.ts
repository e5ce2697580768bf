/**
 * npm run sim -- [--seeds N] [--from S] [--workers W]: runs that many seeds of the simulation of both ends, in as
 * many processes as there are cores, and prints figures. With --first it ends at the first that breaks a rule.
 * npm run sim -- --seed S [--only 3,7] [--trouble MS] [--connectors N] [--integrations N] [--trace]: one of them.
 * Exits 0 where every rule held, 1 where one broke, 2 for wrong use.
 */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { planOf } from "../test/sim/both-ends/plan.ts";
import { type Rule, RULES } from "../test/sim/both-ends/rules.ts";
import { run } from "../test/sim/both-ends/run.ts";
import { explain, partOf } from "../test/sim/both-ends/shrink.ts";
import { add, noRuns, type Tally, written } from "../test/sim/both-ends/tally.ts";
import { endInOrder } from "./ending.ts";
import { flagsOf, MOST_SEED, refused } from "./flags.ts";

/** Seeds that a worker is given at once. */
const BATCH = 50;
/** Broken seeds that are explained; the others are named. */
const EXPLAINED = 3;
const NAMED = 20;
const PROGRESS_MS = 20_000;

interface Failed {
  readonly seed: number;
  readonly rule: Rule;
}

interface Batch {
  readonly tally: Tally;
  readonly broken: readonly Failed[];
}

/** In a worker: runs what it is given, until the parent leaves. */
function work(): void {
  process.on("message", (from: { first: number; last: number }) => {
    void runBatch(from).then((batch) => process.send?.(batch));
  });
}

async function runBatch({ first, last }: { first: number; last: number }): Promise<Batch> {
  const tally = noRuns();
  const broken: Failed[] = [];
  for (let seed = first; seed <= last && process.connected; seed += 1) {
    const outcome = await run(planOf(seed));
    add(tally, outcome.figures);
    if (!outcome.ok) broken.push({ seed, rule: outcome.broken.rule });
    // A run lasts one turn of the event loop: between two of them it is seen whether the parent has left.
    await setImmediate();
  }
  return { tally, broken };
}

/** Hands out batches to worker processes; gives what they found. */
async function runMany({
  from,
  seeds,
  workers,
}: {
  from: number;
  seeds: number;
  workers: number;
}): Promise<Batch> {
  const tally = noRuns();
  const broken: Failed[] = [];
  const started = performance.now();
  const progress = setInterval(() => {
    const minutes = (performance.now() - started) / 60_000;
    console.log(`${tally.seeds} of ${seeds} seeds after ${minutes.toFixed(1)} min`);
  }, PROGRESS_MS);
  let next = from;
  const runOne = async (): Promise<void> => {
    const child = fork(fileURLToPath(import.meta.url), ["--worker"]);
    const exited = new Promise<never>((_, reject) => {
      child.once("exit", (code) => reject(new Error(`a worker ended with ${code}`)));
    });
    exited.catch(() => {});
    while (next < from + seeds) {
      const first = next;
      const last = Math.min(first + BATCH, from + seeds) - 1;
      next = last + 1;
      child.send({ first, last });
      const answer = new Promise<Batch>((resolve) => {
        child.once("message", (batch) => resolve(batch as Batch));
      });
      const batch = await Promise.race([answer, exited]);
      add(tally, batch.tally);
      broken.push(...batch.broken);
      for (const { seed, rule } of batch.broken)
        console.log(`seed ${seed} broke ${rule}: npm run sim -- --seed ${seed}`);
    }
    child.disconnect();
  };
  try {
    await Promise.all(Array.from({ length: workers }, runOne));
  } finally {
    clearInterval(progress);
  }
  return { tally, broken: broken.toSorted((a, b) => a.seed - b.seed) };
}

async function explainSeed(seed: number): Promise<void> {
  const plan = planOf(seed);
  const outcome = await run(plan);
  if (!outcome.ok) console.log(`\n${await explain(plan, outcome.broken)}`);
}

async function many(options: { from: number; seeds: number; workers: number }): Promise<boolean> {
  const started = performance.now();
  const { tally, broken } = await runMany(options);
  for (const { seed } of broken.slice(0, EXPLAINED)) await explainSeed(seed);
  const minutes = (performance.now() - started) / 60_000;
  console.log(`\n${written(tally).join("\n")}`);
  console.log(
    `wall       ${minutes.toFixed(1)} min with ${options.workers} processes, Node ${process.version}`,
  );
  const last = options.from + options.seeds - 1;
  const seeds = `seeds ${options.from} to ${last}`;
  if (broken.length === 0) console.log(`${seeds}: every rule held`);
  else {
    const names = broken.slice(0, NAMED).map(({ seed }) => seed);
    const more = broken.length > NAMED ? " …" : "";
    console.log(`${seeds}: ${broken.length} broke a rule: ${names.join(" ")}${more}`);
    for (const line of byRule(broken)) console.log(line);
  }
  return broken.length === 0;
}

/** How many broke which rule, most first. */
function byRule(broken: readonly Failed[]): readonly string[] {
  const counts = new Map<Rule, number>();
  for (const { rule } of broken) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  const rows = [...counts].toSorted(([, a], [, b]) => b - a);
  return [
    ...rows.map(([rule, count]) => `${String(count).padStart(7)}  ${rule}: ${RULES[rule]}`),
    "the rules are written in test/sim/both-ends/rules.ts, and checked beside it",
  ];
}

const seen = (seed: number): string => `again, and the smallest way to it: npm run sim -- --seed ${seed}`;

/** Until one breaks, in this process, and without looking for a smaller way to it. */
async function first({ from, seeds }: { from: number; seeds: number }): Promise<boolean> {
  for (let seed = from; seed < from + seeds; seed += 1) {
    // A run lasts one turn of the event loop: signals are seen between two of them.
    await setImmediate();
    const outcome = await run(planOf(seed));
    if (outcome.ok) continue;
    console.log(`seed ${seed} broke ${outcome.broken.rule}: ${outcome.broken.message}\n${seen(seed)}`);
    return false;
  }
  console.log(`seeds ${from} to ${from + seeds - 1}: every rule held`);
  return true;
}

/** The places that --only names. */
function placesOf(seed: number, only: string | undefined): readonly number[] | undefined {
  if (only === undefined) return undefined;
  if (only === "none") return [];
  const places = only.split(",").map(Number);
  const { length } = planOf(seed).faults;
  const strange = places.find((place) => place >= length);
  if (strange !== undefined)
    refused(
      "sim",
      `--only: seed ${seed} has ${length === 0 ? "no faults" : `the faults 0 to ${length - 1}`}, and none ${strange}`,
    );
  return places;
}

async function one(seed: number, options: Options): Promise<boolean> {
  const { trouble: troubleMs, connectors, integrations, trace } = options;
  const only = placesOf(seed, options.only);
  const isReduced = [only, troubleMs, connectors, integrations].some((value) => value !== undefined);
  const plan = partOf(planOf(seed), { only, troubleMs, connectors, integrations });
  const onTrace = (at: number, says: string): void =>
    console.log(`${(at / 1000).toFixed(3).padStart(9)} ${says}`);
  const outcome = await run(plan, trace ? onTrace : undefined);
  if (outcome.ok) {
    const tally = noRuns();
    add(tally, outcome.figures);
    console.log(
      `seed ${seed} (${plan.name}, ${plan.profile}): every rule held\n${written(tally).join("\n")}`,
    );
  } else if (isReduced || trace)
    console.log(
      `seed ${seed} broke ${outcome.broken.rule} at ${(outcome.broken.at / 1000).toFixed(1)} s: ${outcome.broken.message}`,
    );
  else console.log(await explain(plan, outcome.broken));
  return outcome.ok;
}

type Options = ReturnType<typeof read>;

/** Flags of one seed alone, and those of many. */
const OF_ONE = ["only", "trouble", "connectors", "integrations", "trace"] as const;
const OF_MANY = ["seeds", "from", "workers", "first"] as const;

function read() {
  const { values } = flagsOf({
    command: "sim",
    does: "the simulation of both ends: many seeds, or one of them (--seed)",
    flags: {
      seeds: { type: "number", says: "how many, else 1000", least: 1, most: MOST_SEED },
      from: { type: "number", says: "the first, else 1", least: 0, most: MOST_SEED },
      workers: { type: "number", says: "processes, else one a core", least: 1, most: 256 },
      first: { type: "switch", says: "in one process, to the first seed that breaks a rule" },
      seed: { type: "number", says: "this one alone", least: 0, most: MOST_SEED },
      only: {
        type: "text",
        says: "of its faults these alone",
        takes: "none, or their places such as 0,3,7",
        fits: /^(none|\d{1,6}(,\d{1,6})*)$/,
      },
      trouble: { type: "number", says: "its trouble ends then, milliseconds", least: 0, most: 36_000_000 },
      connectors: { type: "number", says: "so many instead of its own number", least: 1, most: 1_000 },
      integrations: { type: "number", says: "of each connector", least: 1, most: 1_000 },
      trace: { type: "switch", says: "tell all that happens in it" },
    },
  });
  const isGiven = (name: keyof typeof values): boolean =>
    values[name] !== undefined && values[name] !== false;
  const isOne = isGiven("seed");
  const strange = (isOne ? OF_MANY : OF_ONE).find(isGiven);
  if (strange !== undefined)
    refused(
      "sim",
      `--${strange} is for ${isOne ? "many seeds: leave out --seed" : "one seed: name it with --seed"}`,
    );
  if (values.first && isGiven("workers")) refused("sim", "--first runs in one process: leave out --workers");
  return values;
}

async function main(): Promise<number> {
  const options = read();
  const { seed, from = 1, seeds = 1_000, workers = availableParallelism() } = options;
  endInOrder();
  if (seed !== undefined) return (await one(seed, options)) ? 0 : 1;
  if (from + seeds - 1 > MOST_SEED)
    refused("sim", `--from and --seeds go beyond the last seed, ${MOST_SEED}`);
  if (options.first) return (await first({ from, seeds })) ? 0 : 1;
  return (await many({ from, seeds, workers })) ? 0 : 1;
}

if (process.argv[2] === "--worker" && process.send !== undefined) work();
else process.exitCode = await main();
