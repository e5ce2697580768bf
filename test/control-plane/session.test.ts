import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failingReport, FakeConnector, type FakeIdentity, fakeReport } from "../fake/connector.ts";
import { started, type Started } from "./started.ts";

let plane: Started;
let count = 0;
const fresh = (): Promise<FakeIdentity> => plane.enrolled(`session-${(count += 1)}`);

beforeAll(async () => {
  plane = await started();
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
});

interface Shown {
  state: string;
  reason: string | null;
  message: string;
  blockedBy: unknown;
}

describe("handshake", () => {
  test("hello, welcome, ready, ack; then a beat is answered", async () => {
    const identity = await fresh();
    await using connector = await FakeConnector.open(plane.origin, identity);
    const welcome = await connector.greet();
    expect(welcome.data.connector).toEqual({
      id: identity.answer.connectorId,
      name: identity.answer.connector,
    });
    expect(welcome.data.resume).toEqual({ mode: "snapshot", last: 0 });
    expect(welcome.data.heartbeat).toEqual({ intervalMs: 1500, answerMs: 1000, unreachableMs: 4500 });
    const ack = await connector.becomeReady();
    expect(ack.data.applied).toBe(0);
    expect(ack.data.epoch).toBeGreaterThan(0);
    const started = performance.now();
    const n = connector.beat();
    await connector.until("session.ack", ({ data }) => data.n === n);
    expect(performance.now() - started).toBeLessThan(1000);
    const shown = await plane.get<Shown>(`/connectors/${identity.answer.connector}`);
    expect(shown).toMatchObject({ state: "connected", condition: null, reason: null });
  });

  test("silence after the upgrade is 4408", async () => {
    await using connector = await FakeConnector.open(plane.origin, await fresh());
    expect((await connector.closed()).code).toBe(4408);
  });

  test("hello that is never followed by ready evicts nobody", async () => {
    const identity = await fresh();
    await using sitting = await FakeConnector.ready(plane.origin, identity);
    await using idle = await FakeConnector.open(plane.origin, identity);
    await idle.greet();
    expect((await idle.closed()).code).toBe(4408);
    const n = sitting.beat();
    await sitting.until("session.ack", ({ data }) => data.n === n);
  });

  test.each([
    ["a frame before hello", (connector: FakeConnector) => void connector.beat()],
    ["text that is no JSON", (connector: FakeConnector) => connector.socket.send("{")],
    ["JSON that is no event", (connector: FakeConnector) => connector.socket.send("[]")],
    [
      "another connector's source",
      (connector: FakeConnector) =>
        connector.send("session.hello", connector.helloData(), { source: "/connectors/other/streams/x" }),
    ],
  ])("%s is 4400", async (_name, misbehave) => {
    await using connector = await FakeConnector.open(plane.origin, await fresh());
    misbehave(connector);
    expect((await connector.closed()).code).toBe(4400);
  });

  test("a second hello is 4400", async () => {
    await using connector = await FakeConnector.ready(plane.origin, await fresh());
    connector.send("session.hello", connector.helloData());
    expect((await connector.closed()).code).toBe(4400);
  });

  test("binary is 1003, bad UTF-8 1007, 257 KiB 1009", async () => {
    const identity = await fresh();
    await using binary = await FakeConnector.ready(plane.origin, identity);
    binary.socket.send(Buffer.from([1, 2, 3]), { binary: true });
    expect((await binary.closed()).code).toBe(1003);
    await using broken = await FakeConnector.ready(plane.origin, identity);
    broken.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect((await broken.closed()).code).toBe(1007);
    await using big = await FakeConnector.ready(plane.origin, identity);
    big.socket.send("x".repeat(257 * 1024));
    expect((await big.closed()).code).toBe(1009);
  });
});

