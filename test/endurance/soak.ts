import process from "node:process";
import { parseArgs } from "node:util";
import { isLong, soak } from "./soak-run.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "45" }, seed: { type: "string" } },
});
const [minutes, seed] = [Number(values.minutes), Number(values.seed ?? Date.now() % 1_000_000)];
if (process.platform !== "linux" || !(minutes > 0)) {
  const why =
    minutes > 0 ? "memory and descriptors are read from /proc: Linux alone" : "--minutes is more than 0";
  console.error(`npm run soak: ${why}`);
  process.exit(2);
}
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)
  process.on(signal, () => process.exit(code));
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
        ? `✓ ${minutes} minutes: memory and descriptors are flat, nothing was lost`
        : `✓ ${minutes} minutes: nothing was lost; too short to judge memory and descriptors`,
    );
  process.exitCode = problems.length === 0 ? 0 : 1;
} catch (error) {
  process.exitCode = 1;
  console.log(`✗ the run could not be made: ${error instanceof Error ? error.message : String(error)}`);
}
console.log(`${seconds()} s; again: npm run soak -- --minutes ${minutes} --seed ${seed}`);
process.exit();
