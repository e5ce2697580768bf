import { expect, test } from "vitest";
import { Outbox } from "../../../src/connector/outbox.ts";
import { type Line, type Notice, Session, type SessionParts } from "../../../src/connector/session.ts";
import { type Frame, type FrameOf, type FrameType, parseFrame } from "../../../src/protocol/frames.ts";
import { LIMITS } from "../../../src/protocol/limits.ts";
import type { Welcome } from "../../../src/protocol/session-frames.ts";
import type { CommandDispatch } from "../../../src/protocol/command-frames.ts";
import { FakeClock } from "../../fake/clock.ts";
import { written } from "../../fake/control-plane.ts";

const WELCOME: Welcome = {
  connector: { id: "c-1", name: "prod-eu" },
  capabilities: [],
  nonce: "n",
  resume: { mode: "resume", last: 0 },
  heartbeat: { intervalMs: 15_000, answerMs: 10_000, unreachableMs: 45_000 },
  reconnect: { initialSpreadMs: 1_000, capMs: 60_000 },
  limits: { ...LIMITS },
  maxAgeMs: 1_800_000,
  serverTime: "2026-01-02T03:04:05.000Z",
  receivedTime: "2026-01-02T03:04:05.000Z",
  config: { generation: 0, digest: "" },
};

interface Bench {
  readonly clock: FakeClock;
  readonly session: Session;
  readonly outbox: Outbox;
  readonly sent: Frame[];
  readonly ends: string[];
  readonly notices: Notice[];
  readonly commands: CommandDispatch[];
  readonly line: { buffered: number };
  say<T extends FrameType>(type: T, data: FrameOf<T>["data"]): void;
  welcome(more?: Partial<Welcome>): void;
  /** Moves the clock and polls whenever the session wants to be. */
  run(ms: number): Promise<void>;
  of<T extends FrameType>(type: T): FrameOf<T>[];
  tell(name: string): void;
}

function bench(more: Partial<SessionParts> = {}): Bench {
  const clock = new FakeClock();
  const sent: Frame[] = [];
  const ends: string[] = [];
  const notices: Notice[] = [];
  const commands: CommandDispatch[] = [];
  let ids = 0;
  const newId = (): string => `id-${(ids += 1)}`;
  const outbox = new Outbox({
    newId,
    time: () => "2026-01-01T00:00:00Z",
    truth: () => ({ items: [], digest: "d" }),
  });
  const line: Line & { buffered: number } = {
    buffered: 0,
    send: (text) => {
      const parsed = parseFrame(text);
      if (parsed.kind !== "frame") throw new Error(JSON.stringify(parsed));
      sent.push(parsed.frame);
    },
    close: (code) => ends.push(`close ${code}`),
    terminate: () => ends.push("terminate"),
  };
  const session = new Session(
    {
      clock,
      random: () => 0.5,
      newId,
      connectorId: "c-1",
      outbox,
      welcomeBy: 10_000,
      factor: 1,
      hello: () => ({
        version: "1",
        capabilities: [],
        instance: { id: "i", podUid: null, podName: null, leaseUid: null, leaseTransitions: null },
        install: null,
        stateDigest: null,
        config: { generation: 0, digest: "" },
      }),
      vitals: () => ({
        lagMs: 0,
        config: { generation: 0, digest: "" },
        checks: { online: 0, warning: 0, error: 0, unknown: 0 },
        configInvalid: null,
        samples: [],
      }),
      onCommand: (command) => commands.push(command),
      onCancel: () => {},
      onNotice: (notice) => notices.push(notice),
      ...more,
    },
    line,
  );
  return {
    clock,
    session,
    outbox,
    sent,
    ends,
    notices,
    commands,
    line,
    say: (type, data) => session.frame(written(type, data)),
    welcome: (changed = {}) => session.frame(written("session.welcome", { ...WELCOME, ...changed })),
    async run(ms) {
      const end = clock.tick() + ms;
      for (;;) {
        const due = session.poll();
        if (due > end) break;
        await clock.advance(Math.max(1, due - clock.tick()));
      }
      await clock.advance(Math.max(0, end - clock.tick()));
      session.poll();
    },
    of: (type) => sent.filter((frame) => frame.type === type) as unknown as FrameOf<typeof type>[],
    tell: (name) =>
      outbox.tellStatus(`integrations/${name}`, {
        name,
        type: "tcp",
        state: "online",
        condition: null,
        stage: null,
        reason: null,
        message: "",
        cause: null,
        remedy: [],
        coverage: [],
        address: "a:1",
        blockedBy: null,
        findings: [],
        path: [],
        stages: [],
        source: "file",
        observedAt: "2026-01-01T00:00:00Z",
        previous: null,
        coalesced: 0,
      }),
  };
}