describe("the stream", () => {
  test("a change is acked after it is stored, a duplicate once more, its effect once", async () => {
    const identity = await fresh();
    const name = identity.answer.connector;
    await using connector = await FakeConnector.ready(plane.origin, identity);
    connector.tellAll([connector.snapshotItem(fakeReport("db"))]);
    const sequence = connector.tell(failingReport("db"));
    await connector.acked(sequence);
    expect(await plane.get(`/integrations/${name}/db`)).toMatchObject({
      state: "error",
      reason: "connection_refused",
    });
    connector.next = sequence;
    connector.received.length = 0;
    connector.tell(failingReport("db"));
    await connector.acked(sequence);
    const { items } = await plane.get<{ items: { from: string; to: string }[] }>(
      `/integrations/${name}/db/history`,
    );
    expect(items.map(({ from, to }) => [from, to])).toEqual([
      ["online", "error"],
      [null, "online"],
    ]);
  });

  test("changes that were merged into one that changes nothing are counted", async () => {
    const identity = await fresh();
    await using connector = await FakeConnector.ready(plane.origin, identity);
    await connector.acked(connector.tell(fakeReport("a")));
    await connector.acked(connector.tell(fakeReport("a"), { coalesced: 2 }));
    const at = `/integrations/${identity.answer.connector}/a/history`;
    const { items } = await plane.get<{ items: unknown[] }>(at);
    expect(items).toMatchObject([
      { from: "online", to: "online", coalesced: 2 },
      { from: null, to: "online", coalesced: 0 },
    ]);
  });

  test("a gap is 4410, and the mark is where it was", async () => {
    const identity = await fresh();
    await using connector = await FakeConnector.ready(plane.origin, identity);
    await connector.acked(connector.tell(fakeReport("a")));
    connector.next += 1;
    connector.tell(fakeReport("b"));
    expect((await connector.closed()).code).toBe(4410);
    await using again = await FakeConnector.open(plane.origin, identity);
    again.streamId = connector.streamId;
    const welcome = await again.greet({ stream: { id: connector.streamId, first: 2, next: 4, acked: 1 } });
    expect(welcome.data.resume.last).toBe(1);
  });

  test("an event of 65 KiB and a malformed one are told and dropped, and their numbers count", async () => {
    await using connector = await FakeConnector.ready(plane.origin, await fresh());
    const large = connector.next;
    connector.tell(fakeReport("a", { cause: "x".repeat(66_000) }));
    const malformed = connector.tell({ ...fakeReport("a"), name: "Not A Name" });
    const good = connector.tell(fakeReport("a"));
    await connector.acked(good);
    const errors = connector.received.filter((frame) => frame.type === "session.error");
    expect(errors.map(({ data }) => data.code)).toEqual(["tooLarge", "invalid"]);
    expect([large, malformed, good]).toEqual([1, 2, 3]);
  });

  test("unknown types and attributes are ignored, and their numbers count", async () => {
    const identity = await fresh();
    await using connector = await FakeConnector.ready(plane.origin, identity);
    const base = { specversion: "1.0", source: connector.source, time: new Date().toISOString() };
    const later = { ...base, datacontenttype: "application/json", data: {}, newattribute: "x" };
    connector.socket.send(JSON.stringify({ ...later, id: "n1", type: "dev.mooring.status.novel.v1" }));
    const numbered = {
      ...later,
      id: "n2",
      type: "dev.mooring.status.novel.v1",
      sequence: "0000000000000001",
    };
    connector.socket.send(JSON.stringify(numbered));
    connector.next = 2;
    await connector.acked(connector.tell(fakeReport("a")));
  });

  test("more than the rate is 4429, beats too", async () => {
    const identity = await fresh();
    await using fast = await FakeConnector.ready(plane.origin, identity);
    for (let index = 0; index < 20; index += 1) fast.beat();
    expect((await fast.closed()).code).toBe(4429);
    await using flood = await FakeConnector.ready(plane.origin, identity);
    for (let index = 0; index < 900; index += 1) flood.tell(fakeReport("a"));
    expect((await flood.closed()).code).toBe(4429);
  });
});

