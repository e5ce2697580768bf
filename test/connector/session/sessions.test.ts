import { expect, test } from "vitest";
import { Outbox } from "../../../src/connector/outbox.ts";
import { Refusal } from "../../../src/connector/refusal.ts";
import { type Dial, type LinkState, Sessions } from "../../../src/connector/sessions.ts";
import { TIMINGS } from "../../../src/protocol/limits.ts";
import { FakeClock, settle } from "../../fake/clock.ts";
import { written } from "../../fake/control-plane.ts";
import { seeded } from "../../fake/random.ts";

interface Bench {
  readonly clock: FakeClock;
  readonly sessions: Sessions;
  readonly states: LinkState[];
  /** When each attempt was made. */
  readonly attempts: number[];
  readonly offsets: number[];
  readonly sent: string[];
}

function bench(
  dial: Dial,
  credential?: (offsetMs: number) => Promise<never> | undefined,
  enrolsAgain = false,
): Bench {
  const clock = new FakeClock();
  const states: LinkState[] = [];
  const attempts: number[] = [];
  const offsets: number[] = [];
  let ids = 0;
  let refused = 0;
  const newId = (): string => `id-${(ids += 1)}`;
  const none = { generation: 0, digest: "" };
  const sessions = new Sessions({
    clock,
    random: seeded(1),
    newId,
    factor: 1,
    timings: TIMINGS,
    outbox: new Outbox({
      newId,
      time: () => "2026-01-01T00:00:00Z",
      truth: () => ({ items: [], digest: "d" }),
    }),
    hello: () => ({
      version: "1",
      capabilities: [],
      instance: { id: "i", podUid: null, podName: null, leaseUid: null, leaseTransitions: null },
      install: null,
      stateDigest: null,
      config: none,
    }),
    vitals: () => ({
      lagMs: 0,
      config: none,
      checks: { online: 0, warning: 0, error: 0, unknown: 0 },
      configInvalid: null,
      samples: [],
    }),
    onCommand: () => {},
    onCancel: () => {},
    dial,
    credential: async (offsetMs) => {
      attempts.push(clock.tick());
      offsets.push(offsetMs);
      await credential?.(offsetMs);
      return { connectorId: "c-1", token: "t" };
    },
    hasNewToken: () => Promise.resolve(refused > 0 && enrolsAgain),
    onKeyRefused: () => (refused += 1),
    onState: (state) => states.push(state),
    onNotice: () => {},
    onEnd: () => {},
  });
  return { clock, sessions, states, attempts, offsets, sent: [] };
}

const welcome = (): string =>
  written("session.welcome", {
    connector: { id: "c-1", name: "prod-eu" },
    capabilities: [],
    nonce: "n",
    resume: { mode: "resume", last: 0 },
    heartbeat: { intervalMs: 15_000, answerMs: 10_000, unreachableMs: 45_000 },
    reconnect: { initialSpreadMs: 0, capMs: 60_000 },
    limits: {
      frameBytes: 262_144,
      eventBytes: 65_536,
      windowEvents: 256,
      windowBytes: 1_048_576,
      eventsPerSecond: 50,
      eventsBurst: 500,
      snapshotPageItems: 200,
      snapshotItems: 5_000,
      commandsInFlight: 16,
    },
    maxAgeMs: 1_800_000,
    serverTime: "2026-01-01T00:00:00Z",
    receivedTime: "2026-01-01T00:00:00Z",
    config: { generation: 0, digest: "" },
  });

/** A control plane that welcomes, confirms, and ends the session after a while. */
function welcoming(clock: () => FakeClock, lifeMs: number, code = 1006): Dial {
  return (_, events) => {
    events.open({
      send: (text) => {
        if (text.includes("session.hello")) queueMicrotask(() => events.frame(welcome()));
        if (text.includes("session.ready"))
          queueMicrotask(() => events.frame(written("session.ack", { epoch: 1, applied: 0 })));
        if (text.includes("session.bye")) queueMicrotask(() => events.closed(1000));
      },
      close: () => {},
      terminate: () => {},
      buffered: 0,
    });
    void clock()
      .sleep(lifeMs, new AbortController().signal)
      .then(() => events.closed(code));
    return Promise.resolve();
  };
}

const listeners = (): number => process.getActiveResourcesInfo().length;