test("nothing but hello goes out before welcome; without one the attempt is given up after 10 s", async () => {
  const b = bench();
  b.tell("a");
  b.say("session.ack", { epoch: 1, applied: 0 });
  b.say("status.resync", { reason: "x" });
  await b.run(9_999);
  expect(b.sent.map(({ type }) => type)).toEqual(["session.hello"]);
  expect(b.session.end).toBeUndefined();
  await b.run(1);
  expect(b.ends).toEqual(["terminate"]);
  expect(b.session.end).toMatchObject({ why: "handshake_timeout", readyMs: 0 });
});

test("beats at the interval that was set, the first at random, each within 90 to 100 % of it", async () => {
  const b = bench();
  b.welcome({ heartbeat: { intervalMs: 20_000, answerMs: 10_000, unreachableMs: 60_000 } });
  const at: number[] = [];
  for (let second = 0; second < 100; second += 1) {
    const before = b.of("session.heartbeat").length;
    await b.run(1_000);
    const beats = b.of("session.heartbeat");
    if (beats.length > before) {
      at.push(b.clock.tick());
      b.say("session.ack", { epoch: 3, n: beats.length, applied: 0 });
    }
  }
  expect(at[0]).toBe(10_000);
  expect(at.slice(1).map((each, index) => each - (at[index] ?? 0))).toEqual([19_000, 19_000, 19_000, 19_000]);
  expect(b.of("session.heartbeat").map(({ data }) => data.n)).toEqual([1, 2, 3, 4, 5]);
  expect(b.of("session.heartbeat")[2]?.data).toMatchObject({ epoch: 3, rttMs: expect.any(Number) });
});

test("a beat that is not answered within 10 s ends the socket without a word", async () => {
  const b = bench();
  b.welcome();
  b.say("session.ack", { epoch: 1, applied: 0 });
  await b.run(7_500 + 9_999);
  expect(b.session.end).toBeUndefined();
  await b.run(1);
  expect(b.ends).toEqual(["terminate"]);
  expect(b.session.end).toMatchObject({ why: "unanswered", code: 1006, by: "us", readyMs: 17_500 });
});

test("any frame of the control plane counts as an answer, a text that is none does not", async () => {
  const b = bench();
  b.welcome();
  await b.run(10_000);
  b.session.frame("not json");
  b.session.frame('{"specversion":"1.0"}');
  await b.run(7_499);
  b.say("session.ack", { epoch: 1, applied: 0 });
  await b.run(1_000);
  expect(b.session.end).toBeUndefined();
});

test("a process that slept past the answer's time reads what came before it judges", async () => {
  const b = bench();
  b.welcome();
  await b.run(8_000);
  await b.clock.advance(60_000);
  expect(b.session.poll()).toBeLessThanOrEqual(b.clock.tick() + 1_000);
  expect(b.session.end).toBeUndefined();
  b.say("session.ack", { epoch: 1, n: 1, applied: 0 });
  await b.run(2_000);
  expect(b.session.end).toBeUndefined();
});