describe("resume and snapshot", () => {
  test("after a restart of the control plane the mark is exact, and an unknown stream gets a snapshot", async () => {
    const identity = await fresh();
    const connector = await FakeConnector.ready(plane.origin, identity);
    connector.tellAll([connector.snapshotItem(fakeReport("a"))]);
    const sequence = connector.tell(failingReport("a"));
    await connector.acked(sequence);
    await plane.restart();
    await using again = await FakeConnector.open(plane.origin, identity);
    again.streamId = connector.streamId;
    const welcome = await again.greet({ stream: { id: connector.streamId, first: 1, next: 5, acked: 0 } });
    expect(welcome.data.resume).toEqual({ mode: "resume", last: sequence });
    await connector[Symbol.asyncDispose]();
  });

  test("a stream that is taken up again after another one was seated needs a snapshot", async () => {
    const identity = await fresh();
    await using one = await FakeConnector.ready(plane.origin, identity);
    one.tellAll([one.snapshotItem(fakeReport("a"))]);
    await one.acked(1);
    await using two = await FakeConnector.ready(plane.origin, identity);
    await two.acked(two.tell(failingReport("a")));
    await using again = await FakeConnector.open(plane.origin, identity);
    again.streamId = one.streamId;
    const stream = { id: one.streamId, first: 2, next: 3, acked: 1 };
    expect((await again.greet({ stream })).data.resume).toEqual({ mode: "snapshot", last: 1 });
  });

  test("one that was seated between welcome and ready has the snapshot asked for", async () => {
    const identity = await fresh();
    await using one = await FakeConnector.ready(plane.origin, identity);
    one.tellAll([one.snapshotItem(fakeReport("a"))]);
    await one.acked(1);
    await using again = await FakeConnector.open(plane.origin, identity);
    again.streamId = one.streamId;
    const stream = { id: one.streamId, first: 2, next: 3, acked: 1 };
    expect((await again.greet({ stream })).data.resume).toEqual({ mode: "resume", last: 1 });
    await using two = await FakeConnector.ready(plane.origin, identity);
    await two.acked(two.tell(failingReport("a")));
    await again.becomeReady();
    await again.until("status.resync");
  });

  test("aborted after its first page it changes nothing; whole it removes what is missing", async () => {
    const identity = await fresh();
    const at = `/integrations?connector=${identity.answer.connector}`;
    const names = async (): Promise<string[]> =>
      (await plane.get<{ items: { name: string }[] }>(at)).items.map(({ name }) => name);
    await using connector = await FakeConnector.ready(plane.origin, identity);
    const items = ["a", "b", "c"].map((name) => connector.snapshotItem(fakeReport(name)));
    connector.tellAll(items, { perPage: 1 });
    await connector.acked(3);
    expect(await names()).toEqual(["a", "b", "c"]);
    const [first] = items.slice(0, 1);
    connector.sendNext("status.snapshot", {
      snapshotId: "s",
      page: 1,
      pages: 2,
      items: first ? [first] : [],
      digest: "d",
    });
    await connector.acked(4);
    expect(await names()).toEqual(["a", "b", "c"]);
    connector.tellAll(items.slice(1));
    await connector.acked(5);
    expect(await names()).toEqual(["b", "c"]);
    const gone = await plane.get<{ items: { to: unknown; observed: string }[] }>(
      `/integrations/${identity.answer.connector}/a/history`,
    );
    expect(gone.items[0]).toMatchObject({ to: null, observed: "diff" });
  });

  test("with a wrong digest it is refused, and asked for again", async () => {
    const identity = await fresh();
    await using connector = await FakeConnector.ready(plane.origin, identity);
    connector.tellAll([connector.snapshotItem(fakeReport("a"))], { digest: "sha256:0" });
    await connector.until("status.resync");
    expect((await connector.until("session.error")).data.code).toBe("digestMismatch");
    const shown = await plane.get<{ items: unknown[] }>(
      `/integrations?connector=${identity.answer.connector}`,
    );
    expect(shown.items).toEqual([]);
  });

  test("a restarted connector's integrations keep their state until they are looked at", async () => {
    const identity = await fresh();
    const at = `/integrations/${identity.answer.connector}/a`;
    await using before = await FakeConnector.ready(plane.origin, identity);
    before.tellAll([before.snapshotItem(failingReport("a"))]);
    await before.acked(1);
    await using after = await FakeConnector.ready(plane.origin, identity);
    const { name, type, address, path } = fakeReport("a");
    after.tellAll([{ pending: true, name, type, address, path, source: "file" }]);
    await after.acked(1);
    expect(await plane.get(at)).toMatchObject({ state: "error", reason: "connection_refused" });
    await after.acked(after.tell(failingReport("a")));
    expect((await plane.get<{ items: unknown[] }>(`${at}/history`)).items).toHaveLength(1);
  });

  test("equal digests need no snapshot, other ones do", async () => {
    const identity = await fresh();
    const connector = await FakeConnector.ready(plane.origin, identity);
    const { createHash } = await import("node:crypto");
    const { stateDigest } = await import("../../src/protocol/digest.ts");
    const digest = (state: "online" | "error"): string =>
      stateDigest([{ ...fakeReport("a"), state }], (text) => createHash("sha256").update(text).digest("hex"));
    connector.tellAll([connector.snapshotItem(fakeReport("a"))]);
    await connector.acked(1);
    await connector[Symbol.asyncDispose]();
    for (const [state, mode] of [
      ["online", "resume"],
      ["error", "snapshot"],
    ] as const) {
      await using again = await FakeConnector.open(plane.origin, identity);
      again.streamId = connector.streamId;
      const stream = { id: connector.streamId, first: 2, next: 2, acked: 1 };
      const welcome = await again.greet({ stream, stateDigest: digest(state) });
      expect(welcome.data.resume).toEqual({ mode, last: 1 });
    }
  });
});

