import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CLOSES, closeRow } from "../../src/protocol/close-codes.ts";
import { parseCommand } from "../../src/protocol/command-frames.ts";
import { canonicalState, stateDigest } from "../../src/protocol/digest.ts";
import { connectorSource, parseConnectorSource, uuidv7, writeSequence } from "../../src/protocol/envelope.ts";
import { enrolAnswer } from "../../src/protocol/enrolment.ts";
import { type Frame, parseFrame, utf8Length, writeFrame } from "../../src/protocol/frames.ts";
import {
  clamped,
  FAST,
  healingMargin,
  LIMITS,
  scaled,
  STANDARD,
  TIMINGS,
} from "../../src/protocol/limits.ts";
import { REASONS, type ReasonCode, reasonRow } from "../../src/protocol/reasons.ts";
import { eventPages } from "../../src/protocol/snapshot-pages.ts";
import type { ObservedReport } from "../../src/protocol/status-frames.ts";
import { causeOf, remedyOf } from "../../src/protocol/words.ts";
import { fakeReport } from "../fake/connector.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const ack: Frame = {
  id: "a",
  source: "/control-planes/cp",
  type: "session.ack",
  time: "2026-01-02T03:04:05Z",
  data: { epoch: 1, applied: 7 },
};
const item = (name: string): ObservedReport => ({
  ...fakeReport(name),
  source: "file",
  observedAt: "2026-01-02T03:04:05Z",
});

describe("frames", () => {
  test("are CloudEvents, and come back as they were written", () => {
    const text = writeFrame(ack);
    expect(JSON.parse(text)).toMatchObject({
      specversion: "1.0",
      type: "dev.mooring.session.ack.v1",
      datacontenttype: "application/json",
    });
    expect(parseFrame(text)).toMatchObject({ kind: "frame", frame: ack, ignoredAttributes: 0 });
  });

  test("a sequence is sixteen digits on the wire, a number inside", () => {
    const changed = { ...item("db"), previous: null, coalesced: 0 };
    const frame: Frame = { ...ack, type: "status.changed", sequence: 12, data: changed };
    expect(writeFrame(frame)).toContain('"sequence":"0000000000000012"');
    expect(parseFrame(writeFrame(frame))).toMatchObject({ frame: { sequence: 12 } });
    for (const wrong of [0, -1, 1.5, 1e15]) expect(() => writeSequence(wrong)).toThrow(RangeError);
  });

  test("a newer connector's stages and reasons are kept, its attributes and types ignored", () => {
    const changed = { ...item("db"), reason: "novel_reason", stage: "novel", previous: null, coalesced: 0 };
    const text = writeFrame({ ...ack, type: "status.changed", sequence: 1, data: changed });
    expect(parseFrame(text)).toMatchObject({ kind: "frame", frame: { data: { reason: "novel_reason" } } });
    const more = { ...(JSON.parse(writeFrame(ack)) as object), traceparent: "x" };
    expect(parseFrame(JSON.stringify(more))).toMatchObject({ kind: "frame", ignoredAttributes: 1 });
    expect(parseFrame(JSON.stringify({ ...more, type: "dev.mooring.novel.v1" }))).toMatchObject({
      kind: "ignored",
    });
    expect(parseFrame(JSON.stringify({ ...more, type: "dev.mooring.constructor.v1" }))).toMatchObject({
      kind: "ignored",
    });
  });

  test("refusals name places, never values", () => {
    const bad = writeFrame({ ...ack, data: { epoch: "hunter2", applied: 1 } } as unknown as Frame);
    const parsed = parseFrame(bad);
    expect(parsed).toMatchObject({
      kind: "invalid",
      code: "data",
      message: "session.ack: epoch: invalid_type",
    });
    expect(parseFrame("{")).toMatchObject({ code: "json" });
    expect(parseFrame("{}")).toMatchObject({ code: "envelope" });
    const long = writeFrame({
      ...ack,
      type: "session.goaway",
      data: { reason: "x".repeat(70_000), reconnectAfterMs: 0, makeBeforeBreak: false },
    });
    expect(parseFrame(long)).toMatchObject({ code: "tooLarge", envelope: { id: "a" } });
  });

  test("no text makes the parser throw", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseFrame(text)),
      { numRuns: 500 },
    );
  });
});

describe("ids and sources", () => {
  test("a UUID of version 7 sorts by its time", () => {
    const bytes = (count: number): Uint8Array => new Uint8Array(count).fill(0xff);
    const id = uuidv7(Date.UTC(2026, 0, 1), bytes);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7fff-bfff-ffffffffffff$/);
    expect(uuidv7(2, bytes) > uuidv7(1, bytes)).toBe(true);
  });

  test("a connector's source names it and its stream", () => {
    expect(parseConnectorSource(connectorSource("c", "s"))).toEqual({ connectorId: "c", streamId: "s" });
    for (const other of ["/connectors/c/streams/", "/connectors/a/b/streams/s", "/control-planes/c"])
      expect(parseConnectorSource(other)).toBeUndefined();
  });
});

