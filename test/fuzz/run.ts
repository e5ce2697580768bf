import process from "node:process";
import { fileURLToPath } from "node:url";
import { endInOrder } from "../../scripts/ending.ts";
import { drawnSeed, flagsOf, seedFlag } from "../../scripts/flags.ts";
import { fuzzConnector } from "./at-connector.ts";
import { fuzzControlPlane } from "./at-control-plane.ts";

/** What came of throwing frames at one end. */
export interface Fuzzed {
  readonly what: string;
  readonly frames: number;
  readonly sessions: number;
  /** Rules that were broken; none where all is well. */
  readonly problems: readonly string[];
  readonly figures: string;
}

/** Told how many frames one end has got so far. */
export type Tell = (what: string, frames: number) => void;

/** Half of the frames at each end. The same seed makes the same frames of the n-th session. */
export async function fuzz(frames: number, seed: number, tell?: Tell): Promise<readonly Fuzzed[]> {
  const half = Math.ceil(frames / 2);
  return Promise.all([
    fuzzControlPlane(half, seed, tell),
    fuzzConnector(half, seed, tell === undefined ? {} : { tell }),
  ]);
}

/** What to run to see it again. */
export function command(frames: number, seed: number): string {
  return `npm run fuzz -- --frames ${frames} --seed ${seed}`;
}

/** Says each 10,000 frames of an end. */
function told(): Tell {
  const last = new Map<string, number>();
  return (what, frames) => {
    if (frames < (last.get(what) ?? 0) + 10_000) return;
    last.set(what, frames);
    console.log(`  ${what}: ${frames}`);
  };
}

async function main(): Promise<void> {
  const { values } = flagsOf({
    command: "fuzz",
    does: "throws frames that nobody should send at both ends",
    flags: {
      frames: {
        type: "number",
        says: "frames, half of them at each end",
        least: 2,
        most: 1e9,
        default: 20_000,
      },
      seed: seedFlag,
    },
  });
  endInOrder();
  const { frames, seed = drawnSeed() } = values;
  const since = performance.now();
  let broken = 0;
  for (const { what, problems, figures, ...counts } of await fuzz(frames, seed, told())) {
    console.log(
      `${problems.length === 0 ? "✓" : "✗"} ${what}: ${counts.frames} frames in ${counts.sessions} sessions; ${figures}`,
    );
    for (const problem of problems) console.log(`    ${problem}`);
    broken += problems.length;
  }
  console.log(`${Math.round((performance.now() - since) / 1_000)} s; again: ${command(frames, seed)}`);
  process.exit(broken === 0 ? 0 : 1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
