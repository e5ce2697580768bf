import { expect, test } from "vitest";
import { Outbox } from "../../../src/connector/outbox.ts";
import { LIMITS } from "../../../src/protocol/limits.ts";
import { type SecretItem, secretsChanged } from "../../../src/protocol/secret-frames.ts";
import type { StatusChanged } from "../../../src/protocol/status-frames.ts";

function change(name: string, state: "online" | "error", more: Partial<StatusChanged> = {}): StatusChanged {
  return {
    name,
    type: "tcp",
    state,
    condition: null,
    stage: null,
    reason: null,
    message: "",
    cause: null,
    remedy: [],
    coverage: [],
    address: "a:1",
    blockedBy: null,
    findings: [],
    path: [],
    stages: [],
    source: "file",
    observedAt: "2026-01-01T00:00:00Z",
    previous: null,
    coalesced: 0,
    ...more,
  };
}

function outbox(limits = { outboxEvents: 10, outboxBytes: 1_000_000 }): Outbox {
  let ids = 0;
  return new Outbox({
    newId: () => `id-${(ids += 1)}`,
    time: () => "2026-01-01T00:00:00Z",
    truth: () => ({ items: [change("a", "online")], digest: "sha256:0" }),
    limits,
  });
}

const tell = (box: Outbox, name: string, state: "online" | "error"): void =>
  box.tellStatus(`integrations/${name}`, change(name, state));

function takeAll(box: Outbox): number[] {
  const sequences: number[] = [];
  for (let event = box.take(); event !== undefined; event = box.take()) sequences.push(event.sequence);
  return sequences;
}

test("secrets are told in events that a control plane takes, however much there is to say of them", () => {
  const box = outbox({ outboxEvents: 1_000, outboxBytes: 50_000_000 });
  const usedBy = Array.from({ length: LIMITS.secretUsers }, (_, index) =>
    `integration-${index}`.padEnd(63, "x"),
  );
  const text = "x".repeat(1_000);
  const item = (index: number): SecretItem => ({
    id: `${"s".repeat(20)}-${String(index).padStart(12, "0")}`,
    store: "aws",
    storeType: "aws",
    name: text,
    state: "error",
    condition: "secret_unreachable",
    stage: "secret",
    reason: "secret_forbidden",
    message: text,
    cause: text,
    remedy: [{ text, command: text }],
    findings: [],
    usedBy,
    users: usedBy.length,
    version: null,
    createdAt: null,
    expiresAt: null,
    lastReadAt: null,
    since: "2026-01-01T00:00:00Z",
  });
  const items = Array.from({ length: LIMITS.secrets }, (_, index) => item(index));
  box.tellSecrets(
    items,
    items.map(({ id }) => id),
  );
  const told: string[] = [];
  for (let event = box.take(); event !== undefined; event = box.take()) {
    expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThanOrEqual(LIMITS.eventBytes);
    if (event.type !== "secrets.changed") continue;
    expect(secretsChanged.safeParse(event.data).success).toBe(true);
    told.push(...event.data.items.map(({ id }) => id));
  }
  expect(told).toEqual(items.map(({ id }) => id));
});

test("a sequence is given when an event is first sent, without a gap, and kept when it is sent again", () => {
  const box = outbox();
  tell(box, "a", "online");
  tell(box, "b", "error");
  expect(box.stream).toMatchObject({ first: 1, next: 1, acked: 0 });
  expect(takeAll(box)).toEqual([1, 2]);
  expect(box.stream).toMatchObject({ first: 1, next: 3, acked: 0 });
  tell(box, "c", "online");
  expect(box.resume("resume", 1)).toBe(true);
  expect(box.stream).toMatchObject({ first: 2, next: 3, acked: 1 });
  expect(takeAll(box)).toEqual([2, 3]);
  expect(box.ack(3)).toBe(true);
  expect(box).toMatchObject({ events: 0, bytes: 0, owesStatus: false, inFlight: { events: 0, bytes: 0 } });
});

test("an ack of what was never sent is refused, an older one changes nothing", () => {
  const box = outbox();
  tell(box, "a", "online");
  takeAll(box);
  expect(box.ack(2)).toBe(false);
  expect(box.ack(1)).toBe(true);
  expect(box.ack(0)).toBe(true);
  expect(box.stream).toMatchObject({ first: 2, next: 2, acked: 1 });
  expect(box.resume("resume", 7)).toBe(false);
  expect(box.resume("resume", 0)).toBe(false);
});

