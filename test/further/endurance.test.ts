// Short forms of the two long runs: they show that the runs themselves work, and find what is badly wrong.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { missing } from "../endurance/network.ts";

/** Gives what the command printed where it ended with 1 or above, and its last judgement where all was well. */
async function judgementOf(file: string, ...args: readonly string[]): Promise<string> {
  const path = fileURLToPath(new URL(`../endurance/${file}`, import.meta.url));
  const printed = await promisify(execFile)(process.execPath, [path, ...args]).then(
    ({ stdout }) => stdout,
    (error: { stdout: string; stderr: string }) => `✗ ${error.stdout}${error.stderr}`,
  );
  return printed.startsWith("✗") ? printed : (/^✓.*$/m.exec(printed)?.[0] ?? printed);
}

const without = await missing();

test("a minute of 20 % loss: nothing lost or told twice, silence told", async ({ skip }) => {
  skip(without !== undefined, without);
  const judgement = await judgementOf("loss.ts", "--connectors", "4", "--minutes", "1");
  expect(judgement).toMatch(
    /^✓ 20 % loss: nothing lost, nothing told twice, and silence was told; too short to judge false alarms: /,
  );
});

test("half a minute of everything that wears a program out: no error, nothing lost", async ({ skip }) => {
  skip(process.platform !== "linux", "memory and descriptors are read from /proc");
  expect(await judgementOf("soak.ts", "--minutes", "0.5")).toMatch(/^✓ 0\.5 minutes: /);
});
