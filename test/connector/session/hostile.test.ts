import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Commands } from "../../../src/connector/commands.ts";
import { Outbox } from "../../../src/connector/outbox.ts";
import { Session } from "../../../src/connector/session.ts";
import { type FrameType, wireType } from "../../../src/protocol/frames.ts";
import { LIMITS, TIMINGS } from "../../../src/protocol/limits.ts";
import { FakeClock } from "../../fake/clock.ts";
import { fakeControlPlane } from "../../fake/control-plane.ts";
import { silent } from "../../fake/targets.ts";
import { eventually, judgeRemote, loadItems, start, tcpItem } from "./harness.ts";

const number = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, -1, 0.5, 1e3, 15_000, 1e9, 1e15, 1e308, Number.MAX_SAFE_INTEGER),
  fc.nat(50),
);
const text = fc.oneof(
  fc.constantFrom("", "a", "resume", "snapshot", "x".repeat(3_000)),
  fc.string({ maxLength: 20 }),
);
const time = fc.constantFrom(
  "2026-01-02T03:04:05.000Z",
  "1970-01-01T00:00:00Z",
  "9999-12-31T23:59:59Z",
  "now",
);
const welcome = fc.record({
  connector: fc.record({ id: fc.constantFrom("c-1", "c-2"), name: text }),
  capabilities: fc.array(fc.string({ maxLength: 5 }), { maxLength: 3 }),
  nonce: fc.string({ maxLength: 10 }),
  resume: fc.record({ mode: fc.constantFrom("resume", "snapshot"), last: fc.oneof(fc.nat(20), number) }),
  heartbeat: fc.record({ intervalMs: number, answerMs: number, unreachableMs: number }),
  reconnect: fc.record({ initialSpreadMs: number, capMs: number }),
  limits: fc.record({
    frameBytes: fc.nat(),
    eventBytes: fc.nat(),
    windowEvents: fc.nat(300),
    windowBytes: fc.nat(),
    eventsPerSecond: fc.constantFrom(0.001, 1, 50, 1e9),
    eventsBurst: fc.nat(1_000),
    snapshotPageItems: fc.nat(300),
    snapshotItems: fc.nat(),
    commandsInFlight: fc.nat(),
  }),
  maxAgeMs: number,
  serverTime: time,
  receivedTime: time,
  config: fc.record({ generation: fc.nat(), digest: fc.string({ maxLength: 5 }) }),
});
const item = fc.record({
  name: fc.constantFrom("x", "metadata"),
  type: fc.constantFrom("tcp", "http"),
  config: fc.record({ host: fc.constantFrom("169.254.169.254", "10.0.0.1"), port: fc.nat(70_000) }),
});
const dispatch = fc.record({
  commandId: fc.constantFrom("k1", "k2", "k3", "k4"),
  kind: fc.constantFrom(
    "refresh",
    "integration.test",
    "access.grant",
    "key.rotate",
    "diagnostics",
    "constructor",
  ),
  resourceKey: fc.string({ maxLength: 10 }),
  attempt: fc.integer({ min: 1, max: 3 }),
  timeoutMs: fc.constantFrom(0, 1, 1_000, 1e15),
  args: fc.oneof(
    fc.record({ integration: fc.constantFrom(null, "a", "zzz", "__proto__") }),
    fc.record({ item }),
    fc.record({}),
  ),
});
const ack = fc.record({ epoch: fc.nat(2), n: fc.integer({ min: 1, max: 5 }), applied: fc.nat(40) });
const goaway = fc.record({
  reason: fc.constant("x"),
  reconnectAfterMs: fc.constantFrom(0, 50, 1e15),
  makeBeforeBreak: fc.boolean(),
});
const anything = fc.jsonValue({ maxDepth: 3 });

const step = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constant<FrameType>("session.welcome"), welcome) },
  { weight: 5, arbitrary: fc.tuple(fc.constant<FrameType>("session.ack"), ack) },
  { weight: 5, arbitrary: fc.tuple(fc.constant<FrameType>("command.dispatch"), dispatch) },
  { weight: 1, arbitrary: fc.tuple(fc.constant<FrameType>("session.goaway"), goaway) },
  { weight: 2, arbitrary: fc.tuple(fc.constant<FrameType>("status.resync"), fc.constant({ reason: "x" })) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant<FrameType>("command.cancel"),
      fc.record({ commandId: fc.constant("k1") }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.constantFrom<FrameType>("session.error", "session.hello", "status.changed", "session.welcome"),
      anything,
    ),
  },
);