test("a thousand sessions leave no timer, no listener and no memory behind", async () => {
  const b = bench(welcoming(() => b.clock, 1_000));
  const running = listeners();
  b.sessions.start(0);
  for (let round = 0; round < 20; round += 1) await b.clock.advance(60_000);
  globalThis.gc?.();
  const before = { heap: process.memoryUsage().heapUsed, sleeping: b.clock.sleeping };
  while (b.states.filter(({ state }) => state === "ready").length < 1_000) await b.clock.advance(600_000);
  globalThis.gc?.();
  expect(b.clock.sleeping).toBeLessThanOrEqual(before.sleeping + 1);
  expect(process.memoryUsage().heapUsed - before.heap).toBeLessThan(20e6);
  expect(listeners()).toBeLessThanOrEqual(running + 1);
  await b.sessions.drain({ reason: "shutdown", expectedReturnMs: null });
  expect(b.states.at(-1)).toEqual({ state: "over" });
}, 30_000);

test("an outage of an hour: attempts spread up to a minute apart, one at a time", async () => {
  const b = bench(() => Promise.reject(new Refusal("connection_refused", "Nothing listens.")));
  b.sessions.start(5_000);
  await b.clock.advance(3_600_000);
  const gaps = b.attempts.slice(1).map((at, index) => at - (b.attempts[index] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(250);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(60_000);
  expect(gaps.length).toBeGreaterThan(80);
  expect(gaps.length).toBeLessThan(220);
  expect(b.attempts[0]).toBeLessThanOrEqual(5_000);
  await b.sessions.drain({ reason: "shutdown", expectedReturnMs: null });
  expect(b.clock.sleeping).toBe(0);
});

test("revoked: about one attempt an hour, and it says so", async () => {
  const b = bench(welcoming(() => b.clock, 5_000, 4503));
  b.sessions.start(0);
  await b.clock.advance(24 * 3_600_000);
  expect(b.attempts.length).toBeGreaterThanOrEqual(20);
  expect(b.attempts.length).toBeLessThanOrEqual(31);
  expect(b.states.at(-1)).toMatchObject({
    state: "stopped",
    word: "revoked",
    says: "The control plane ended the session: the connector was revoked.",
  });
  await b.sessions.drain({ reason: "shutdown", expectedReturnMs: null });
});

test("a skewed clock is reckoned with once at once, then by the backoff", async () => {
  const clock = (): FakeClock => b.clock;
  const b: Bench = bench(welcoming(clock, 1e9), () =>
    Promise.reject(
      new Refusal("clock_skew", "skew", { serverTime: b.clock.now() - 600_000, after: "backoff" }),
    ),
  );
  b.sessions.start(0);
  await b.clock.advance(10_000);
  expect(b.offsets.slice(0, 3)).toEqual([0, -600_000, -600_000]);
  expect((b.attempts[1] ?? 0) - (b.attempts[0] ?? 0)).toBe(250);
  await b.sessions.drain({ reason: "shutdown", expectedReturnMs: null });
});

test("drain before the first attempt, during one, and in the middle of a pause", async () => {
  const never: Dial = (_, __, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Refusal("timeout", "given up")));
    });
  for (const wait of [0, 1_000, 11_000]) {
    const b = bench(never);
    b.sessions.start(wait === 0 ? 5_000 : 0);
    await b.clock.advance(wait);
    const drained = b.sessions.drain({ reason: "shutdown", expectedReturnMs: null });
    await settle();
    await drained;
    expect(b.clock.sleeping).toBe(0);
    expect(b.states.at(-1)).toEqual({ state: "over" });
  }
});

test("a goodbye that nobody answers is over in four seconds", async () => {
  const b = bench((_, events) => {
    events.open({
      send: (text) => {
        if (text.includes("session.hello")) queueMicrotask(() => events.frame(welcome()));
      },
      close: () => {},
      terminate: () => {},
      buffered: 0,
    });
    return Promise.resolve();
  });
  b.sessions.start(0);
  await b.clock.advance(1_000);
  const drained = b.sessions.drain({ reason: "restart", expectedReturnMs: 60_000 });
  await b.clock.advance(4_000);
  await drained;
  expect(b.clock.sleeping).toBe(0);
});

test.each(["unknown_key", "revoked"] as const)(
  "a key that is refused (%s): it enrols again within seconds where it can, else hourly",
  async (word) => {
    const refusing: Dial = () => Promise.reject(new Refusal(word, "refused", { after: "stop" }));
    for (const [helps, most] of [
      [true, 60],
      [false, 1],
    ] as const) {
      const b = bench(refusing, undefined, helps);
      b.sessions.start(0);
      await b.clock.advance(600_000);
      expect(b.attempts.length).toBeLessThanOrEqual(most + 1);
      expect(b.attempts.length).toBeGreaterThanOrEqual(most - 3);
      const bye = { reason: "shutdown", expectedReturnMs: null } as const;
      await Promise.all([b.sessions.drain(bye), b.clock.advance(10_000)]);
    }
  },
);
