import * as fc from "fast-check";
import { expect, test } from "vitest";
import { silentLog } from "../../src/control-plane/log.ts";
import { createCore } from "../../src/control-plane/core.ts";
import { hashOf } from "../../src/control-plane/enrolment.ts";
import { Session } from "../../src/control-plane/session.ts";
import type { SessionPlace, Transport } from "../../src/control-plane/session-place.ts";
import { connectorSource } from "../../src/protocol/envelope.ts";
import {
  DATA,
  type FrameType,
  isSequenced,
  parseFrame,
  utf8Length,
  wireType,
} from "../../src/protocol/frames.ts";
import { FakeClock, settle } from "../fake/clock.ts";
import { fakeReport } from "../fake/connector.ts";
import { MemoryStore } from "../fake/memory-store.ts";
import { connectorRow } from "./store/rows.ts";

const IDENTITY = { connectorId: "me", connector: "name-me", keyId: "k" };
const STREAM = "stream-1";

/** One session over a transport that keeps what it is given. */
async function scene() {
  const store = new MemoryStore();
  await store.transact(async (tx) => {
    await tx.putConnector(connectorRow("me"));
    await tx.putConnector(connectorRow("other"));
  });
  const clock = new FakeClock();
  const random = { bytes: (count: number) => new Uint8Array(count).fill(7), number: () => 0.5 };
  const core = createCore({
    store,
    clock,
    random,
    log: silentLog,
    liveness: "standard",
    timeScale: 1,
    publicUrl: "http://127.0.0.1:1",
    chart: "c",
  });
  const counters = { ackSeconds: () => {}, ignored: () => {}, refused: () => {} };
  const place: SessionPlace = {
    ...core,
    controlPlaneId: "cp",
    clock,
    random,
    sha256: hashOf,
    notify: core.publisher,
    counters,
    log: silentLog,
  };
  const buffered = { bytes: 0 };
  const sent: string[] = [];
  const closed: number[] = [];
  const transport: Transport = {
    send: (frame, left) => {
      sent.push(frame);
      left();
    },
    close: (code) => void closed.push(code),
    terminate: () => void closed.push(1006),
    bufferedBytes: () => buffered.bytes,
  };
  const another = (): Session => new Session(place, IDENTITY, transport);
  return { store, clock, core, session: another(), another, sent, closed, buffered };
}

const report = {
  ...fakeReport("db"),
  source: "file",
  observedAt: "2026-01-02T03:04:05Z",
  previous: null,
  coalesced: 0,
};
const hello = {
  version: "1",
  capabilities: [],
  instance: { id: "i", podUid: null, podName: null, leaseUid: null, leaseTransitions: null },
  install: null,
  stream: { id: STREAM, first: 1, next: 1, acked: 0 },
  stateDigest: null,
  config: { generation: 0, digest: "" },
  wallClock: "2026-01-02T03:04:05Z",
};
const heartbeat = {
  n: 1,
  epoch: 1,
  outbox: { events: 0, bytes: 0 },
  lagMs: 0,
  rttMs: null,
  config: { generation: 0, digest: "" },
  checks: { online: 0, warning: 0, error: 0, unknown: 0 },
  configInvalid: null,
  samples: [],
};
const GOOD: Partial<Record<FrameType, unknown>> = {
  "session.hello": hello,
  "session.ready": { nonce: "07070707070707070707070707070707" },
  "session.heartbeat": heartbeat,
  "session.bye": { reason: "restart", expectedReturnMs: 1000 },
  "status.changed": report,
  "status.snapshot": { snapshotId: "s", page: 1, pages: 1, items: [report], digest: "d" },
  "command.result": {
    commandId: "c",
    outcome: "succeeded",
    reason: null,
    message: null,
    report: null,
    refreshed: null,
  },
  "command.accepted": { commandId: "c", attempt: 1 },
};

const types = Object.keys(DATA) as FrameType[];
const data = fc.oneof(
  fc.constant("good" as const),
  fc.jsonValue({ maxDepth: 3 }),
  fc.constant(JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {}}}') as unknown),
);
const sources = fc.oneof(
  { weight: 8, arbitrary: fc.constant(connectorSource("me", STREAM)) },
  fc.constantFrom(
    connectorSource("other", STREAM),
    connectorSource("me", "x"),
    "/connectors/me/../other",
    "",
  ),
);
const event = fc.record({
  type: fc.constantFrom(...types),
  data,
  source: sources,
  sequence: fc.nat({ max: 6 }),
});
const frame = fc.oneof(
  { weight: 9, arbitrary: event },
  fc.constantFrom(
    "",
    "null",
    "[]",
    "{",
    '{"specversion":"1.0"}',
    "[".repeat(100_000),
    `"${"x".repeat(70_000)}"`,
  ),
);

