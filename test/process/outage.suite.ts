import { expect, test } from "vitest";
import { flipping, placesOf } from "./flipping.ts";
import { Agent, eventually, Plane, type ShownConnector, statusOf } from "./programs.ts";

const SCALE = 0.1;
const MINUTE_MS = 60_000 * SCALE;
const CONNECTED = "mooring_control_plane_connected";

test.concurrent("a control plane that is away for a minute misses nothing", { timeout: 60_000 }, async () => {
  await using target = await flipping(8);
  await using plane = await Plane.start({ scale: SCALE });
  await using agent = await Agent.of(plane, "steady", { integrations: target.integrations });
  const looks = (): number => target.names.reduce((sum, name) => sum + target.truthOf(name).length, 0);
  await eventually("every target was looked at", () =>
    target.names.every((name) => target.truthOf(name).length > 0) ? true : undefined,
  );
  expect(await agent.metric(CONNECTED)).toBe(1);

  await plane.program.stop("SIGTERM");
  const before = looks();
  const back = performance.now() + MINUTE_MS;
  await eventually("the connector notices", async () =>
    (await agent.metric(CONNECTED)) === 0 ? true : undefined,
  );
  // It goes on: each target is looked at again, and each time it is another answer.
  await eventually("it goes on checking", () =>
    looks() >= before + target.names.length && performance.now() > back ? true : undefined,
  );
  expect(await statusOf(`${agent.health}/livez`)).toBe(200);
  expect(await statusOf(`${agent.health}/readyz`)).toBe(200);
  expect(await agent.metric("mooring_status_events_queued")).toBeGreaterThanOrEqual(target.names.length - 1);
  expect(await agent.metric('mooring_control_plane_disconnects_total{reason="goaway"}')).toBe(1);
  const tried = await agent.metric(
    'mooring_control_plane_connect_attempts_total{result="connection_refused"}',
  );
  expect(tried).toBeGreaterThan(0);
  for (const [index, name] of target.names.entries()) {
    const last = target.truthOf(name).at(-1);
    const up = await agent.metric(`mooring_integration_up{integration="flips-${index}"}`);
    // A look may have come between the two.
    if (target.truthOf(name).at(-1) === last) expect(up).toBe(last?.reason === null ? 1 : 0);
  }

  await plane.again();
  const healed = await plane.connectorIs("steady", "connected");
  expect(healed.reason).toBeNull();
  for (const name of target.names) {
    const { history, truth } = await eventually(`all of ${name}`, async () => {
      const told = await plane.history(`steady/${name}`);
      const done = target.truthOf(name).slice();
      return told.length === done.length ? { history: told, truth: done } : undefined;
    });
    expect(placesOf(history, truth)).toEqual(truth.map((_, place) => place));
    expect(history.every(({ observed, coalesced }) => observed === "event" && coalesced === 0)).toBe(true);
  }
  const { integrations } = await plane.until<ShownConnector>(
    "/connectors/steady",
    ({ state }) => state === "connected",
  );
  expect(integrations["unknown"]).toBe(0);
});