test("the window and the rate hold events back, and acks let them go on", async () => {
  const b = bench();
  for (let index = 0; index < 20; index += 1) b.tell(`i${index}`);
  b.welcome({ limits: { ...LIMITS, windowEvents: 4, eventsPerSecond: 10, eventsBurst: 6 } });
  await b.run(0);
  expect(b.of("status.changed").map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  b.say("session.ack", { epoch: 1, applied: 4 });
  await b.run(0);
  expect(b.of("status.changed").length).toBe(6);
  await b.run(150);
  expect(b.of("status.changed").length).toBe(7);
  await b.run(1_000);
  expect(b.of("status.changed").length).toBe(8);
});

test("bytes count as well, one event is always allowed, and a full socket is left alone", async () => {
  const b = bench();
  for (let index = 0; index < 5; index += 1) b.tell(`i${index}`);
  b.line.buffered = 2_000_000;
  b.welcome({ limits: { ...LIMITS, windowBytes: 0 } });
  await b.run(0);
  expect(b.of("status.changed").length).toBe(0);
  b.line.buffered = 0;
  await b.run(200);
  expect(b.of("status.changed").length).toBe(1);
});

test("every value of welcome is taken inside the bounds", async () => {
  const b = bench();
  b.welcome({
    heartbeat: { intervalMs: 1, answerMs: 1e12, unreachableMs: 0 },
    reconnect: { initialSpreadMs: 1e12, capMs: 0 },
    limits: {
      ...LIMITS,
      windowEvents: 0,
      eventsPerSecond: 1e9,
      eventsBurst: 0,
      snapshotPageItems: 0,
      windowBytes: 1e15,
    },
  });
  expect(b.notices).toMatchObject([
    {
      kind: "ready",
      terms: {
        heartbeatMs: 5_000,
        answerMs: 30_000,
        spreadMs: 60_000,
        connectMs: 3_000,
        windowEvents: 1,
        windowBytes: 1_048_576,
        eventsPerSecond: 50,
        eventsBurst: 1,
        snapshotPageItems: 1,
      },
    },
  ]);
  await b.run(0);
});

test("resync brings a snapshot, a flood of them one a second", async () => {
  const b = bench();
  b.welcome();
  for (let index = 0; index < 50; index += 1) b.say("status.resync", { reason: "x" });
  await b.run(0);
  expect(b.of("status.snapshot").length).toBe(1);
  for (let index = 0; index < 500; index += 1) {
    b.say("status.resync", { reason: "x" });
    await b.run(10);
  }
  expect(b.of("status.snapshot").length).toBe(6);
});

test("an ack of what was never sent, another epoch, commands and frames without a place", async () => {
  const b = bench();
  b.welcome();
  b.say("session.ack", { epoch: 4, applied: 0 });
  b.say("session.ack", { epoch: 5, applied: 99 });
  b.say("session.welcome", WELCOME);
  b.say("session.error", { code: "tooLarge", refId: "id-1", message: "" });
  const dispatch = { commandId: "k", kind: "refresh", resourceKey: "r", attempt: 1, timeoutMs: 1, args: {} };
  b.say("command.dispatch", dispatch);
  expect(b.notices.map(({ kind }) => kind)).toEqual(["ready", "strange", "strange", "rejected"]);
  expect(b.commands).toEqual([dispatch]);
  b.say("session.ack", { epoch: 4, applied: 99 });
  expect(b.ends).toEqual(["close 4400"]);
  expect(b.session.end).toMatchObject({ why: "bad_ack", code: 4400 });
});

test("a welcome that goes on from a place that is not there begins a new stream", () => {
  const b = bench();
  const before = b.outbox.stream.id;
  b.welcome({ resume: { mode: "resume", last: 12 } });
  expect(b.session.end).toMatchObject({ why: "bad_welcome" });
  expect(b.outbox.stream.id).not.toBe(before);
});

test("goaway is followed, goodbye waits for what is unsent but not for ever", async () => {
  const b = bench();
  b.welcome();
  b.say("session.goaway", { reason: "restart", reconnectAfterMs: 1_234, makeBeforeBreak: false });
  expect(b.session.end).toMatchObject({ why: "goaway", reconnectAfterMs: 1_234 });
  const c = bench();
  c.welcome();
  c.tell("a");
  c.session.leave({ reason: "restart", expectedReturnMs: 60_000 }, 3_000);
  await c.run(1_000);
  expect(c.sent.map(({ type }) => type)).not.toContain("session.bye");
  c.say("session.ack", { epoch: 1, applied: 1 });
  await c.run(0);
  expect(c.sent.at(-1)).toMatchObject({ type: "session.bye", data: { reason: "restart" } });
  expect(c.ends).toEqual(["close 1000"]);
  c.session.closed(1000);
  expect(c.session.end).toMatchObject({ why: "bye", code: 1000 });
  const d = bench();
  d.welcome();
  d.tell("a");
  d.session.leave({ reason: "shutdown", expectedReturnMs: null }, 3_000);
  await d.run(3_000);
  expect(d.sent.at(-1)?.type).toBe("session.bye");
});

test("a wall clock that is stepped moves no beat and no deadline", async () => {
  const steady = bench();
  const stepped = bench();
  for (const b of [steady, stepped]) b.welcome();
  for (let second = 0; second < 60; second += 1) {
    if (second % 5 === 0) stepped.clock.skew(second % 2 === 0 ? 3_600_000 : -3_600_000);
    for (const b of [steady, stepped]) {
      await b.run(1_000);
      b.say("session.ack", { epoch: 1, n: b.of("session.heartbeat").length, applied: 0 });
    }
  }
  expect(stepped.of("session.heartbeat").length).toBe(steady.of("session.heartbeat").length);
});
