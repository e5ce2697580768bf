import { describe, expect, test } from "vitest";
import { Liveness } from "../../src/control-plane/liveness.ts";
import { FAST, healingMargin, type Profile, scaled, STANDARD, TIMINGS } from "../../src/protocol/limits.ts";

const SWEEP_MS = 250;

class Stage {
  now = 1_000;
  readonly liveness: Liveness;
  readonly told: string[] = [];

  constructor(profile: Profile = STANDARD) {
    this.liveness = new Liveness({ profile, timings: TIMINGS, sweepMs: SWEEP_MS }, () => this.now);
  }

  /** Lets time pass, swept as it is in earnest. */
  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now = Math.min(end, this.now + SWEEP_MS);
      for (const { id, to } of this.liveness.sweep()) this.told.push(`${id} ${to}`);
    }
  }
}

describe.each([
  ["standard", STANDARD, 30, 44, 46],
  ["fast", FAST, 11, 15, 17],
] as const)("%s", (_name, profile, stale, before, after) => {
  test("silence: stale, then unreachable within a second of the deadline and not before", () => {
    const stage = new Stage(profile);
    stage.liveness.ready("a");
    stage.pass(stale * 1000 - 1000);
    expect(stage.liveness.state("a")).toBe("connected");
    stage.pass(2000);
    expect(stage.liveness.state("a")).toBe("stale");
    stage.pass((before - stale - 1) * 1000);
    expect(stage.liveness.state("a")).toBe("stale");
    stage.pass((after - before) * 1000);
    expect(stage.told).toEqual(["a stale", "a unreachable"]);
  });

  test("a half-open socket heals before it becomes an alarm", () => {
    expect(healingMargin(profile)).toBeGreaterThanOrEqual(0);
    expect(healingMargin(scaled(profile, 0.01))).toBeGreaterThan(-1e-6);
  });
});

test("any frame starts the silence anew, and ends staleness", () => {
  const stage = new Stage();
  stage.liveness.ready("a");
  stage.pass(40_000);
  expect(stage.liveness.seen("a")).toMatchObject({ from: "stale", to: "connected" });
  stage.pass(44_000);
  expect(stage.liveness.state("a")).toBe("stale");
});

test("a socket that is seen to end is disconnected at once, and unreachable at the same deadline", () => {
  const stage = new Stage();
  stage.liveness.ready("a");
  stage.pass(10_000);
  expect(stage.liveness.ended("a")).toMatchObject({ to: "disconnected" });
  stage.pass(34_000);
  expect(stage.liveness.state("a")).toBe("disconnected");
  stage.pass(2_000);
  expect(stage.liveness.state("a")).toBe("unreachable");
});

test.each([
  ["restart", 20_000, 20_000],
  ["restart", 600_000, 120_000],
  ["leader-lost", null, 120_000],
] as const)("bye %s in %s ms: unreachable after %s ms", (reason, expected, deadline) => {
  const stage = new Stage();
  stage.liveness.ready("a");
  expect(stage.liveness.bye("a", reason, expected)).toMatchObject({ to: "restarting" });
  stage.pass(deadline - 1_000);
  expect(stage.liveness.state("a")).toBe("restarting");
  stage.pass(1_500);
  expect(stage.liveness.state("a")).toBe("unreachable");
});

test("bye shutdown is offline, and no alarm", () => {
  const stage = new Stage();
  stage.liveness.ready("a");
  stage.liveness.bye("a", "shutdown", null);
  stage.pass(500_000);
  expect(stage.told).toEqual([]);
  expect(stage.liveness.state("a")).toBe("offline");
});

test("the grace after a start is for those that were connected, and ends at their ready", () => {
  const stage = new Stage();
  for (const [id, state] of [
    ["was-connected", "connected"],
    ["returns", "stale"],
    ["was-unreachable", "unreachable"],
    ["never", "never_connected"],
    ["was-offline", "offline"],
  ] as const)
    stage.liveness.restore(id, state);
  stage.pass(60_000);
  stage.liveness.ready("returns");
  stage.pass(46_000);
  expect(stage.told).toEqual(["returns stale", "returns unreachable"]);
  stage.pass(13_000);
  expect(stage.liveness.state("was-connected")).toBe("disconnected");
  stage.pass(2_000);
  expect(stage.told.at(-1)).toBe("was-connected unreachable");
  expect(["was-unreachable", "never", "was-offline"].map((id) => stage.liveness.state(id))).toEqual([
    "unreachable",
    "never_connected",
    "offline",
  ]);
});

test("when most fall silent at once the verdicts are held, once, and told", () => {
  const stage = new Stage();
  for (let index = 0; index < 30; index += 1) stage.liveness.ready(`c${index}`);
  const beat = (from: number): void => {
    for (let index = from; index < 30; index += 1) stage.liveness.seen(`c${index}`);
  };
  for (let second = 0; second < 140; second += 10) {
    beat(18);
    stage.pass(10_000);
  }
  expect(stage.told.filter((told) => told.endsWith("unreachable"))).toEqual([]);
  expect(stage.liveness.guard.held).toBe(18);
  for (let second = 0; second < 30; second += 10) {
    beat(18);
    stage.pass(10_000);
  }
  expect(stage.told.filter((told) => told.endsWith("unreachable"))).toHaveLength(18);
  expect(stage.liveness.guard.degraded).toBe(false);
});

test("a hold lasts while the fleet comes back, and ends with the last of them", () => {
  const stage = new Stage();
  const beat = (names: readonly string[]): void => {
    for (const name of names) stage.liveness.seen(name);
  };
  const all = Array.from({ length: 30 }, (_, index) => `c${index}`);
  for (const name of all) stage.liveness.ready(name);
  stage.pass(60_000);
  expect(stage.liveness.guard.held).toBe(30);
  // Half of them are back: the other half is on its way.
  for (let second = 0; second < 40; second += 10) {
    beat(all.slice(15));
    stage.pass(10_000);
  }
  expect(stage.told.filter((told) => told.endsWith("unreachable"))).toEqual([]);
  for (let second = 0; second < 20; second += 10) {
    beat(all);
    stage.pass(10_000);
  }
  expect(stage.liveness.guard.degraded).toBe(false);
  // The hold is over: one that falls silent now is told in time.
  for (let second = 0; second < 50; second += 10) {
    beat(all.slice(1));
    stage.pass(10_000);
  }
  expect(stage.told.filter((told) => told.endsWith("unreachable"))).toEqual(["c0 unreachable"]);
});

test("few connectors, or fewer than most, are not held", () => {
  const stage = new Stage();
  for (let index = 0; index < 19; index += 1) stage.liveness.ready(`c${index}`);
  stage.pass(46_000);
  expect(stage.told.filter((told) => told.endsWith("unreachable"))).toHaveLength(19);
});

test("time in which the control plane itself stood still is nobody's silence", () => {
  const stage = new Stage();
  stage.liveness.ready("a");
  stage.pass(10_000);
  stage.now += 60_000;
  stage.pass(1_000);
  expect(stage.liveness.state("a")).toBe("connected");
  stage.pass(33_000);
  expect(stage.liveness.state("a")).toBe("stale");
  stage.pass(2_000);
  expect(stage.liveness.state("a")).toBe("unreachable");
});

test("who was heard before the first sweep after that is silent from then on", () => {
  const stage = new Stage();
  stage.liveness.ready("a");
  stage.pass(10_000);
  stage.now += 30_000;
  stage.liveness.seen("a");
  stage.pass(44_500);
  expect(stage.liveness.state("a")).toBe("stale");
  stage.pass(1_000);
  expect(stage.liveness.state("a")).toBe("unreachable");
});
