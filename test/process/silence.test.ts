import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAST } from "../../src/protocol/limits.ts";
import { enrolWith, failingReport, FakeConnector, fakeReport } from "../fake/connector.ts";
import { refusedPort, silent, type Target } from "../fake/targets.ts";
import { Events } from "./events.ts";
import {
  Agent,
  eventually,
  pause,
  Plane,
  type ShownConnector,
  type ShownIntegration,
  tcp,
} from "./programs.ts";

const SCALE = 0.25;
const DEADLINE_MS = FAST.unreachableMs * SCALE;
const SECOND_MS = 1_000 * SCALE;

const TICK_MS = 25;

/**
 * How long this machine kept a process waiting that wanted to run, in all, milliseconds. The control plane does not
 * count its own standstill as anybody's silence, so on a busy machine the verdict comes later by as much.
 */
const standstill = { ms: 0, at: performance.now() };
const ticks = setInterval(() => {
  const now = performance.now();
  standstill.ms += Math.max(0, now - standstill.at - 2 * TICK_MS);
  standstill.at = now;
}, TICK_MS);
afterAll(() => clearInterval(ticks));

/** The rule for the verdict: the deadline after the last frame, never sooner, and a second later at most. */
function expectOnTime({ lastHeartbeatAt, since }: ShownConnector, stoodStillMs: number): void {
  const silentMs = Date.parse(since) - Date.parse(lastHeartbeatAt ?? "");
  expect(silentMs).toBeGreaterThanOrEqual(DEADLINE_MS - 1);
  expect(silentMs).toBeLessThanOrEqual(DEADLINE_MS + SECOND_MS + 2 * (standstill.ms - stoodStillMs));
}

