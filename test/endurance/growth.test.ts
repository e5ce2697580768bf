import { describe, expect, test } from "vitest";
import { seeded } from "../fake/random.ts";
import { type Bound, floors, growthOf, notFlat, type Point } from "./growth.ts";

/** As the soak has them: a reading each 10 s for 35 minutes. */
const EVERY_S = 10;
const READINGS = 210;
const WINDOW_S = 120;
const BOUND: Bound = { perHour: 2, widestBand: 12 };

/** Memory in MB as garbage collection makes it: it rises by `tooth`, falls at random moments, and `leak` an hour stays. */
function memory(leak: number, tooth: number, seed: number): readonly Point[] {
  const random = seeded(seed);
  let garbage = 0;
  return Array.from({ length: READINGS }, (_, index) => {
    garbage = random() < 0.3 ? 0 : garbage + random() * tooth;
    const at = index * EVERY_S;
    return { at, value: 70 + (leak * at) / 3_600 + garbage + random() * 0.5 };
  });
}

function judged(points: readonly Point[]): string | undefined {
  return notFlat(growthOf(floors(points, WINDOW_S)), BOUND);
}

const SEEDS = Array.from({ length: 50 }, (_, index) => index + 1);

describe("growth", () => {
  test("a line is found exactly, with no band where nothing else is in it", () => {
    const line = Array.from({ length: 20 }, (_, index) => ({ at: index * 60, value: 5 + index }));
    const { perHour, least, most } = growthOf(line);
    expect(perHour).toBeCloseTo(60);
    expect(most - least).toBeCloseTo(0);
  });

  test("memory that only breathes is flat", () => {
    for (const seed of SEEDS) expect(judged(memory(0, 3, seed)), `seed ${seed}`).toBeUndefined();
  });

  test("memory that leaks 6 MB an hour under the same breath is found", () => {
    for (const seed of SEEDS) expect(judged(memory(6, 3, seed)), `seed ${seed}`).toMatch(/^it grows/);
  });

  test("a walk at random is not taken for a leak of its own length with certainty", () => {
    const grows = SEEDS.filter((seed) => {
      const random = seeded(seed);
      let value = 70;
      const walk = Array.from({ length: READINGS }, (_, index) => {
        value += (random() - 0.5) * 0.2;
        return { at: index * EVERY_S, value };
      });
      return judged(walk)?.startsWith("it grows") === true;
    });
    expect(grows.length).toBeLessThanOrEqual(SEEDS.length * 0.1);
  });

  test("memory that jumps too far to be judged is not called flat", () => {
    const random = seeded(1);
    const wild = Array.from({ length: READINGS }, (_, index) => ({
      at: index * EVERY_S,
      value: 70 + (Math.floor(index / 40) % 2) * 40 + random(),
    }));
    expect(judged(wild)).toMatch(/^it moves so much/);
  });

  test("one descriptor every five minutes is found among readers that come and go", () => {
    const bound: Bound = { perHour: 1, widestBand: 8 };
    for (const seed of SEEDS) {
      const random = seeded(seed);
      const descriptors = (leak: number): readonly Point[] =>
        Array.from({ length: READINGS }, (_, index) => ({
          at: index * EVERY_S,
          value: 30 + Math.floor(random() * 6) + Math.floor((index * EVERY_S * leak) / 3_600),
        }));
      expect(notFlat(growthOf(floors(descriptors(12), WINDOW_S)), bound), `seed ${seed}`).toMatch(
        /^it grows/,
      );
      expect(notFlat(growthOf(floors(descriptors(0), WINDOW_S)), bound), `seed ${seed}`).toBeUndefined();
    }
  });

  test("too few readings are refused", () => {
    expect(() => growthOf([{ at: 0, value: 1 }])).toThrow(RangeError);
  });
});
