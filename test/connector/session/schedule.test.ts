import { expect, test } from "vitest";
import { seeded } from "../../fake/random.ts";
import { Schedule, type Scheduled } from "../../../src/connector/schedule.ts";
import { FakeClock, settle } from "../../fake/clock.ts";

interface Look {
  readonly name: string;
  readonly at: number;
}

function item(name: string, more: Partial<Scheduled> = {}): Scheduled {
  return { name, intervalMs: 60_000, suspend: false, digest: "1", ...more };
}

interface Bench {
  readonly clock: FakeClock;
  readonly looks: Look[];
  readonly schedule: Schedule<Scheduled>;
  well: boolean;
  lookMs: number;
  most: number;
}

function bench(random: () => number = () => 0.5, cap?: number): Bench {
  const clock = new FakeClock();
  const looks: Look[] = [];
  const running = new Map<string, number>();
  const made: Omit<Bench, "schedule"> = { clock, looks, well: true, lookMs: 0, most: 0 };
  const schedule = new Schedule<Scheduled>({
    clock,
    random,
    ...(cap === undefined ? {} : { cap }),
    look: async ({ name }, signal) => {
      looks.push({ name, at: clock.tick() });
      running.set(name, (running.get(name) ?? 0) + 1);
      expect(running.get(name)).toBe(1);
      made.most = Math.max(
        made.most,
        [...running.values()].reduce((sum, each) => sum + each, 0),
      );
      const well = made.well;
      if (made.lookMs > 0) await clock.sleep(made.lookMs, signal);
      running.set(name, 0);
      return well;
    },
  });
  return Object.assign(made, { schedule });
}

test("looks every interval, give or take a tenth", async () => {
  const b = bench(seeded(1));
  b.schedule.replace([item("a")]);
  await b.clock.advance(60 * 60_000);
  const gaps = b.looks.slice(1).map(({ at }, index) => at - (b.looks[index]?.at ?? 0));
  expect(gaps.length).toBeGreaterThan(50);
  for (const gap of gaps) {
    expect(gap).toBeGreaterThanOrEqual(54_000);
    expect(gap).toBeLessThanOrEqual(66_000);
  }
  expect(new Set(gaps).size).toBeGreaterThan(40);
  await b.schedule.close();
});

test("after a failure: 5 s, 10 s, 20 s, 40 s, then the interval; one success and it is the interval again", async () => {
  const b = bench();
  b.well = false;
  b.schedule.replace([item("a")]);
  await b.clock.advance(200_000);
  const gaps = b.looks.slice(1).map(({ at }, index) => Math.round(at - (b.looks[index]?.at ?? 0)));
  // The first look came between two slots, and the next ones begin on one.
  expect(gaps).toEqual([5_075, 10_000, 20_000, 40_000, 60_000, 60_000]);
  b.well = true;
  const before = b.looks.length;
  await b.clock.advance(121_000);
  expect(b.looks.length - before).toBe(2);
  await b.schedule.close();
});

test("after the first, looks are due together, every 100 ms: who wakes up once spares the next wake", async () => {
  const b = bench(seeded(3));
  b.schedule.replace(Array.from({ length: 50 }, (_, index) => item(`i${index}`, { intervalMs: 5_000 })));
  await b.clock.advance(30_000);
  const later = b.looks.slice(50);
  expect(later.length).toBeGreaterThan(200);
  expect(later.filter(({ at }) => at % 100 !== 0)).toEqual([]);
  await b.schedule.close();
});

test("the first looks are spread, all of them soon", async () => {
  const b = bench(seeded(7));
  b.schedule.replace(Array.from({ length: 100 }, (_, index) => item(`i${index}`)));
  await b.clock.advance(5_000);
  expect(b.looks.length).toBe(100);
  const firstSecond = b.looks.filter(({ at }) => at < 1_000).length;
  expect(firstSecond).toBeGreaterThan(5);
  expect(firstSecond).toBeLessThan(40);
  await b.schedule.close();
});

test("no more than the cap at once, and nobody starves", async () => {
  const b = bench(seeded(3), 4);
  b.lookMs = 1_000;
  b.schedule.replace(Array.from({ length: 40 }, (_, index) => item(`i${index}`)));
  await b.clock.advance(12_000);
  expect(b.most).toBe(4);
  expect(new Set(b.looks.map(({ name }) => name)).size).toBe(40);
  await b.schedule.close();
});

test("never twice at once: who asks waits for the look that runs, and the next one is planned anew", async () => {
  const b = bench();
  b.lookMs = 3_000;
  b.schedule.replace([item("a")]);
  await b.clock.advance(1_000);
  const asked: number[] = [];
  const done = b.schedule.ask("a", async () => {
    asked.push(b.clock.tick());
    b.schedule.note("a", false);
    return "report";
  });
  await settle();
  expect(asked).toEqual([]);
  await b.clock.advance(3_000);
  expect(await done).toBe("report");
  expect(asked.length).toBe(1);
  await b.clock.advance(5_100);
  expect(b.looks.length).toBe(2);
  expect(await b.schedule.ask("b", () => Promise.resolve(1))).toBeUndefined();
  await b.schedule.close();
});

test("a suspended item is looked at once, until it changes", async () => {
  const b = bench();
  b.schedule.replace([item("a", { suspend: true })]);
  await b.clock.advance(10 * 60_000);
  expect(b.looks.length).toBe(1);
  expect(b.schedule.nextIn("a")).toBeUndefined();
  b.schedule.replace([item("a", { digest: "2" })]);
  await b.clock.advance(1_000);
  expect(b.looks.length).toBe(2);
  await b.schedule.close();
});

test("a reload keeps the time of what did not change, begins anew what did, and drops what is gone", async () => {
  const b = bench();
  b.schedule.replace([item("a"), item("b"), item("c")]);
  await b.clock.advance(30_000);
  expect(b.looks.length).toBe(3);
  b.schedule.replace([item("a"), item("b", { digest: "2" })]);
  await b.clock.advance(1_000);
  expect(b.looks.slice(3).map(({ name }) => name)).toEqual(["b"]);
  await b.clock.advance(60_000);
  expect(
    b.looks
      .slice(3)
      .map(({ name }) => name)
      .filter((name) => name === "c"),
  ).toEqual([]);
  expect(b.schedule.nextIn("c")).toBeUndefined();
  await b.schedule.close();
  expect(b.clock.sleeping).toBe(0);
});

test("a thousand reloads leave no timer behind", async () => {
  const b = bench();
  for (let round = 0; round < 1_000; round += 1) {
    b.schedule.replace([item("a", { digest: String(round) })]);
    if (round % 100 === 0) await settle();
  }
  await settle();
  expect(b.clock.sleeping).toBe(1);
  await b.schedule.close();
  expect(b.clock.sleeping).toBe(0);
});
