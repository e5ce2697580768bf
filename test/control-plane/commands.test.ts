import { afterAll, beforeAll, expect, test } from "vitest";
import { failingReport, FakeConnector, fakeReport } from "../fake/connector.ts";
import { started, type Started } from "./started.ts";

let plane: Started;
let count = 0;

beforeAll(async () => {
  plane = await started({ timeScale: 0.02 });
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
});

interface Shown {
  id: string;
  state: string;
  attempt: number;
  reason: string | null;
  stages: { stage: string }[];
  result: { state: string; message: string } | null;
}

/** A connector with one integration, kept alive by its beats. */
async function connected(): Promise<{ name: string; connector: FakeConnector; done: () => Promise<void> }> {
  const name = `commands-${(count += 1)}`;
  const connector = await FakeConnector.ready(plane.origin, await plane.enrolled(name));
  connector.tellAll([connector.snapshotItem(fakeReport("db")), connector.snapshotItem(fakeReport("api"))]);
  await connector.acked(1);
  const beats = setInterval(() => connector.beat(), 250);
  const done = async (): Promise<void> => {
    clearInterval(beats);
    await connector[Symbol.asyncDispose]();
  };
  return { name, connector, done };
}

async function ask(path: string, body?: unknown, headers?: Record<string, string>): Promise<string> {
  const response = await plane.api("POST", path, body, headers);
  expect(response.status).toBe(202);
  return ((await response.json()) as { commandId: string }).commandId;
}

const ended = (id: string, state: string, ms?: number): Promise<Shown> =>
  plane.until<Shown>(`/commands/${id}`, (shown) => shown.state === state, ms);

test("a refresh: dispatched, accepted, its stages as they pass, its words stored", async () => {
  const { name, connector, done } = await connected();
  const id = await ask(`/integrations/${name}/db/refresh`);
  const { data, correlationid } = await connector.until("command.dispatch");
  expect(data).toMatchObject({ commandId: id, kind: "refresh", resourceKey: "integrations/db", attempt: 1 });
  expect(data.args).toEqual({ integration: "db" });
  expect(correlationid).toBe(id);
  connector.sendNext("command.accepted", { commandId: id, attempt: 1 });
  connector.sendNext("command.progress", { commandId: id, stage: { stage: "resolve", ok: true, ms: 1 } });
  const running = await plane.until<Shown>(`/commands/${id}`, ({ stages }) => stages.length === 1);
  expect(running.state).toBe("accepted");
  const report = fakeReport("db", { coverage: ["newer words"] });
  const result = {
    commandId: id,
    outcome: "succeeded",
    reason: null,
    message: null,
    report,
    refreshed: null,
  } as const;
  connector.sendNext("command.result", result);
  expect((await ended(id, "succeeded")).result).toMatchObject({ name: "db", state: "online" });
  expect(await plane.get(`/integrations/${name}/db`)).toMatchObject({ coverage: ["newer words"] });
  connector.sendNext("command.result", { ...result, outcome: "failed", reason: "not_found" });
  await connector.acked(connector.next - 1);
  expect((await ended(id, "succeeded")).state).toBe("succeeded");
  await done();
});

test("a test stores nothing; an unsaved one is the connector's to allow", async () => {
  const { name, connector, done } = await connected();
  const id = await ask(`/integrations/${name}/db/test`);
  await connector.until("command.dispatch", ({ data }) => data.commandId === id);
  const report = failingReport("db");
  const found = { outcome: "succeeded", reason: null, message: null, report, refreshed: null } as const;
  connector.sendNext("command.result", { commandId: id, ...found });
  expect((await ended(id, "succeeded")).result).toMatchObject({ state: "error" });
  expect(await plane.get(`/integrations/${name}/db`)).toMatchObject({ state: "online" });
  const item = { name: "new-db", type: "postgresql", config: { host: "h" } };
  const unsaved = await ask(`/connectors/${name}/test`, item);
  const dispatch = await connector.until("command.dispatch", ({ data }) => data.commandId === unsaved);
  expect(dispatch.data).toMatchObject({
    kind: "integration.test",
    resourceKey: "tests/new-db",
    args: { item },
  });
  const refused = {
    outcome: "failed",
    reason: "policy_forbidden",
    message: "no",
    report: null,
    refreshed: null,
  } as const;
  connector.sendNext("command.result", { commandId: unsaved, ...refused });
  expect(await ended(unsaved, "failed")).toMatchObject({ reason: "policy_forbidden", result: null });
  expect(
    (await plane.api("POST", `/connectors/${name}/test`, { name: "Not A Name", type: "tcp" })).status,
  ).toBe(400);
  await done();
});

