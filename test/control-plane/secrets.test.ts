import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canonicalSecrets, type SecretItem, SECRETS_CAPABILITY } from "../../src/protocol/secret-frames.ts";
import { FakeConnector } from "../fake/connector.ts";
import { started, type Started } from "./started.ts";

let plane: Started;
beforeAll(async () => {
  plane = await started();
});
afterAll(() => plane[Symbol.asyncDispose]());

const hello = { capabilities: [SECRETS_CAPABILITY] };
const list = (path: string) => plane.get<{ items: Record<string, unknown>[] }>(path);

function secret(id: string, more: Partial<SecretItem> = {}): SecretItem {
  return {
    ...{ id, store: "vault", storeType: "vault", name: `kv/${id}`, state: "online", condition: null },
    ...{ stage: null, reason: null, message: `Secret kv/${id} is readable.`, cause: null, remedy: [] },
    ...{ findings: [], usedBy: ["orders-db"], users: 1, version: "3", expiresAt: null, lastReadAt: null },
    createdAt: new Date(Date.now() - 7_200_000).toISOString(),
    since: "2026-01-02T03:04:05.000Z",
    ...more,
  };
}

const failing = (id: string): SecretItem =>
  secret(id, {
    state: "error",
    condition: "secret_unreachable",
    stage: "secret",
    reason: "secret_not_found",
    message: `Secret kv/${id} is unreachable.`,
    cause: "It is not there.",
    remedy: [{ text: "Make it.", command: null }],
    usedBy: ["a", "b"],
    users: 2,
  });

describe("secrets that a connector tells", () => {
  test("are shown, each by its id, with their age; others are not there", async () => {
    await using connector = await FakeConnector.ready(plane.origin, await plane.enrolled("one"), { hello });
    const items = [secret("s1"), failing("s2")];
    await connector.acked(connector.sendNext("secrets.changed", { all: ["s1", "s2"], items }));
    const { items: shown } = await list("/secrets?connector=one");
    expect(shown).toHaveLength(2);
    expect(shown[0]).toMatchObject({ connector: "one", id: "s1", state: "online", version: "3", users: 1 });
    expect(shown[0]?.["age"]).toBeGreaterThanOrEqual(7_200);
    expect(await plane.get("/secrets/one/s2")).toMatchObject({
      message: "Secret kv/s2 is unreachable.",
      reason: "secret_not_found",
      remedy: [{ text: "Make it.", command: null }],
      usedBy: ["a", "b"],
      blockedBy: null,
    });
    expect((await list("/secrets?connector=one&state=error")).items.map(({ id }) => id)).toEqual(["s2"]);
    expect((await list("/secrets?connector=one&store=aws")).items).toEqual([]);
    expect((await plane.api("GET", "/secrets/one/none")).status).toBe(404);
    expect((await plane.api("GET", "/secrets?connector=none")).status).toBe(404);
  });

  test("are brought up to date one by one, and gone where a list of all has them not", async () => {
    await using connector = await FakeConnector.ready(plane.origin, await plane.enrolled("two"), { hello });
    connector.sendNext("secrets.changed", { all: ["s1", "s2"], items: [secret("s1"), failing("s2")] });
    connector.sendNext("secrets.changed", { all: null, items: [secret("s2", { version: "4" })] });
    await connector.acked(2);
    expect(await plane.get("/secrets/two/s2")).toMatchObject({ state: "online", version: "4" });
    await connector.acked(connector.sendNext("secrets.changed", { all: ["s2"], items: [] }));
    expect((await list("/secrets?connector=two")).items.map(({ id }) => id)).toEqual(["s2"]);
  });

  test("were read when a heartbeat says so", async () => {
    await using connector = await FakeConnector.ready(plane.origin, await plane.enrolled("three"), { hello });
    await connector.acked(connector.sendNext("secrets.changed", { all: ["s1"], items: [secret("s1")] }));
    const at = new Date(Date.now() - 1000).toISOString();
    connector.beat({ reads: [{ id: "s1", at }] });
    await plane.until("/secrets/three/s1", ({ lastReadAt }) => lastReadAt === at);
  });

  test("are told as events, their end too", async () => {
    await using connector = await FakeConnector.ready(plane.origin, await plane.enrolled("four"), { hello });
    const over = new AbortController();
    const response = await fetch(`${plane.origin}/api/v1/events`, {
      headers: { authorization: `Bearer ${plane.viewer}` },
      signal: over.signal,
    });
    connector.sendNext("secrets.changed", { all: ["s1"], items: [failing("s1")] });
    connector.sendNext("secrets.changed", { all: [], items: [] });
    let seen = "";
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      seen += Buffer.from(chunk).toString();
      if (seen.includes('"removed":true')) break;
    }
    over.abort();
    expect(seen).toMatch(/event: secret\ndata: \{"id":"s1".*Secret kv\/s1 is unreachable/);
  });
});

test("the digest of what is stored is in welcome: nothing needs to be told again", async () => {
  const identity = await plane.enrolled("five");
  const items = [secret("s1"), failing("s2")];
  {
    await using connector = await FakeConnector.ready(plane.origin, identity, { hello });
    await connector.acked(connector.sendNext("secrets.changed", { all: ["s1", "s2"], items }));
  }
  await using again = await FakeConnector.open(plane.origin, identity);
  const { data } = await again.greet(hello);
  expect(data.capabilities).toContain(SECRETS_CAPABILITY);
  const digest = createHash("sha256").update(canonicalSecrets(items)).digest("hex");
  expect(data.secretsDigest).toBe(`sha256:${digest}`);
});

test("a connector that does not know secrets is told nothing of them", async () => {
  await using connector = await FakeConnector.open(plane.origin, await plane.enrolled("six"));
  const { data } = await connector.greet();
  expect("secretsDigest" in data).toBe(false);
});

test("behind a silent connector a secret is unknown, with what was known last", async () => {
  const identity = await plane.enrolled("seven");
  {
    await using connector = await FakeConnector.ready(plane.origin, identity, { hello });
    await connector.acked(connector.sendNext("secrets.changed", { all: ["s1"], items: [failing("s1")] }));
  }
  const shown = await plane.until("/secrets/seven/s1", ({ state }) => state === "unknown", 15_000);
  expect(shown).toMatchObject({
    condition: null,
    reason: "heartbeat_missed",
    blockedBy: { kind: "connector" },
    lastKnown: { state: "error", reason: "secret_not_found" },
    message: "Secret kv/s1 is unknown (last known: error at 2026-01-02T03:04:05.000Z).",
  });
});
