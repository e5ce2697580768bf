import http from "node:http";
import { stat } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failingReport, FakeConnector, fakeReport } from "../fake/connector.ts";
import { started, type Started } from "./started.ts";

let plane: Started;
let connector: FakeConnector;
let beats: NodeJS.Timeout;

beforeAll(async () => {
  plane = await started();
  connector = await FakeConnector.ready(plane.origin, await plane.enrolled("prod"));
  const secret = {
    condition: "secret_invalid",
    stage: "authenticate",
    reason: "credentials_rejected",
  } as const;
  const rejected = { ...failingReport("a"), ...secret, message: "Secret shared is invalid." };
  connector.tellAll([
    connector.snapshotItem(rejected),
    connector.snapshotItem({ ...rejected, name: "b" }),
    connector.snapshotItem(failingReport("c")),
    connector.snapshotItem(fakeReport("d")),
  ]);
  await connector.acked(1);
  beats = setInterval(() => connector.beat(), 1000);
});
afterAll(async () => {
  clearInterval(beats);
  await connector[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

const status = async (method: string, at: string, headers: Record<string, string>): Promise<number> =>
  (await plane.api(method, at, undefined, headers)).status;

describe("who may", () => {
  test("nobody without a token; a viewer looks, an operator touches", async () => {
    expect(await status("GET", "/connectors", { authorization: "" })).toBe(401);
    expect(await status("GET", "/connectors", { authorization: "Bearer wrong-wrong-wrong" })).toBe(401);
    const viewer = { authorization: `Bearer ${plane.viewer}` };
    expect(await status("GET", "/connectors", viewer)).toBe(200);
    expect(await status("POST", "/connectors/prod/refresh", viewer)).toBe(403);
    expect(await status("GET", "/tokens", viewer)).toBe(403);
    const problem = await plane.api("GET", "/connectors/none");
    expect(problem.headers.get("content-type")).toBe("application/problem+json");
    expect(await problem.json()).toMatchObject({
      status: 404,
      error: "not_found",
      detail: "There is no connector none.",
    });
  });

  test("token files are for their owner alone, and hold what is accepted", async () => {
    for (const name of ["operator-token", "viewer-token"])
      expect((await stat(path.join(plane.dataDir, name))).mode & 0o777).toBe(0o600);
    expect((await stat(plane.dataDir)).mode & 0o777).toBe(0o700);
  });

  test("failures from one address are slowed, a right token is not", async () => {
    await using other = await started();
    const codes = new Set<number>();
    for (let index = 0; index < 30; index += 1)
      codes.add(
        (await other.api("GET", "/connectors", undefined, { authorization: "Bearer wrong-wrong" })).status,
      );
    expect([...codes]).toEqual([401, 429]);
    expect((await other.api("GET", "/connectors")).status).toBe(200);
  });

  test("other hosts and pages of other origins are refused; browsers are told what to keep", async () => {
    const ask = (headers: Record<string, string>, at = "/api/v1/connectors"): Promise<number> =>
      new Promise((resolve, reject) => {
        const authorization = `Bearer ${plane.operator}`;
        const request = http.get(
          `${plane.origin}${at}`,
          { headers: { authorization, ...headers } },
          (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          },
        );
        request.on("error", reject);
      });
    expect(await ask({ host: "evil.example" })).toBe(421);
    expect(await ask({ origin: "https://evil.example" })).toBe(403);
    expect(await ask({ origin: "null" })).toBe(403);
    expect(await ask({ origin: plane.origin })).toBe(200);
    expect(await ask({ host: "evil.example" }, "/livez")).toBe(200);
    const page = await fetch(plane.origin);
    expect([page.status, page.headers.get("x-content-type-options")]).toEqual([200, "nosniff"]);
    expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  });
});

describe("what is shown", () => {
  test("connectors and integrations in their contract's words", async () => {
    const shown = await plane.get("/connectors/prod");
    expect(shown).toMatchObject({
      name: "prod",
      state: "connected",
      version: "0.0.1-test",
      install: { kind: "helm", namespace: "mooring", release: "one" },
      integrations: { online: 1, warning: 0, error: 3, unknown: 0 },
    });
    expect(await plane.get("/integrations/prod/c")).toMatchObject({
      name: "c",
      type: "tcp",
      state: "error",
      condition: "integration_unreachable",
      reason: "connection_refused",
      connector: "prod",
      source: "file",
      blocks: [],
      lastKnown: null,
    });
  });

  test("lists filter, page, and refuse what they do not know", async () => {
    const names = async (query: string): Promise<string[]> =>
      (await plane.get<{ items: { name: string }[] }>(`/integrations?${query}`)).items.map(
        ({ name }) => name,
      );
    expect(await names("connector=prod&state=error")).toEqual(["a", "b", "c"]);
    expect(await names("condition=secret_invalid")).toEqual(["a", "b"]);
    const first = await plane.get<{ items: unknown[]; next: string }>("/integrations?limit=3");
    expect(first.items).toHaveLength(3);
    expect(await names(`limit=3&cursor=${first.next}`)).toEqual(["d"]);
    for (const query of ["limit=501", "limit=0", "state=odd", "cursor=rubbish"])
      expect((await plane.api("GET", `/integrations?${query}`)).status).toBe(400);
    expect((await plane.api("GET", "/integrations?connector=none")).status).toBe(404);
  });

  test("the summary counts a failing secret once, and tells what explains most first", async () => {
    const summary = await plane.get<{
      troubles: { message: string; explains: number }[];
      conditions: unknown;
    }>("/summary");
    expect(summary.troubles.map(({ message, explains }) => [message, explains])).toEqual([
      ["Secret shared is invalid.", 2],
      ["Integration c is unreachable.", 1],
    ]);
    expect(summary.conditions).toMatchObject({ secret_invalid: 1, integration_unreachable: 1 });
  });

  test("samples and heartbeats in buckets, when it was looked at and will be", async () => {
    const at = new Date(Date.now() - 1000).toISOString();
    const next = new Date(Date.now() + 60_000).toISOString();
    const sample = { name: "d", at, state: "online", next } as const;
    const n = connector.beat({ samples: [5, 1, 3].map((ms) => ({ ...sample, ms })) });
    await connector.until("session.ack", ({ data }) => data.n === n);
    const samples = await plane.get<{ items: unknown[] }>("/integrations/prod/d/samples");
    expect(samples.items.at(-1)).toMatchObject({ state: "online", count: 3, min: 1, median: 3, max: 5 });
    const beaten = await plane.get<{ items: unknown[] }>("/connectors/prod/heartbeats");
    expect(beaten.items.at(-1)).toMatchObject({ state: "online" });
    expect(await plane.get("/integrations/prod/d")).toMatchObject({ checkedAt: at, nextCheckAt: next });
  });

  test("what operators did", async () => {
    await plane.api("POST", "/tokens", { connector: "another" });
    const { items } = await plane.get<{ items: object[] }>("/audit");
    expect(items[0]).toMatchObject({ actor: "operator", action: "token.create", target: "another" });
    expect(await plane.get("/connectors/another")).toMatchObject({
      state: "never_connected",
      reason: "never_connected",
    });
  });

  test("the OpenAPI document names every call, and metrics every figure", async () => {
    const document = await plane.get<{ paths: Record<string, object> }>("/openapi.json");
    expect(Object.keys(document.paths)).toContain("/api/v1/integrations/{connector}/{name}/history");
    expect(Object.keys(document.paths).length).toBeGreaterThan(15);
    const metrics = await (await fetch(`${plane.origin}/metrics`)).text();
    for (const line of [
      "mooring_control_plane_sessions 1",
      'mooring_control_plane_connectors{state="connected"} 1',
      'mooring_control_plane_integrations{state="error"} 3',
      "mooring_control_plane_verdicts_held 0",
      "mooring_control_plane_admission_rejected_total 0",
      "mooring_control_plane_ack_seconds_count",
      "mooring_control_plane_command_age_seconds 0",
      "mooring_control_plane_store_commit_seconds_count",
    ])
      expect(metrics).toContain(line);
    expect((await fetch(`${plane.origin}/readyz`)).status).toBe(200);
  });

  test("bodies are bounded and must be JSON", async () => {
    const large = { connector: "x".repeat(70_000) };
    expect((await plane.api("POST", "/tokens", large)).status).toBe(413);
    expect(await status("POST", "/tokens", { "content-type": "text/plain" })).toBe(415);
    expect((await plane.api("POST", "/tokens", { connector: "Not A Label" })).status).toBe(400);
  });
});

/** Reads server-sent events until there are so many. */
async function events(
  count: number,
  lastEventId?: string,
): Promise<{ id: string; event: string; data: string }[]> {
  const over = new AbortController();
  const late = setTimeout(() => over.abort(), 5_000);
  const headers: Record<string, string> = { authorization: `Bearer ${plane.viewer}` };
  if (lastEventId !== undefined) headers["last-event-id"] = lastEventId;
  const response = await fetch(`${plane.origin}/api/v1/events`, { headers, signal: over.signal });
  const found: { id: string; event: string; data: string }[] = [];
  let text = "";
  try {
    for await (const chunk of response.body ?? []) {
      text += new TextDecoder().decode(chunk);
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks.filter((each) => !each.startsWith(":"))) {
        const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
        found.push(fields as { id: string; event: string; data: string });
      }
      if (found.length >= count) break;
    }
  } finally {
    clearTimeout(late);
    over.abort();
  }
  return found;
}

describe("events", () => {
  test("each is what the GET returns; a reader that was away goes on where it was", async () => {
    const reading = events(2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    connector.tell(failingReport("d"));
    const told = await reading;
    const first = told.find(({ event }) => event === "integration");
    const shown = await plane.get("/integrations/prod/d");
    expect(JSON.parse(first?.data ?? "")).toEqual(shown);
    connector.tell(fakeReport("d"));
    await connector.acked(connector.next - 1);
    const missed = await events(2, told.at(-1)?.id);
    const states = missed
      .filter(({ event }) => event === "integration")
      .map(({ data }) => JSON.parse(data) as object);
    expect(states[0]).toMatchObject({ name: "d", state: "online" });
    expect(shown).toMatchObject({ state: "error" });
  });

  test("an id that is too old, or another process's, is told to read everything anew", async () => {
    const [reset] = await events(1, "018f0000-0000-7000-8000-000000000000:5");
    expect(reset).toMatchObject({ event: "reset" });
    expect((await fetch(`${plane.origin}/api/v1/events`)).status).toBe(401);
  });
});
