import { expect, test } from "vitest";
import { refusedPort, silent } from "../../fake/targets.ts";
import { fakeControlPlane, problemAnswer } from "../../fake/control-plane.ts";
import { eventually, loadItems, start, tcpItem } from "./harness.ts";

test("enrols, says hello, becomes ready, beats, tells what it found, and says goodbye", async () => {
  await using target = await silent();
  await using refused = await refusedPort();
  await using plane = await fakeControlPlane({ intervalMs: 250, answerMs: 500, unreachableMs: 2_250 });
  const items = [tcpItem("up", target.port), tcpItem("down", refused.port)];
  await using started = await start(plane, { load: loadItems(items) });
  const session = await plane.session(0);
  const hello = await session.wait("session.hello");
  expect(hello.data).toMatchObject({
    version: "0.0.0-test",
    stream: { first: 1, acked: 0 },
    install: null,
    config: { generation: 0, digest: "" },
  });
  expect(session.request.headers["sec-websocket-protocol"]).toBe("mooring.v1.cloudevents.json");
  expect(session.request.headers["sec-websocket-extensions"]).toBeUndefined();
  expect(session.request.url).toBe("/v1/connect");
  await session.wait("session.ready");
  const down = await session.wait("status.changed", ({ data }) => data.name === "down");
  expect(down).toMatchObject({
    subject: "integrations/down",
    data: { state: "error", reason: "connection_refused", previous: null, coalesced: 0, source: "file" },
  });
  const snapshot = await session.wait("status.snapshot");
  expect(snapshot.data).toMatchObject({ page: 1, pages: 1 });
  expect(snapshot.data.items.map(({ name }) => name)).toEqual(["up", "down"]);
  const beat = await session.wait("session.heartbeat", ({ data }) => data.n === 2);
  expect(beat.data).toMatchObject({ epoch: 1, checks: { online: 1, error: 1 }, configInvalid: null });
  expect((await started.get("/readyz")).status).toBe(200);
  expect((await started.get("/livez?verbose")).text).toContain("[+]eventLoop");
  const { text } = await started.get("/metrics");
  expect(text).toContain("mooring_control_plane_connected 1");
  expect(text).toContain('mooring_integration_state{integration="down",state="error"} 1');
  expect(text).toContain(
    'mooring_integration_condition{integration="down",condition="integration_unreachable"} 1',
  );
  await started.connector.drain("shutdown");
  expect((await session.wait("session.bye")).data).toEqual({ reason: "shutdown", expectedReturnMs: null });
  expect(await session.closed).toBe(1000);
  const sequences = session.frames.flatMap(({ sequence }) => (sequence === undefined ? [] : [sequence]));
  expect(sequences).toEqual(sequences.map((_, index) => index + 1));
});

test("an outage is bridged: what changed is sent in the same stream, in order, none twice", async () => {
  await using target = await silent();
  await using plane = await fakeControlPlane({ intervalMs: 250, answerMs: 500, unreachableMs: 2_250 });
  await using started = await start(plane, { load: loadItems([tcpItem("up", target.port)]) });
  const first = await plane.session(0);
  await eventually(() => plane.applied.length >= 2);
  const before = plane.applied.length;
  plane.script = { ...plane.script, refuse: (socket) => problemAnswer(socket, 503, "admission") };
  first.socket.terminate();
  await eventually(() => plane.attempts.length >= 3);
  expect((await started.get("/livez")).status).toBe(200);
  expect((await started.get("/readyz")).status).toBe(200);
  plane.script = { ...plane.script, refuse: () => false };
  const second = await plane.session(1);
  const hello = await second.wait("session.hello");
  expect(hello.source).toBe(first.frames[0]?.source);
  expect(hello.data.stream).toMatchObject({ first: before + 1, next: before + 1, acked: before });
  expect(hello.data.stateDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
  await second.wait("session.heartbeat");
  expect(plane.applied.length).toBe(before);
  expect(started.lines.filter((line) => line.includes('"reason":"admission"')).length).toBe(1);
});