describe("one identity", () => {
  test("the first serves until the second is ready, then it is 4409; its late end changes nothing", async () => {
    const identity = await fresh();
    await using first = await FakeConnector.ready(plane.origin, identity);
    await using second = await FakeConnector.open(plane.origin, identity);
    await second.greet();
    const n = first.beat();
    await first.until("session.ack", ({ data }) => data.n === n);
    await second.becomeReady();
    expect((await first.closed()).code).toBe(4409);
    expect(await plane.get(`/connectors/${identity.answer.connector}`)).toMatchObject({ state: "connected" });
  });

  test("two instances that take turns: the newcomer is refused with 4504, the sitting one stays", async () => {
    const identity = await fresh();
    await using one = await FakeConnector.ready(plane.origin, identity);
    await using two = await FakeConnector.ready(plane.origin, identity);
    await using oneAgain = await FakeConnector.ready(plane.origin, identity, { instanceId: one.instanceId });
    await using twoAgain = await FakeConnector.open(plane.origin, identity);
    twoAgain.instanceId = two.instanceId;
    await twoAgain.greet();
    twoAgain.becomeReady().catch(() => {});
    expect((await twoAgain.closed()).code).toBe(4504);
    const n = oneAgain.beat();
    await oneAgain.until("session.ack", ({ data }) => data.n === n);
    const shown = await plane.get(`/connectors/${identity.answer.connector}`);
    expect(shown).toMatchObject({ state: "connected", reason: "duplicate_identity" });
  });

  test("a revoked connector's session is closed with 4503, a removed one's with 4507", async () => {
    const identity = await fresh();
    const name = identity.answer.connector;
    await using connector = await FakeConnector.ready(plane.origin, identity);
    const started = performance.now();
    expect((await plane.api("POST", `/connectors/${name}/revoke`)).status).toBe(204);
    expect((await connector.closed()).code).toBe(4503);
    expect(performance.now() - started).toBeLessThan(5000);
    const other = await fresh();
    await using removed = await FakeConnector.ready(plane.origin, other);
    expect((await plane.api("DELETE", `/connectors/${other.answer.connector}`)).status).toBe(204);
    expect((await removed.closed()).code).toBe(4507);
    expect((await plane.api("GET", `/connectors/${other.answer.connector}`)).status).toBe(404);
  });
});
