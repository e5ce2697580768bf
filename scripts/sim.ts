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
import { parseArgs } from "node:util";
import { planOf } from "../test/sim/both-ends/plan.ts";
import { run } from "../test/sim/both-ends/run.ts";
import { explain, partOf } from "../test/sim/both-ends/shrink.ts";
import { add, noRuns, type Tally, written } from "../test/sim/both-ends/tally.ts";

/** Seeds that a worker is given at once. */
const BATCH = 50;
/** Broken seeds that are explained; the others are named. */
const EXPLAINED = 3;
const PROGRESS_MS = 20_000;

interface Batch {
  readonly tally: Tally;
  readonly broken: readonly number[];
}

/** In a worker: runs what it is given, until the parent leaves. */
function work(): void {
  process.on("message", (from: { first: number; last: number }) => {
    void runBatch(from).then((batch) => process.send?.(batch));
  });
}

async function runBatch({ first, last }: { first: number; last: number }): Promise<Batch> {
  const tally = noRuns();
  const broken: number[] = [];
  for (let seed = first; seed <= last && process.connected; seed += 1) {
    const outcome = await run(planOf(seed));
    if (outcome.ok) add(tally, outcome.figures);
    else broken.push(seed);
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
  const broken: number[] = [];
  const started = performance.now();
  const progress = setInterval(() => {
    const minutes = (performance.now() - started) / 60_000;
    console.log(`${tally.seeds + broken.length} of ${seeds} seeds after ${minutes.toFixed(1)} min`);
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
      for (const seed of batch.broken)
        console.log(`seed ${seed} broke a rule: npm run sim -- --seed ${seed}`);
    }
    child.disconnect();
  };
  try {
    await Promise.all(Array.from({ length: workers }, runOne));
  } finally {
    clearInterval(progress);
  }
  return { tally, broken: broken.toSorted((a, b) => a - b) };
}

async function explainSeed(seed: number): Promise<void> {
  const plan = planOf(seed);
  const outcome = await run(plan);
  if (!outcome.ok) console.log(`\n${await explain(plan, outcome.broken)}`);
}

async function many(options: { from: number; seeds: number; workers: number }): Promise<boolean> {
  const started = performance.now();
  const { tally, broken } = await runMany(options);
  for (const seed of broken.slice(0, EXPLAINED)) await explainSeed(seed);
  const minutes = (performance.now() - started) / 60_000;
  console.log(`\n${written(tally).join("\n")}`);
  console.log(
    `wall       ${minutes.toFixed(1)} min with ${options.workers} processes, Node ${process.version}`,
  );
  const last = options.from + options.seeds - 1;
  const names = broken.length === 0 ? "" : `: ${broken.slice(0, 20).join(" ")}`;
  console.log(`seeds ${options.from} to ${last}: ${broken.length} broke a rule${names}`);
  return broken.length === 0;
}

/** Until one breaks, in this process, and without looking for a smaller way to it. */
async function first({ from, seeds }: { from: number; seeds: number }): Promise<boolean> {
  for (let seed = from; seed < from + seeds; seed += 1) {
    const outcome = await run(planOf(seed));
    if (outcome.ok) continue;
    console.log(`seed ${seed} broke ${outcome.broken.rule}: ${outcome.broken.message}`);
    return false;
  }
  console.log(`seeds ${from} to ${from + seeds - 1}: every rule held`);
  return true;
}

async function one(seed: number, options: ReturnType<typeof read>): Promise<boolean> {
  const { only, trouble, connectors, integrations, trace } = options;
  const isReduced = [only, trouble, connectors, integrations].some((value) => value !== undefined);
  const plan = partOf(planOf(seed), {
    only: only === undefined ? undefined : only === "none" ? [] : only.split(",").map(Number),
    troubleMs: whole("trouble", trouble),
    connectors: whole("connectors", connectors),
    integrations: whole("integrations", integrations),
  });
  const onTrace = (at: number, says: string): void =>
    console.log(`${(at / 1000).toFixed(3).padStart(9)} ${says}`);
  const outcome = await run(plan, trace === true ? onTrace : undefined);
  if (outcome.ok) {
    const tally = noRuns();
    add(tally, outcome.figures);
    console.log(
      `seed ${seed} (${plan.name}, ${plan.profile}): every rule held\n${written(tally).join("\n")}`,
    );
  } else if (isReduced || trace === true)
    console.log(`seed ${seed} broke ${outcome.broken.rule}: ${outcome.broken.message}`);
  else console.log(await explain(plan, outcome.broken));
  return outcome.ok;
}

function read() {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    options: {
      seeds: text,
      from: text,
      workers: text,
      seed: text,
      only: text,
      trouble: text,
      connectors: text,
      integrations: text,
      trace: { type: "boolean" },
      first: { type: "boolean" },
    },
  });
  return values;
}

function whole(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  throw new TypeError(`--${name} takes a whole number, not ${value}`);
}

async function main(): Promise<number> {
  try {
    const options = read();
    const seed = whole("seed", options.seed);
    if (seed !== undefined) return (await one(seed, options)) ? 0 : 1;
    const from = whole("from", options.from) ?? 1;
    const seeds = whole("seeds", options.seeds) ?? 1_000;
    if (options.first === true) return (await first({ from, seeds })) ? 0 : 1;
    const workers = whole("workers", options.workers) ?? availableParallelism();
    return (await many({ from, seeds, workers })) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`sim: ${error.message}`);
    return 2;
  }
}

if (process.argv.includes("--worker")) work();
else process.exitCode = await main();