test("one Idempotency-Key is one command; for another request it is refused", async () => {
  const { name, connector, done } = await connected();
  const key = { "idempotency-key": "once" };
  const first = await ask(`/integrations/${name}/db/refresh`, undefined, key);
  expect(await ask(`/integrations/${name}/db/refresh`, undefined, key)).toBe(first);
  expect((await plane.api("POST", `/integrations/${name}/api/refresh`, undefined, key)).status).toBe(409);
  await connector.until("command.dispatch");
  expect(connector.received.filter(({ type }) => type === "command.dispatch")).toHaveLength(1);
  await done();
});

test("one of a key is in flight at a time, in order; the next leaves when it ends", async () => {
  const { name, connector, done } = await connected();
  const first = await ask(`/integrations/${name}/db/refresh`);
  const second = await ask(`/integrations/${name}/db/test`);
  const other = await ask(`/integrations/${name}/api/refresh`);
  await connector.until("command.dispatch", ({ data }) => data.commandId === other);
  const sent = (): string[] =>
    connector.received.flatMap((frame) => (frame.type === "command.dispatch" ? [frame.data.commandId] : []));
  expect(sent()).toEqual([first, other]);
  const result = {
    outcome: "succeeded",
    reason: null,
    message: null,
    report: null,
    refreshed: null,
  } as const;
  connector.sendNext("command.result", { commandId: first, ...result });
  await connector.until("command.dispatch", ({ data }) => data.commandId === second);
  await done();
});

test("not more than sixteen are in flight", async () => {
  const { name, connector, done } = await connected();
  const names = Array.from({ length: 20 }, (_, index) => `i${index}`);
  connector.tellAll(names.map((each) => connector.snapshotItem(fakeReport(each))));
  await connector.acked(connector.next - 1);
  for (const each of names) await ask(`/integrations/${name}/${each}/refresh`);
  await connector.until("command.dispatch", ({ data }) => data.resourceKey === "integrations/i15");
  await new Promise((resolve) => setTimeout(resolve, 50));
  const sent = new Set(
    connector.received.flatMap((frame) => (frame.type === "command.dispatch" ? [frame.data.commandId] : [])),
  );
  expect(sent.size).toBe(16);
  await done();
});

test("undelivered it expires and is never sent later; untaken it is sent again, on the next session too", async () => {
  const { name, connector, done } = await connected();
  const id = await ask(`/connectors/${name}/refresh`);
  await connector.until("command.dispatch", ({ data }) => data.attempt === 2);
  await done();
  await using again = await FakeConnector.ready(plane.origin, connector.identity);
  const resent = await again.until("command.dispatch");
  expect(resent.data.commandId).toBe(id);
  expect(resent.data.attempt).toBeGreaterThanOrEqual(3);
  expect(resent.data.timeoutMs).toBeLessThan(1_200);
  await again[Symbol.asyncDispose]();
  const late = await ask(`/connectors/${name}/refresh`);
  expect(await ended(late, "expired", 4_000)).toMatchObject({ reason: "request_expired", attempt: 0 });
  await using later = await FakeConnector.ready(plane.origin, connector.identity);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(later.received.some(({ type }) => type === "command.dispatch")).toBe(false);
});

test("taken and never ended it is unknown; a restart of the control plane forgets none", async () => {
  const { name, connector, done } = await connected();
  const id = await ask(`/integrations/${name}/db/refresh`);
  await connector.until("command.dispatch");
  connector.sendNext("command.accepted", { commandId: id, attempt: 1 });
  await connector.acked(connector.next - 1);
  await done();
  await plane.restart();
  expect(await ended(id, "unknown", 4_000)).toMatchObject({ result: null });
});