function frameText([type, data]: readonly [FrameType, unknown], index: number): string {
  return JSON.stringify({
    specversion: "1.0",
    id: `f-${index}`,
    source: "/control-planes/cp",
    type: wireType(type),
    time: "2026-01-01T00:00:00Z",
    datacontenttype: "application/json",
    ...(type === "status.changed" ? { sequence: "0000000000000001" } : {}),
    data,
  });
}
const frames = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.tuple(step, fc.constant("")) },
    { weight: 1, arbitrary: fc.tuple(fc.constant(undefined), fc.string({ maxLength: 60 })) },
  ),
  { maxLength: 60 },
);

test("no sequence of frames crashes the session, and nothing that the policy forbids is looked at", async () => {
  await fc.assert(
    fc.asyncProperty(
      frames,
      fc.array(fc.nat(8_000), { minLength: 1, maxLength: 60 }),
      async (script, pauses) => {
        const clock = new FakeClock();
        let ids = 0;
        const newId = (): string => `id-${(ids += 1)}`;
        const outbox = new Outbox({
          newId,
          time: () => "2026-01-01T00:00:00Z",
          truth: () => ({ items: [], digest: "d" }),
          limits: { outboxEvents: 60, outboxBytes: 100_000 },
        });
        const looked: string[] = [];
        const commands = new Commands({
          clock,
          timings: TIMINGS,
          tell: (event) => outbox.tellCommand(event),
          names: () => ["a"],
          look: (name) => {
            looked.push(name);
            return Promise.resolve(undefined);
          },
          lookUnsaved: () => Promise.reject(new Error("a forbidden item was looked at")),
          judgeUnsaved: () => Promise.resolve([]),
        });
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
            onCommand: (command) => commands.dispatch(command),
            onCancel: (id) => commands.cancel(id),
            onNotice: () => {},
          },
          { send: () => {}, close: () => {}, terminate: () => {}, buffered: 0 },
        );
        for (const [index, [known, raw]] of script.entries()) {
          session.frame(known === undefined ? raw : frameText(known, index));
          const due = session.poll();
          expect(due).toBeGreaterThanOrEqual(0);
          expect(outbox.events).toBeLessThanOrEqual(60 + 20);
          await clock.advance(pauses[index % pauses.length] ?? 0);
          session.poll();
        }
        await clock.advance(1_000_000);
        await commands.close();
        expect(new Set(looked)).toEqual(looked.length === 0 ? new Set() : new Set(["a"]));
      },
    ),
    { numRuns: 300 },
  );
});

test("over a real socket: the connector lives, dials nothing but its own, and comes back", async () => {
  await using target = await silent();
  const judged: unknown[] = [];
  const script = fc.sample(frames, { numRuns: 60, seed: 7 });
  await using plane = await fakeControlPlane({
    onFrame: (frame, session) => {
      const at = plane.sessions.length % 2 === 0 ? "session.ready" : "session.hello";
      if (frame.type !== at) return;
      const commandId = `forbidden-${plane.sessions.length}`;
      const args = { item: { name: "x", type: "tcp", config: { host: "169.254.169.254", port: 80 } } };
      const wish = {
        commandId,
        kind: "integration.test",
        resourceKey: "r",
        attempt: 1,
        timeoutMs: 9_000,
        args,
      };
      session.send("command.dispatch", wish);
      const round = script.pop() ?? [];
      for (const [index, [known, raw]] of round.entries())
        session.socket.send(known === undefined ? raw : frameText(known, index));
      setTimeout(() => session.socket.terminate(), 20);
    },
  });
  await using started = await start(plane, {
    load: loadItems([tcpItem("a", target.port)]),
    judgeRemote: (item, policy) => {
      judged.push(item);
      return judgeRemote(item, policy);
    },
    timeScale: 0.01,
  });
  await eventually(() => plane.sessions.length >= 8, 15_000);
  expect(judged.length).toBeGreaterThan(0);
  expect((await started.get("/livez")).status).toBe(200);
  const { text } = await started.get("/metrics");
  expect(Number(/mooring_status_events_queued (\d+)/.exec(text)?.[1])).toBeLessThan(LIMITS.outboxEvents);
});
