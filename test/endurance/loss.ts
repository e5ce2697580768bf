import process from "node:process";
import { parseArgs } from "node:util";
import { lossyRun } from "./lossy-run.ts";
import { again, isInside, missing } from "./network.ts";

const options = {
  percent: { type: "string", default: "20" },
  connectors: { type: "string", default: "50" },
  minutes: { type: "string", default: "12" },
} as const;
const { values } = parseArgs({ options });
const wish = {
  percent: Number(values.percent),
  connectors: Number(values.connectors),
  minutes: Number(values.minutes),
};
const { percent, connectors, minutes } = wish;
const command = `npm run loss -- --percent ${percent} --connectors ${connectors} --minutes ${minutes}`;

/** Why it cannot be run so, in one line. */
async function refusal(): Promise<string | undefined> {
  if (!(percent >= 0 && percent < 100)) return "--percent is 0 to 99";
  if (!(Number.isInteger(connectors) && connectors > 0 && connectors <= 400))
    return "--connectors is 1 to 400";
  if (!(minutes > 0)) return "--minutes is more than 0";
  return missing();
}

if (isInside()) {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)
    process.on(signal, () => process.exit(code));
  const since = performance.now();
  const tell = (line: string): void =>
    console.log(`${String(Math.round((performance.now() - since) / 1_000)).padStart(5)} s  ${line}`);
  try {
    const { problems, figures } = await lossyRun(wish, tell);
    for (const [name, figure] of Object.entries(figures)) console.log(`  ${name}: ${figure}`);
    for (const problem of problems) console.log(`✗ ${problem}`);
    if (problems.length === 0)
      console.log(
        `✓ ${percent} % loss: no false alarm, nothing lost, nothing told twice, and silence was told`,
      );
    process.exitCode = problems.length === 0 ? 0 : 1;
  } catch (error) {
    process.exitCode = 1;
    console.log(`✗ the run could not be made: ${error instanceof Error ? error.message : String(error)}`);
  }
  console.log(`${Math.round((performance.now() - since) / 1_000)} s; again: ${command}`);
  process.exit();
}
const why = await refusal();
if (why !== undefined) {
  console.error(`npm run loss: ${why}`);
  process.exit(2);
}
process.exit(await again(import.meta.url));