describe.concurrent("silence", () => {
  let plane: Plane;
  let events: Events;
  let up: Target;
  let down: Target;
  const parts = new AsyncDisposableStack();

  beforeAll(async () => {
    up = parts.use(await silent());
    down = parts.use(await refusedPort());
    plane = parts.use(await Plane.start({ scale: SCALE, flags: ["--liveness", "fast"] }));
    events = parts.use(await Events.of(plane));
  });
  afterAll(() => parts.disposeAsync());

  test("a connector that is frozen is unreachable at its deadline, and heals by itself", async () => {
    const integrations = [tcp("works", up.port), tcp("fails", down.port)];
    await using agent = await Agent.of(plane, "frozen", { integrations });
    const before = await plane.until<ShownConnector>(
      "/connectors/frozen",
      ({ integrations: { online, error } }) => online === 1 && error === 1,
    );
    const stoodStill = standstill.ms;
    const frozenAt = Date.now();
    agent.program.signal("SIGSTOP");
    const silent = await plane.connectorIs("frozen", "unreachable");
    expectOnTime(silent, stoodStill);
    // A frame that was on its way when it froze is the last one.
    expect(Date.parse(silent.lastHeartbeatAt ?? "")).toBeLessThanOrEqual(frozenAt + SECOND_MS);
    expect(silent).toMatchObject({
      condition: "connector_unreachable",
      reason: "heartbeat_missed",
      message: "Connector frozen is unreachable.",
      integrations: { online: 0, warning: 0, error: 0, unknown: 2 },
    });
    for (const [name, state] of [
      ["works", "online"],
      ["fails", "error"],
    ] as const) {
      const shown = await plane.integration(`frozen/${name}`);
      expect(shown).toMatchObject({
        state: "unknown",
        condition: null,
        reason: "heartbeat_missed",
        blockedBy: { kind: "connector", id: before.id },
        lastKnown: { state },
      });
      expect(shown.message).toBe(
        `Integration ${name} is unknown (last known: ${state} at ${shown.lastKnown?.at}).`,
      );
    }
    agent.program.signal("SIGCONT");
    const healed = await plane.connectorIs("frozen", "connected");
    expect(healed.integrations).toMatchObject({ online: 1, error: 1, unknown: 0 });
    expect(await plane.integration("frozen/works")).toMatchObject({
      state: "online",
      blockedBy: null,
      lastKnown: null,
    });
    expect(await plane.integration("frozen/fails")).toMatchObject({
      state: "error",
      reason: "connection_refused",
    });
    const states = events.statesOf("frozen");
    expect(states.slice(states.lastIndexOf("unreachable") - 2)).toEqual([
      "connected",
      "stale",
      "unreachable",
      "connected",
    ]);
    // Silence of the connector is no transition of what it looks at.
    expect((await plane.history("frozen/works")).map(({ to }) => to)).toEqual(["online"]);
    expect((await plane.history("frozen/fails")).map(({ to }) => to)).toEqual(["error"]);
  });

  test("a goodbye is offline, and stays no alarm", async () => {
    await using agent = await Agent.of(plane, "leaving", { integrations: [tcp("works", up.port)] });
    await plane.until<ShownIntegration>("/integrations/leaving/works", ({ state }) => state === "online");
    expect(await agent.program.stop("SIGTERM")).toEqual({ code: 0, signal: null });
    const shown = await plane.connectorIs("leaving", "offline");
    expect(shown).toMatchObject({ condition: null, reason: null, message: "Connector leaving is offline." });
    expect(shown.cause).toBe(`It said goodbye at ${shown.since}.`);
    await pause(DEADLINE_MS + SECOND_MS);
    expect(await plane.get("/connectors/leaving")).toMatchObject({ state: "offline", since: shown.since });
    expect(events.statesOf("leaving")).not.toContain("unreachable");
    expect(events.statesOf("leaving")).not.toContain("disconnected");
  });

  test("a cut that is seen is told at once, and becomes the verdict at the deadline", async () => {
    await using agent = await Agent.of(plane, "killed", { integrations: [tcp("works", up.port)] });
    await plane.until<ShownIntegration>("/integrations/killed/works", ({ state }) => state === "online");
    const stoodStill = standstill.ms;
    await agent.program.stop("SIGKILL");
    const cut = await plane.connectorIs("killed", "disconnected", SECOND_MS * 4);
    expect(cut).toMatchObject({ condition: null, message: "Connector killed is disconnected." });
    // What it said last stands until the verdict.
    expect(await plane.integration("killed/works")).toMatchObject({ state: "online", blockedBy: null });
    expectOnTime(await plane.connectorIs("killed", "unreachable"), stoodStill);
    const states = events.statesOf("killed");
    expect(states.slice(-3)).toEqual(["connected", "disconnected", "unreachable"]);
    await agent.again();
    await plane.connectorIs("killed", "connected");
  });

  test("pings of the WebSocket alone do not keep it alive", async () => {
    const token = await readFile(await plane.joinToken("pings"), "utf8");
    await using connector = await FakeConnector.ready(plane.url, await enrolWith(plane.url, token));
    connector.tellAll([connector.snapshotItem(fakeReport("a")), connector.snapshotItem(failingReport("b"))]);
    await connector.acked(1);
    const stoodStill = standstill.ms;
    let pongs = 0;
    connector.socket.on("pong", () => (pongs += 1));
    const pings = setInterval(() => connector.socket.ping(), 50);
    try {
      expectOnTime(await plane.connectorIs("pings", "unreachable"), stoodStill);
    } finally {
      clearInterval(pings);
    }
    expect(pongs).toBeGreaterThan((DEADLINE_MS / 50) * 0.5);
    expect((await connector.closed()).code).toBe(1006);
    expect(await plane.integration("pings/b")).toMatchObject({
      state: "unknown",
      lastKnown: { state: "error" },
    });
  });

  test("heartbeats alone do", async () => {
    const token = await readFile(await plane.joinToken("beats"), "utf8");
    await using connector = await FakeConnector.ready(plane.url, await enrolWith(plane.url, token));
    const every = FAST.heartbeatMs * SCALE;
    const started = performance.now();
    while (performance.now() - started < DEADLINE_MS + SECOND_MS) {
      const n = connector.beat();
      await connector.until("session.ack", ({ data }) => data.n === n, 1_000);
      await pause(every);
    }
    const shown = await plane.get<ShownConnector>("/connectors/beats");
    expect(shown.state).toBe("connected");
    await eventually("no verdict", () =>
      events.statesOf("beats").includes("unreachable") ? undefined : true,
    );
  });
});
