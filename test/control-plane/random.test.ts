import { expect, test } from "vitest";
import { systemRandom } from "../../src/control-plane/clock.ts";

test("random bytes are of the length that is asked for, and none are given twice", () => {
  const seen = new Set<string>();
  // More than one pool of 8 KiB, in pieces that do not fit it evenly, and one that is larger than it.
  for (let draw = 0; draw < 2_000; draw += 1) seen.add(Buffer.from(systemRandom.bytes(15)).toString("hex"));
  expect(seen.size).toBe(2_000);
  expect([...seen].every((hex) => hex.length === 30)).toBe(true);
  expect(systemRandom.bytes(10_000).length).toBe(10_000);
});

test("bytes that were given do not change afterwards", () => {
  const first = systemRandom.bytes(16);
  const before = [...first];
  systemRandom.bytes(16);
  expect([...first]).toEqual(before);
});
