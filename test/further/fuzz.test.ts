import { expect, test } from "vitest";
import { fuzzConnector } from "../fuzz/at-connector.ts";
import { command, fuzz } from "../fuzz/run.ts";

const FRAMES = 20_000;
/** New frames at each run; a failure prints the command that throws the same ones. */
const seed = Math.floor(Math.random() * 1_000_000);

test(`${FRAMES} malformed frames at both ends: no crash, no bug in a log, bounded memory, answers in time, nothing dialled or read that the policy forbids`, async () => {
  for (const { what, problems } of await fuzz(FRAMES, seed))
    expect(problems, `${what}: ${command(FRAMES, seed)}`).toEqual([]);
});

test("a policy that is too wide is found out", async () => {
  const { problems } = await fuzzConnector(1_500, 1, { targets: ["127.0.0.1:*"] });
  expect(problems.join("\n")).toMatch(/it dialled 127\.0\.0\.1:\d+, which its policy does not allow/);
});
