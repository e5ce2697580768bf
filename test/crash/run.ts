import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { endInOrder } from "../../scripts/ending.ts";
import { drawnSeed, flagsOf, seedFlag } from "../../scripts/flags.ts";
import { OWN_PLANE } from "../conformance/subjects.ts";
import { filled, Running } from "../conformance/running.ts";
import { seeded } from "../fake/random.ts";
import { eventually, folder, freePort } from "../process/programs.ts";
import { pointsOf } from "./points.ts";
import { expectKept, expectTrue, isConverged } from "./truth.ts";
import { dying, expectWhole, World } from "./world.ts";

/** All histories are compared after so many kills; and at the end. */
const COMPARED_EVERY = 10;

/** What a run came to. */
export interface Crashed {
  readonly kills: number;
  readonly byPoint: ReadonlyMap<string, number>;
  /** Transitions at the end, and answers of the target. */
  readonly told: number;
  readonly answered: number;
}

/** Kills so many times, and throws with what was lost, told twice or did not converge. */
export async function crash(
  kills: number,
  seed: number,
  tell: (line: string) => void = () => {},
): Promise<Crashed> {
  await using world = await World.start();
  const last = { kill: "before the first kill" };
  try {
    return await killed(world, { kills, seed, last }, tell);
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    throw new Error(`${last.kill}: ${says}`, { cause: error });
  }
}

interface Kills {
  readonly kills: number;
  readonly seed: number;
  /** Where the run stands, in words. */
  readonly last: { kill: string };
}

async function killed(
  world: World,
  { kills, seed, last }: Kills,
  tell: (line: string) => void,
): Promise<Crashed> {
  const random = seeded(seed);
  const byPoint = new Map<string, number>();
  await world.heal([]);
  let before = await world.histories();
  for (const [kill, point] of pointsOf(kills, random).entries()) {
    last.kill = `at kill ${kill + 1}, ${point.name}`;
    await point.strike(world.aim, random);
    last.kill = `after kill ${kill + 1}, ${point.name}`;
    await world.heal(point.victims);
    byPoint.set(point.name, (byPoint.get(point.name) ?? 0) + 1);
    if ((kill + 1) % COMPARED_EVERY !== 0) continue;
    const after = await world.histories();
    expectKept(before, after);
    before = after;
    tell(`${kill + 1} kills`);
  }
  const { target, killedAt } = world;
  const counts = { told: 0, answered: 0 };
  for (const name of target.names) {
    const [history, truth] = await eventually(`${name} converges`, async () => {
      const [truth, history] = [target.truthOf(name).slice(), await world.history(name)];
      return isConverged(history, truth) ? ([history, truth] as const) : undefined;
    });
    expectTrue(name, history, truth, killedAt);
    counts.told += history.length;
    counts.answered += truth.length;
  }
  expectKept(before, await world.histories());
  await world.expectWhole();
  return { kills, byPoint, ...counts };
}

/** A first start that dies in the middle of making its schema: the next one makes it. Three kills. */
export async function crashInMigration(): Promise<void> {
  for (const place of ["in migration", "before commit", "after commit"]) {
    await using dir = await folder();
    const dieFile = join(dir.path, "die");
    await writeFile(dieFile, place);
    const listen = `127.0.0.1:${await freePort()}`;
    const places = { listen, url: `http://${listen}`, data: join(dir.path, "data") };
    await using first = new Running(filled(OWN_PLANE, places), dying(dieFile));
    await first.ended;
    await rm(dieFile);
    await using second = new Running(filled(OWN_PLANE, places), dying(dieFile));
    await second.until200(`${places.url}/readyz`);
    await second.stop("SIGKILL");
    expectWhole(places.data);
  }
}

/** What to run to kill at the same points in the same order. */
export function command(kills: number, seed: number): string {
  return `npm run crash -- --kills ${kills} --seed ${seed}`;
}

async function main(): Promise<void> {
  const { values } = flagsOf({
    command: "crash",
    does: "kills both programs again and again, and compares what is told with what happened",
    flags: {
      kills: { type: "number", says: "SIGKILLs", least: 1, most: 1_000_000, default: 50 },
      seed: seedFlag,
    },
  });
  endInOrder();
  const { kills, seed = drawnSeed() } = values;
  const since = performance.now();
  try {
    await crashInMigration();
    const { byPoint, told, answered } = await crash(kills, seed, console.log);
    for (const [name, count] of byPoint) console.log(`${String(count).padStart(5)}  ${name}`);
    console.log(
      `✓ ${kills} kills, and 3 in a migration: ${told} transitions told of ${answered} answers, none lost that was acked, none twice`,
    );
  } catch (error) {
    process.exitCode = 1;
    console.log(`✗ ${error instanceof Error ? error.message : String(error)}`);
  }
  const seconds = Math.round((performance.now() - since) / 1_000);
  const butMoments =
    process.exitCode === 1
      ? " (the same points in the same order; the moments differ, so it need not fail again)"
      : "";
  console.log(`${seconds} s; again: ${command(kills, seed)}${butMoments}`);
  process.exit();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
