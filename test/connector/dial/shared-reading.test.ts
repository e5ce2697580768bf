import { expect, test } from "vitest";
import { sharedReading } from "../../../src/connector/dial/shared-reading.ts";

function reader(): {
  reading: () => Promise<number>;
  advance: (ms: number) => void;
  fail: (fails: boolean) => void;
} {
  let [now, reads, fails] = [0, 0, false];
  const read = async (): Promise<number> => {
    reads += 1;
    if (fails) throw new Error(`reading ${reads}`);
    return reads;
  };
  return {
    reading: sharedReading(read, () => now),
    advance: (ms) => (now += ms),
    fail: (wanted) => (fails = wanted),
  };
}

test("who asks within a second shares a reading; after it, it is read anew", async () => {
  const { reading, advance } = reader();
  expect(await Promise.all([reading(), reading()])).toEqual([1, 1]);
  advance(999);
  expect(await reading()).toBe(1);
  advance(1);
  expect(await reading()).toBe(2);
});

test("a failed reading is told to all who wait for it, and the next one tries again", async () => {
  const { reading, fail } = reader();
  fail(true);
  const both = await Promise.allSettled([reading(), reading()]);
  expect(both.map((one) => (one.status === "rejected" ? String(one.reason) : "read"))).toEqual([
    "Error: reading 1",
    "Error: reading 1",
  ]);
  fail(false);
  expect(await reading()).toBe(2);
});