function textOf(made: typeof frame extends fc.Arbitrary<infer T> ? T : never): string {
  if (typeof made === "string") return made;
  return JSON.stringify({
    specversion: "1.0",
    id: "e",
    source: made.source,
    type: wireType(made.type),
    time: "2026-01-02T03:04:05Z",
    datacontenttype: "application/json",
    ...(isSequenced(made.type) ? { sequence: String(made.sequence).padStart(16, "0") } : {}),
    data: made.data === "good" ? (GOOD[made.type] ?? {}) : made.data,
  });
}

/** Half of the runs begin like an honest connector, so that what follows meets a session that is ready. */
const honest = [
  { type: "session.hello", data: "good", source: connectorSource("me", STREAM), sequence: 0 },
  { type: "session.ready", data: "good", source: connectorSource("me", STREAM), sequence: 0 },
] as const;

test("no sequence of frames crashes a session, speaks for another, or is kept beyond its bounds", async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(frame, { maxLength: 30 }), async (begins, frames) => {
      const { store, clock, core, session, sent, closed } = await scene();
      void session.expectHandshake();
      for (const made of [...(begins ? honest : []), ...frames]) {
        const text = textOf(made);
        session.receive(text, utf8Length(text));
        await settle();
      }
      await clock.advance(25_000);
      for (const text of sent) expect(parseFrame(text).kind).toBe("frame");
      expect(closed.length).toBeLessThanOrEqual(1);
      expect(await store.transact((tx) => tx.integrations("other"))).toEqual([]);
      expect((await store.connector("other"))?.epoch).toBe(0);
      expect((await store.transact((tx) => tx.countOf("me"))) <= 1).toBe(true);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      expect(core.hub.size).toBeLessThanOrEqual(1);
      session.close("internal");
      expect(core.hub.size).toBe(0);
      expect(clock.sleeping).toBe(0);
    }),
    { numRuns: 300 },
  );
});

async function ready() {
  const place = await scene();
  for (const made of honest) {
    const text = textOf(made);
    place.session.receive(text, utf8Length(text));
    await settle();
  }
  return place;
}

const change = (sequence: number): string =>
  textOf({ type: "status.changed", data: "good", source: connectorSource("me", STREAM), sequence });

test("a store that refuses: nothing is acked, the session is closed with 1013, and the mark stays", async () => {
  const { store, session, sent, closed } = await ready();
  store.failing = new Error("the disk is full");
  const before = sent.length;
  session.receive(change(1), 500);
  await settle();
  expect(closed).toEqual([1013]);
  expect(sent.length).toBe(before);
  store.failing = undefined;
  expect((await store.transact((tx) => tx.stream("me", STREAM)))?.mark).toBe(0);
  expect(await store.transact((tx) => tx.integrations("me"))).toEqual([]);
});

test("a store that is slow: beats are answered at once, acks wait for the commit, the queue is bounded", async () => {
  const { store, session, sent, closed } = await ready();
  let release = (): void => {};
  const slow = store.transact(() => new Promise<void>((resolve) => (release = resolve)));
  await settle();
  session.receive(change(1), 500);
  const beat = textOf({
    type: "session.heartbeat",
    data: "good",
    source: connectorSource("me", STREAM),
    sequence: 0,
  });
  session.receive(beat, 500);
  await settle();
  expect(JSON.parse(sent.at(-1) ?? "")).toMatchObject({ data: { n: 1, applied: 0 } });
  for (let sequence = 2; sequence <= 600 && closed.length === 0; sequence += 1)
    session.receive(change(sequence), 5_000);
  expect(closed).toEqual([4429]);
  release();
  await slow;
});

test("a state that the store refused is stored as soon as it takes it", async () => {
  const { store, core, clock } = await ready();
  store.failing = new Error("the disk is full");
  for (let quarter = 0; quarter < 200; quarter += 1) {
    await clock.advance(250);
    core.hub.sweep();
  }
  expect(core.liveness.state("me")).toBe("unreachable");
  await settle();
  expect((await store.connector("me"))?.state).toBe("connected");
  store.failing = undefined;
  await clock.advance(1_000);
  core.hub.sweep();
  await settle();
  expect((await store.connector("me"))?.state).toBe("unreachable");
});

/** A commit of the store that lasts until it is told to end. */
function slowCommit(store: MemoryStore): () => Promise<void> {
  let release = (): void => {};
  const slow = store.transact(() => new Promise<void>((resolve) => (release = resolve)));
  return async () => {
    release();
    await slow;
    await settle();
  };
}

