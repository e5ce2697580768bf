import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { planOf } from "../sim/both-ends/plan.ts";
import { run } from "../sim/both-ends/run.ts";
import { explain } from "../sim/both-ends/shrink.ts";

/** More of them, in all cores: npm run sim -- --seeds N --from S. */
const SEEDS = 1_000;
const AT_ONCE = 100;

const blocks = Array.from({ length: SEEDS / AT_ONCE }, (_, block) => ({
  first: block * AT_ONCE + 1,
  last: (block + 1) * AT_ONCE,
}));

describe("both ends, a disk that forgets and a network that lies", () => {
  test.each(blocks)("seeds $first to $last break no rule", async ({ first, last }) => {
    let frames = 0;
    for (let seed = first; seed <= last; seed += 1) {
      const plan = planOf(seed);
      const outcome = await run(plan);
      if (!outcome.ok) throw new Error(await explain(plan, outcome.broken));
      frames += outcome.figures.frames;
    }
    expect(frames).toBeGreaterThan(AT_ONCE * 50);
  });

  test("a seed is the same run, event for event, every time", async () => {
    const traced = async (): Promise<string[]> => {
      const lines: string[] = [];
      await run(planOf(7), (at, says) => lines.push(`${at} ${says}`));
      return lines;
    };
    const once = await traced();
    expect(once.length).toBeGreaterThan(100);
    expect(await traced()).toEqual(once);
  });

  test("nothing of a run stays in memory after it, however its processes died", async () => {
    const traces: WeakRef<() => void>[] = [];
    for (let seed = 1; seed <= AT_ONCE; seed += 1) traces.push(await runOnce(seed));
    await collected();
    expect(traces.flatMap((trace, index) => (trace.deref() === undefined ? [] : index + 1))).toEqual([]);
  });
});

/** Whatever keeps a run keeps who is told of it, which is what this gives. */
async function runOnce(seed: number): Promise<WeakRef<() => void>> {
  const told = (): void => {};
  await run(planOf(seed), told);
  await setImmediate();
  return new WeakRef(told);
}

async function collected(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  for (let turn = 0; turn < 4; turn += 1) {
    await setImmediate();
    gc();
  }
}
