import { afterAll, beforeAll, expect, test } from "vitest";
import { failingReport, FakeConnector, fakeReport } from "../fake/connector.ts";
import { started, type Started } from "./started.ts";

let plane: Started;
beforeAll(async () => {
  plane = await started({ timeScale: 0.05 });
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
});

interface Connector {
  state: string;
  condition: string | null;
  reason: string | null;
  reasonSince: string | null;
  message: string;
  remedy: { text: string; command: string | null }[];
  id: string;
  integrations: Record<string, number>;
}

const SILENCE_MS = 2_250;

test("silence is unreachable after the deadline, pings do not count, and everything heals", async () => {
  const identity = await plane.enrolled("quiet");
  await using connector = await FakeConnector.ready(plane.origin, identity);
  connector.tellAll([connector.snapshotItem(failingReport("db")), connector.snapshotItem(fakeReport("api"))]);
  await connector.acked(1);
  const since = performance.now();
  const pings = setInterval(() => connector.socket.ping(), 50);
  const closed = connector.closed();
  const shown = await plane.until<Connector>("/connectors/quiet", ({ state }) => state === "unreachable");
  clearInterval(pings);
  const after = performance.now() - since;
  expect(after).toBeGreaterThan(SILENCE_MS - 20);
  expect(after).toBeLessThan(SILENCE_MS + 500);
  expect((await closed).code).toBe(1006);
  expect(shown).toMatchObject({
    condition: "connector_unreachable",
    reason: "heartbeat_missed",
    message: "Connector quiet is unreachable.",
    heartbeatMs: 750,
    integrations: { online: 0, error: 0, unknown: 2 },
  });
  const db = await plane.get("/integrations/quiet/db");
  expect(db).toMatchObject({
    state: "unknown",
    condition: null,
    reason: "heartbeat_missed",
    blockedBy: { kind: "connector", id: shown.id },
    lastKnown: { state: "error", reason: "connection_refused" },
  });
  expect(db["message"]).toMatch(/^Integration db is unknown \(last known: error at .+Z\)\.$/);
  const summary = await plane.get<{ troubles: unknown[]; integrations: unknown; conditions: unknown }>(
    "/summary",
  );
  expect(summary.troubles[0]).toMatchObject({ kind: "connector", name: "quiet", explains: 2 });
  expect(summary.conditions).toMatchObject({ connector_unreachable: 1, integration_unreachable: 0 });
  await using back = await FakeConnector.ready(plane.origin, identity, {
    streamId: connector.streamId,
    instanceId: connector.instanceId,
    next: connector.next,
  });
  expect(back.received.find((frame) => frame.type === "session.welcome")?.data).toMatchObject({
    resume: { mode: "resume", last: 1 },
  });
  await plane.until<Connector>("/connectors/quiet", ({ state }) => state === "connected");
  expect(await plane.get("/integrations/quiet/db")).toMatchObject({ state: "error", lastKnown: null });
});

test("a goodbye, a seen cut and a restart are told apart", async () => {
  for (const [name, leave, state] of [
    ["cut", (connector: FakeConnector) => connector.socket.terminate(), "disconnected"],
    [
      "restart",
      (connector: FakeConnector) =>
        connector.send("session.bye", { reason: "restart", expectedReturnMs: 60_000 }),
      "restarting",
    ],
    [
      "shutdown",
      (connector: FakeConnector) =>
        connector.send("session.bye", { reason: "shutdown", expectedReturnMs: null }),
      "offline",
    ],
  ] as const) {
    await using connector = await FakeConnector.ready(plane.origin, await plane.enrolled(name));
    leave(connector);
    const ended = await connector.closed();
    if (name !== "cut") expect(ended.code).toBe(1000);
    await plane.until<Connector>(`/connectors/${name}`, (shown) => shown.state === state);
  }
  await plane.until<Connector>("/connectors/cut", ({ state }) => state === "unreachable");
  expect(await plane.get("/connectors/restart")).toMatchObject({ state: "restarting" });
  expect(await plane.get("/connectors/shutdown")).toMatchObject({ state: "offline", condition: null });
});

test("events before a goodbye are stored before it is answered", async () => {
  await using connector = await FakeConnector.ready(plane.origin, await plane.enrolled("last-words"));
  for (let index = 0; index < 100; index += 1) connector.tell(fakeReport(`i${index}`));
  connector.send("session.bye", { reason: "shutdown", expectedReturnMs: null });
  expect((await connector.closed()).code).toBe(1000);
  const shown = await plane.get<Connector>("/connectors/last-words");
  expect(Object.values(shown.integrations).reduce((sum, count) => sum + count)).toBe(100);
});

test("a refused configuration is told, and so is that it is accepted again", async () => {
  await using connector = await FakeConnector.ready(plane.origin, await plane.enrolled("misconfigured"));
  const begun = Date.now();
  connector.beat({ configInvalid: 'conf/mooring.yaml:3:5: no such type; did you mean "tcp"?' });
  const told = await plane.until<Connector>(
    "/connectors/misconfigured",
    ({ reason }) => reason === "config_invalid",
  );
  expect(told).toMatchObject({
    state: "connected",
    message: "Connector misconfigured refused its configuration.",
    cause:
      'The configuration of connector misconfigured was refused, and the last good one is in use: conf/mooring.yaml:3:5: no such type; did you mean "tcp"?',
  });
  expect(told.remedy.map(({ command }) => command)).toContain("mooring check mooring.yaml");
  // Since the refusal, not since it connected.
  expect(Date.parse(told.reasonSince ?? "")).toBeGreaterThanOrEqual(begun - 5);
  connector.beat();
  await plane.until<Connector>("/connectors/misconfigured", ({ reason }) => reason === null);
});

test("after a restart of the control plane nobody is unreachable inside the grace", async () => {
  await using fast = await started({ timeScale: 0.02 });
  await using connector = await FakeConnector.ready(fast.origin, await fast.enrolled("graced"));
  await connector.acked(0);
  await fast.restart();
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(await fast.get("/connectors/graced")).toMatchObject({ state: "disconnected" });
  await fast.until<Connector>("/connectors/graced", ({ state }) => state === "unreachable");
});
