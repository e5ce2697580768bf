import process from "node:process";
import { endInOrder } from "../../scripts/ending.ts";
import { flagsOf, refused } from "../../scripts/flags.ts";
import { isLong, LONG, lossyRun } from "./lossy-run.ts";
import { again, isInside, missing } from "./network.ts";

const { values: wish } = flagsOf({
  command: "loss",
  does: "a fleet beats through a network that loses packets",
  flags: {
    percent: {
      type: "number",
      says: "of the packets are lost",
      least: 0,
      most: 99,
      isFraction: true,
      default: 20,
    },
    connectors: { type: "number", says: "how many", least: 1, most: 400, default: 50 },
    minutes: { type: "number", says: "how long", least: 0.5, most: 10_000, isFraction: true, default: 12 },
  },
});
const { percent, connectors, minutes } = wish;
const command = `npm run loss -- --percent ${percent} --connectors ${connectors} --minutes ${minutes}`;

if (isInside()) {
  endInOrder();
  const since = performance.now();
  const tell = (line: string): void =>
    console.log(`${String(Math.round((performance.now() - since) / 1_000)).padStart(5)} s  ${line}`);
  try {
    const { problems, figures } = await lossyRun(wish, tell);
    for (const [name, figure] of Object.entries(figures)) console.log(`  ${name}: ${figure}`);
    for (const problem of problems) console.log(`✗ ${problem}`);
    if (problems.length === 0)
      console.log(
        isLong(wish)
          ? `✓ ${percent} % loss: no false alarm, nothing lost, nothing told twice, and silence was told`
          : `✓ ${percent} % loss: nothing lost, nothing told twice, and silence was told; too short to judge false alarms: that takes ${LONG.minutes} minutes and ${LONG.connectors} connectors`,
      );
    process.exitCode = problems.length === 0 ? 0 : 1;
  } catch (error) {
    process.exitCode = 1;
    console.log(`✗ the run could not be made: ${error instanceof Error ? error.message : String(error)}`);
  }
  console.log(`${Math.round((performance.now() - since) / 1_000)} s; again: ${command}`);
  process.exit();
}
const why = await missing();
if (why !== undefined) refused("loss", why);
process.exit(await again(import.meta.url));
