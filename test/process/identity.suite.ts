import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { enrolBody, newKey } from "../fake/connector.ts";
import { Forwarder } from "./forwarder.ts";
import { Agent, eventually, folder, pause, Plane, type ShownConnector, statusOf } from "./programs.ts";

const SCALE = 0.03;

describe.concurrent("one identity", () => {
  let plane: Plane;
  const parts = new AsyncDisposableStack();
  beforeAll(async () => {
    plane = parts.use(await Plane.start({ scale: SCALE }));
  });
  afterAll(() => parts.disposeAsync());

  test("two connectors that share it are told, on both ends", async () => {
    await using copy = await folder();
    await using first = await Agent.of(plane, "twin");
    const state = join(copy.path, "state");
    await cp(first.state, state, { recursive: true });
    await using second = await Agent.start({ scale: SCALE, to: plane.url, state, ready: false });
    const told = await plane.until<ShownConnector>(
      "/connectors/twin",
      ({ reason }) => reason === "duplicate_identity",
    );
    expect(told.state).toBe("connected");
    expect(told.cause).not.toBeNull();
    expect(told.remedy.length).toBeGreaterThan(0);
    const refused = await eventually("one of them stops", () =>
      [first, second].find(({ program }) => program.log.some(({ reason }) => reason === "duplicateIdentity")),
    );
    const line = refused.program.log.find(({ reason }) => reason === "duplicateIdentity");
    expect(line).toMatchObject({
      level: "warn",
      message: "The control plane ended the session: another instance uses this identity.",
    });
    expect(await statusOf(`${refused.health}/livez`)).toBe(200);
    await eventually("not ready", async () =>
      (await statusOf(`${refused.health}/readyz`)) === 503 ? true : undefined,
    );
    expect(await refused.metric('mooring_control_plane_disconnects_total{reason="4504"}')).toBe(1);
    // Before that they took turns: the displaced one was told so.
    const superseded = [first, second].some(({ program }) =>
      program.log.some(({ reason }) => reason === "superseded"),
    );
    expect(superseded).toBe(true);
    const other = refused === first ? second : first;
    expect(await other.metric("mooring_control_plane_connected")).toBe(1);
  });

  test("a join token takes one key", async () => {
    await using places = await folder();
    const joinTokenFile = join(places.path, "token");
    await cp(await plane.joinToken("once"), joinTokenFile);
    await using first = await Agent.start({ scale: SCALE, to: plane.url, joinTokenFile });
    await using second = await Agent.start({ scale: SCALE, to: plane.url, joinTokenFile, ready: false });
    const line = await second.program.logged("a refusal", ({ reason }) => reason === "token_used");
    const host = new URL(plane.url).host;
    expect(line).toMatchObject({
      level: "warn",
      message: `The control plane at ${host} says that the join token was used with another key: make a new one with mooring token create NAME.`,
    });
    const token = await readFile(joinTokenFile, "utf8");
    expect(second.program.stdout).not.toContain(token);
    expect(plane.program.stdout).not.toContain(token);
    const answer = await enrol(token);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({ status: 401, error: "token_used" });
    expect(await first.metric("mooring_control_plane_connected")).toBe(1);
    // A new token in the same file is all that it takes.
    await cp(await plane.joinToken("twice"), joinTokenFile);
    await second.program.until200(`${second.health}/readyz`);
    expect(await plane.get("/connectors/twice")).toMatchObject({ state: "connected" });
  });

  async function enrol(token: string): Promise<Response> {
    const body = await enrolBody(await newKey(), { token, aud: plane.url });
    const headers = { "content-type": "application/json" };
    return fetch(`${plane.url}/v1/enroll`, { method: "POST", headers, body: JSON.stringify(body) });
  }

  test("a revoked key ends the session within 5 s, and a new join token heals it", async () => {
    await using places = await folder();
    const joinTokenFile = join(places.path, "token");
    await cp(await plane.joinToken("revoked"), joinTokenFile);
    await using agent = await Agent.start({ scale: SCALE, to: plane.url, joinTokenFile });
    const asked = performance.now();
    expect((await plane.api("POST", "/connectors/revoked/revoke")).status).toBe(204);
    const line = await agent.program.logged("an end", ({ reason }) => reason === "revoked", 5_000);
    expect(performance.now() - asked).toBeLessThan(5_000);
    expect(line.message).toBe("The control plane ended the session: the connector was revoked.");
    await eventually("not ready", async () =>
      (await statusOf(`${agent.health}/readyz`)) === 503 ? true : undefined,
    );
    expect(await statusOf(`${agent.health}/livez`)).toBe(200);
    const shown = await plane.connectorIs("revoked", "offline");
    expect(shown).toMatchObject({ condition: null, message: "Connector revoked is revoked." });
    // Its key opens nothing any more.
    await agent.program.stop();
    await agent.again("livez");
    const refused = await agent.program.logged("a refusal", ({ reason }) => reason === "revoked");
    expect(refused.message).toBe(
      `The control plane at ${new URL(plane.url).host} has revoked this connector: to let it come back, give it a new join token (mooring token create NAME).`,
    );
    await cp(await plane.joinToken("revoked"), joinTokenFile);
    await plane.connectorIs("revoked", "connected");
  });
});

describe.concurrent("what stands in between", () => {
  test("a captive proxy is named, and what comes after it heals", async () => {
    await using proxy = await Forwarder.start();
    await using plane = await Plane.start({ scale: 0.05, through: proxy.url });
    proxy.to = Number(new URL(plane.own).port);
    proxy.way = "captive";
    await using agent = await Agent.of(plane, "captive", { ready: false });
    const host = new URL(proxy.url).host;
    const line = await agent.program.logged("a refusal", ({ reason }) => reason === "captive_proxy");
    expect(line.message).toBe(
      `Something between the connector and ${host} answered 200 instead of opening the session: a proxy or a sign-in page.`,
    );
    expect(await plane.get("/connectors/captive")).toMatchObject({
      state: "never_connected",
      reason: "never_connected",
    });
    proxy.way = "works";
    await plane.connectorIs("captive", "connected");
    expect(await statusOf(`${agent.health}/readyz`)).toBe(200);
  });

  test(
    "a proxy that cuts idle connections: heartbeats keep it open, and a cut heals",
    { timeout: 60_000 },
    async () => {
      const scale = 0.06;
      const beatMs = 15_000 * scale;
      await using proxy = await Forwarder.start();
      await using plane = await Plane.start({ scale, through: proxy.url });
      proxy.to = Number(new URL(plane.own).port);
      proxy.way = { cutsIdleMs: beatMs * 1.5 };
      await using agent = await Agent.of(plane, "idle");
      await pause(beatMs * 3);
      expect(proxy.cuts).toBe(0);
      expect(await agent.metric('mooring_control_plane_connect_attempts_total{result="ready"}')).toBe(1);
      await agent.program.stop();

      proxy.way = { cutsIdleMs: beatMs * 0.3 };
      await agent.again();
      await plane.connectorIs("idle", "disconnected");
      const line = await agent.program.logged("a cut", ({ reason }) => reason === "abnormal");
      expect(line.message).toBe(
        "The control plane ended the session: the socket ended without a close frame.",
      );
      await eventually("it comes back and is cut again", () => (proxy.cuts >= 2 ? true : undefined));
      proxy.way = "works";
      await plane.connectorIs("idle", "connected");
      await eventually("it stays", async () =>
        (await agent.metric("mooring_control_plane_connected")) === 1 ? true : undefined,
      );
    },
  );
});
