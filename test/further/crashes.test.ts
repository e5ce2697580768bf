import { expect, test } from "vitest";
import { command, crash, crashInMigration } from "../crash/run.ts";

const KILLS = 50;
/** Other moments at each run; a failure prints the command that kills at the same points in the same order. */
const seed = Math.floor(Math.random() * 1_000_000);

test(
  `${KILLS} times kill -9, at random and at named points: nothing acked is lost, nothing told twice, states converge`,
  { timeout: 600_000 },
  async () => {
    const { told } = await crash(KILLS, seed).catch((error: unknown) => {
      throw new Error(`${String(error)}\nagain: ${command(KILLS, seed)}`, { cause: error });
    });
    expect(told).toBeGreaterThan(KILLS);
  },
);

test("kill -9 in the middle of a migration: the next start makes it", crashInMigration);
