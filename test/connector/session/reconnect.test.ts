import { describe, expect, test } from "vitest";
import { seeded } from "../../fake/random.ts";
import { type Ended, Reconnect } from "../../../src/connector/reconnect.ts";
import { TIMINGS } from "../../../src/protocol/limits.ts";

const moment = { tick: 0, spreadMs: 15_000 };
const failed: Ended = { kind: "failed" };
const closed = (code: number, readyMs = 0): Ended => ({ kind: "closed", code, readyMs });

/** The largest distance between the samples' distribution and the uniform one on [0, most] (Kolmogorov, Smirnov). */
function distance(samples: readonly number[], most: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return Math.max(...sorted.map((value, index) => Math.abs((index + 1) / sorted.length - value / most)));
}

describe("1,000 delays of each step", () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 9])(
    "step %i is uniform up to its cap, and never below the floor",
    (step) => {
      const random = seeded(step + 1);
      const most = Math.min(60_000, 1_000 * 2 ** step);
      const delays = Array.from({ length: 1_000 }, () => {
        const reconnect = new Reconnect(TIMINGS, random);
        for (let before = 0; before < step; before += 1) reconnect.after(failed, moment);
        return reconnect.after(failed, moment);
      });
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(250);
      expect(Math.max(...delays)).toBeLessThanOrEqual(most);
      const above = delays.filter((delay) => delay > 250);
      expect(
        distance(
          above.map((delay) => delay - 250),
          most - 250,
        ),
      ).toBeLessThan(
        // The 1 % point of the test.
        1.63 / Math.sqrt(above.length),
      );
    },
  );
});

test("only a session that lasted a minute begins the backoff anew, with the spread that was set", () => {
  const reconnect = new Reconnect(TIMINGS, () => 0.999_999);
  const delays = [1, 2, 3, 4, 5, 6, 7].map(() => Math.round(reconnect.after(failed, moment) / 1000));
  expect(delays).toEqual([1, 2, 4, 8, 16, 32, 60]);
  expect(Math.round(reconnect.after(closed(1006, 59_000), moment))).toBe(60_000);
  expect(Math.round(reconnect.after(closed(1006, 60_000), moment))).toBe(15_000);
  expect(Math.round(reconnect.after(failed, moment))).toBe(1_000);
});

test.each([
  [4400, 0, 1_000],
  [4401, 0, 1_000],
  [4408, 0, 1_000],
  [4409, 30_000, 60_000],
  [4413, 30_000, 60_000],
  [4429, 30_000, 60_000],
  [1013, 30_000, 60_000],
  [1012, 250, 15_000],
  [1001, 250, 15_000],
  [4410, 250, 250],
  [4430, 250, 250],
  [4500, 2_880_000, 4_320_000],
  [4503, 2_880_000, 4_320_000],
  [4504, 2_880_000, 4_320_000],
  [4507, 2_880_000, 4_320_000],
  [4999, 2_880_000, 4_320_000],
  [4444, 0, 1_000],
  [1006, 0, 1_000],
])("close %i is followed after %i to %i ms", (code, least, most) => {
  const random = seeded(code);
  for (let round = 0; round < 200; round += 1) {
    const delay = new Reconnect(TIMINGS, random).after(closed(code), moment);
    expect(delay).toBeGreaterThanOrEqual(least);
    expect(delay).toBeLessThanOrEqual(most);
  }
});

test("what is to be followed at once is not for ever: the third within a minute backs off", () => {
  const reconnect = new Reconnect(TIMINGS, () => 0.999_999);
  const at = (tick: number): number => Math.round(reconnect.after(closed(4410), { tick, spreadMs: 0 }));
  expect([at(0), at(1), at(2), at(3), at(70_000)]).toEqual([250, 250, 1_000, 2_000, 250]);
});

test("a broken end is met with the longest backoff the third time", () => {
  const reconnect = new Reconnect(TIMINGS, () => 0.999_999);
  const delays = [1009, 1009, 1009, 1006].map((code) => Math.round(reconnect.after(closed(code), moment)));
  expect(delays).toEqual([1_000, 2_000, 60_000, 4_000]);
});

test("Retry-After is kept, and jittered later alone", () => {
  const random = seeded(5);
  const delays = Array.from({ length: 500 }, () =>
    new Reconnect(TIMINGS, random).after({ kind: "refused", after: "backoff", retryAfterMs: 20_000 }, moment),
  );
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(20_000);
  expect(Math.max(...delays)).toBeLessThanOrEqual(24_000);
  expect(new Set(delays).size).toBeGreaterThan(400);
});

test("what goaway says is kept inside two minutes; a clock that was set right is tried once at once", () => {
  const reconnect = new Reconnect(TIMINGS, () => 0.5);
  const told = (reconnectAfterMs: number): number =>
    reconnect.after({ kind: "closed", code: 1001, readyMs: 99_000, reconnectAfterMs }, moment);
  expect(told(3_000)).toBe(3_000);
  expect(told(9e9)).toBe(120_000);
  expect(told(1e15)).toBe(120_000);
  const once: Ended = { kind: "refused", after: "once" };
  const other = new Reconnect(TIMINGS, () => 0.999_999);
  expect(other.after(once, moment)).toBe(250);
  expect(Math.round(other.after(once, moment))).toBe(1_000);
});

test("the third gap within a minute asks for a new stream", () => {
  const reconnect = new Reconnect(TIMINGS, () => 0.5);
  const gaps = [0, 10_000, 20_000, 30_000].map((tick) => reconnect.needsNewStream(4410, tick));
  expect(gaps).toEqual([false, false, true, false]);
  expect(reconnect.needsNewStream(1006, 40_000)).toBe(false);
});
