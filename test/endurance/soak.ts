import process from "node:process";
import { endInOrder } from "../../scripts/ending.ts";
import { drawnSeed, flagsOf, refused, seedFlag } from "../../scripts/flags.ts";
import { isLong, soak } from "./soak-run.ts";

const { values } = flagsOf({
  command: "soak",
  does: "both programs under everything that they do in years; is anything gathered?",
  flags: {
    minutes: { type: "number", says: "how long", least: 0.1, most: 10_000, isFraction: true, default: 45 },
    seed: seedFlag,
  },
});
const { minutes, seed = drawnSeed() } = values;
if (process.platform !== "linux") refused("soak", "memory and descriptors are read from /proc: Linux alone");
endInOrder();
const took = `${minutes} minute${minutes === 1 ? "" : "s"}`;
const since = performance.now();
const seconds = (): number => Math.round((performance.now() - since) / 1_000);
try {
  const { problems, lines } = await soak({ minutes, seed }, (line) =>
    console.log(`${String(seconds()).padStart(5)} s  ${line}`),
  );
  for (const line of lines) console.log(`  ${line}`);
  for (const problem of problems) console.log(`✗ ${problem}`);
  if (problems.length === 0)
    console.log(
      isLong(minutes)
        ? `✓ ${took}: memory and descriptors are flat, nothing was lost`
        : `✓ ${took}: nothing was lost; too short to judge memory and descriptors`,
    );
  process.exitCode = problems.length === 0 ? 0 : 1;
} catch (error) {
  process.exitCode = 1;
  console.log(`✗ the run could not be made: ${error instanceof Error ? error.message : String(error)}`);
}
console.log(`${seconds()} s; again: npm run soak -- --minutes ${minutes} --seed ${seed}`);
process.exit();