test("nothing is merged before it is half full; then the last unsent change of an integration is, and counted", () => {
  const box = outbox();
  for (let round = 0; round < 4; round += 1) tell(box, "a", round % 2 === 0 ? "error" : "online");
  expect(box.events).toBe(4);
  tell(box, "b", "error");
  tell(box, "a", "error");
  expect(box).toMatchObject({ events: 5, counts: { coalesced: 1, dropped: 0, overflows: 0 } });
  const sent = Array.from({ length: 5 }, () => box.take());
  expect(sent.map((event) => event?.subject)).toEqual([
    "integrations/a",
    "integrations/a",
    "integrations/a",
    "integrations/b",
    "integrations/a",
  ]);
  expect(sent.at(-1)?.data).toMatchObject({ state: "error", coalesced: 1 });
  tell(box, "a", "online");
  expect(box).toMatchObject({ events: 6, counts: { coalesced: 1 } });
});

test("too much of it: a new stream, results of commands carried over, a snapshot instead of status", () => {
  const box = outbox({ outboxEvents: 6, outboxBytes: 1_000_000 });
  const { id } = box.stream;
  const result = { outcome: "succeeded" as const, reason: null, message: null, report: null, refreshed: 1 };
  for (const name of ["a", "b", "c"]) tell(box, name, "error");
  box.tellCommand({ type: "command.accepted", data: { commandId: "k", attempt: 1 } });
  box.tellCommand({ type: "command.result", data: { commandId: "k", ...result } });
  takeAll(box);
  for (const name of ["d", "e"]) tell(box, name, "error");
  expect(box.stream.id).not.toBe(id);
  expect(box.stream).toMatchObject({ first: 1, next: 1, acked: 0 });
  expect(box.counts).toMatchObject({ overflows: 1, dropped: 5 });
  const [first, second, ...rest] = Array.from({ length: 3 }, () => box.take());
  expect(first).toMatchObject({ type: "command.result", sequence: 1, correlationid: "k" });
  expect(second).toMatchObject({ type: "status.snapshot", sequence: 2, data: { page: 1, pages: 1 } });
  expect(rest).toEqual([undefined]);
});

test("it stays inside its bounds whatever comes", () => {
  const box = outbox({ outboxEvents: 100, outboxBytes: 40_000 });
  for (let round = 0; round < 5_000; round += 1) {
    tell(box, `i${round % 80}`, round % 2 === 0 ? "error" : "online");
    if (round % 7 === 0) box.take();
    if (round % 5 === 0) {
      box.tellCommand({
        type: "command.result",
        data: {
          commandId: `k${round}`,
          outcome: "failed",
          reason: null,
          message: null,
          report: null,
          refreshed: null,
        },
      });
    }
    if (round % 11 === 0) box.tellSnapshot();
    expect(box.bytes).toBeLessThan(40_000 + 200 * 1_000);
    expect(box.events).toBeLessThan(300);
  }
});

test("a snapshot follows all that waits; one that is whole and unacked is not told twice", () => {
  const box = outbox();
  tell(box, "a", "error");
  expect(box.resume("snapshot", 0)).toBe(true);
  expect(takeAll(box)).toEqual([1, 2]);
  expect(box.owesStatus).toBe(true);
  expect(box.resume("snapshot", 0)).toBe(true);
  expect(takeAll(box)).toEqual([1, 2]);
  box.ack(2);
  expect(box.resume("snapshot", 2)).toBe(true);
  expect(takeAll(box)).toEqual([3]);
  expect(box.resume("snapshot", 99)).toBe(true);
  expect(takeAll(box)).toEqual([3]);
});

test("a snapshot of which a page is stored already is told again from its first page", () => {
  let ids = 0;
  const box = new Outbox({
    newId: () => `id-${(ids += 1)}`,
    time: () => "2026-01-01T00:00:00Z",
    truth: () => ({ items: ["a", "b", "c"].map((name) => change(name, "online")), digest: "sha256:0" }),
  });
  box.resume("snapshot", 0, { pageItems: 1, eventBytes: 65_536 });
  expect(takeAll(box)).toEqual([1, 2, 3]);
  box.resume("snapshot", 1, { pageItems: 2, eventBytes: 65_536 });
  const events = Array.from({ length: 4 }, () => box.take());
  expect(events.map((event) => event?.data)).toMatchObject([
    { page: 2, pages: 3 },
    { page: 3, pages: 3 },
    { page: 1, pages: 2 },
    { page: 2, pages: 2 },
  ]);
});