describe("the digest", () => {
  test("is of codes, whatever the order and the words", () => {
    const [a, b] = [fakeReport("a"), fakeReport("b")];
    expect(stateDigest([a, b], sha256)).toBe(stateDigest([{ ...b, type: b.type }, a], sha256));
    expect(stateDigest([a], sha256)).not.toBe(stateDigest([{ ...a, state: "error" }], sha256));
    for (const other of [
      { name: "c" },
      { type: "tls" },
      { state: "warning" },
      { condition: "secret_invalid" },
      { stage: "tls" },
      { reason: "unknown" },
    ] as const)
      expect(stateDigest([{ ...a, ...other }], sha256), JSON.stringify(other)).not.toBe(
        stateDigest([a], sha256),
      );
    expect(canonicalState([b, { name: "a", type: "tcp", pending: true }])).toBe(
      '["a","tcp","pending"]\n["b","tcp","online",null,null,null]\n',
    );
  });
});

test("a snapshot's pages fit their limits, and none is lost", () => {
  const items = Array.from({ length: 500 }, (_, index) => ({ ...item(`i${index}`), cause: "x".repeat(900) }));
  const huge = { ...item("huge"), coverage: Array.from({ length: 70 }, () => "y".repeat(1000)) };
  const { pages, tooLarge } = eventPages([...items, huge], {
    pageItems: 200,
    eventBytes: LIMITS.eventBytes,
  });
  expect(pages.flat()).toEqual(items);
  expect(tooLarge).toEqual([huge]);
  for (const page of pages) expect(utf8Length(JSON.stringify(page))).toBeLessThan(LIMITS.eventBytes);
  expect(eventPages([], { pageItems: 200, eventBytes: 65_536 }).pages).toEqual([[]]);
});

test("commands: what is known, what is not, what is none", () => {
  const dispatch = { commandId: "c", resourceKey: "k", attempt: 1, timeoutMs: 1 };
  expect(parseCommand({ ...dispatch, kind: "refresh", args: { integration: null } })).toEqual({
    kind: "refresh",
    integration: null,
  });
  expect(parseCommand({ ...dispatch, kind: "refresh", args: {} })).toBe("invalid");
  expect(
    parseCommand({ ...dispatch, kind: "integration.test", args: { item: { name: "x" } } }),
  ).toMatchObject({ item: { name: "x" } });
  expect(parseCommand({ ...dispatch, kind: "access.grant", args: {} })).toBe("unsupported");
});

test("close codes: 4500 to 4999 stop, other unknown ones back off; reasons fit a close frame", () => {
  expect(closeRow(4503).after).toBe("stop");
  expect([closeRow(4999).after, closeRow(4998).after, closeRow(4001).after]).toEqual([
    "stop",
    "stop",
    "backoff",
  ]);
  for (const { says } of Object.values(CLOSES))
    expect(utf8Length(says)).toBeLessThanOrEqual(LIMITS.closeReasonBytes);
});

test("both profiles heal before they alarm; a time scale multiplies everything", () => {
  expect([healingMargin(STANDARD), healingMargin(FAST)]).toEqual([0, 0]);
  expect(scaled(STANDARD, 0.1)).toMatchObject({ heartbeatMs: 1500, unreachableMs: 4500 });
  expect(scaled(TIMINGS, 0.01).ackMs).toBe(2.5);
  expect(() => scaled(STANDARD, 2)).toThrow(RangeError);
  expect([clamped("heartbeatMs", 1), clamped("heartbeatMs", 1, 0.1), clamped("spreadMs", 1e9)]).toEqual([
    5000, 500, 60_000,
  ]);
});

test("the connector's own reasons have words whatever is known", () => {
  const codes: ReasonCode[] = [
    "heartbeat_missed",
    "never_connected",
    "duplicate_identity",
    "clock_skew",
    "config_invalid",
    "policy_forbidden",
  ];
  expect(Object.keys(REASONS)).toEqual(expect.arrayContaining(codes));
  for (const code of codes) {
    expect(reasonRow(code).says?.length).toBeGreaterThan(0);
    expect(causeOf(code, { connector: "prod" })).not.toContain("The reason is");
    expect(
      remedyOf(code, { connector: "prod", namespace: "m", release: "r", controlPlane: "https://m" }).length,
    ).toBeGreaterThan(0);
  }
});

test("a key's id may begin with any letter of base64url", () => {
  const answer = { connectorId: "01a", keyId: "_2tYQObs8ndFVG6K-tlMjD5K7cnfLd4cDgEjnIt2TfU" };
  expect(enrolAnswer.parse(answer)).toMatchObject({ ...answer, cpTrust: null });
  expect(enrolAnswer.safeParse({ ...answer, keyId: "-a" }).success).toBe(true);
});