const [greeting, taking] = honest.map(textOf) as [string, string];
const bye = textOf({
  type: "session.bye",
  data: "good",
  source: connectorSource("me", STREAM),
  sequence: 0,
});

test.each([
  ["ends", [], "disconnected"],
  ["says goodbye", [bye], "restarting"],
] as const)("a session that %s before its ready is committed is told as such", async (_does, says, state) => {
  const { store, core, session } = await scene();
  session.receive(greeting, 500);
  await settle();
  const committed = slowCommit(store);
  await settle();
  session.receive(taking, 500);
  for (const text of says) session.receive(text, 500);
  session.ended();
  await committed();
  await settle();
  expect(core.hub.size).toBe(0);
  expect(core.liveness.state("me")).toBe(state);
  expect((await store.connector("me"))?.state).toBe(state);
});

test("a goodbye counts though its socket ends while the store is slow", async () => {
  const { store, core, session } = await ready();
  const committed = slowCommit(store);
  await settle();
  session.receive(change(1), 500);
  session.receive(bye, 500);
  await settle();
  session.ended();
  await committed();
  expect(core.liveness.state("me")).toBe("restarting");
});

test("a session that is ready while the end of the last one waits for the store is stored as connected", async () => {
  const { store, core, session, another } = await ready();
  const newer = another();
  newer.receive(greeting, 500);
  await settle();
  // Both are committed together, and told after that.
  const told: (() => void)[] = [];
  const transact = store.transact.bind(store);
  store.transact = async (work) => {
    const value = await transact(work);
    await new Promise<void>((resolve) => told.push(resolve));
    return value;
  };
  newer.receive(taking, 500);
  session.ended();
  await settle();
  store.transact = transact;
  for (const tell of told) tell();
  await settle();
  expect(told).toHaveLength(2);
  expect(core.liveness.state("me")).toBe("connected");
  expect((await store.connector("me"))?.state).toBe("connected");
});

test("a session whose connector is ready in another process of the control plane writes nothing more", async () => {
  const here = await ready();
  await here.store.transact(async (tx) => {
    const row = await tx.connector("me");
    if (row !== undefined) await tx.putConnector({ ...row, epoch: row.epoch + 1 });
  });
  here.session.receive(change(1), 500);
  await settle();
  expect(here.closed).toEqual([4409]);
  expect(await here.store.transact((tx) => tx.integrations("me"))).toEqual([]);
});

test("a ready that was long on its way does not displace a newer socket of the same instance", async () => {
  const { core, session, another, clock } = await scene();
  session.receive(greeting, 500);
  await settle();
  await clock.advance(100);
  const newer = another();
  newer.receive(greeting, 500);
  await settle();
  newer.receive(taking, 500);
  await settle();
  session.receive(taking, 500);
  await settle();
  expect(core.hub.has("me")).toBe(true);
  expect([session.isOver, newer.isOver]).toEqual([true, false]);
});

test("a session that is too old is told to come back, one that does not read is ended", async () => {
  const old = await ready();
  const beat = textOf({
    type: "session.heartbeat",
    data: "good",
    source: connectorSource("me", STREAM),
    sequence: 0,
  });
  for (let minute = 0; minute < 33; minute += 1) {
    for (let quarter = 0; quarter < 4; quarter += 1) {
      old.session.receive(beat, 500);
      await old.clock.advance(15_000);
      old.core.hub.sweep();
    }
  }
  expect(old.closed).toEqual([4430]);
  expect(JSON.parse(old.sent.at(-1) ?? "")).toMatchObject({ data: { reason: "max-age" } });
  const stuck = await ready();
  stuck.buffered.bytes = 2 * 1_048_576;
  stuck.core.hub.sweep();
  expect(stuck.closed).toEqual([4413]);
});

test("a restored backup of the store converges with a connector that lives", async () => {
  const { store, session } = await ready();
  const backup = store.snapshot();
  for (let sequence = 1; sequence <= 3; sequence += 1) session.receive(change(sequence), 500);
  await settle();
  expect((await store.transact((tx) => tx.stream("me", STREAM)))?.mark).toBe(3);
  store.restore(backup);
  const { resumeOf } = await import("../../src/control-plane/resume.ts");
  const row = await store.transact((tx) => tx.stream("me", STREAM));
  expect(resumeOf({ id: STREAM, first: 4, next: 4, acked: 3 }, row)).toEqual({ mode: "snapshot", last: 3 });
  expect(resumeOf({ id: STREAM, first: 1, next: 4, acked: 0 }, row)).toMatchObject({ last: 0 });
});
