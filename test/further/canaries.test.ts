import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Chunks } from "../canary/channels.ts";
import { collect, PAGE_SKIPPED } from "../canary/collect.ts";
import { Detector } from "../canary/detector.ts";
import { PLANTS } from "../canary/planted.ts";
import { startWorld, type World } from "../canary/world.ts";
import { CHROMIUM } from "../e2e/browser.ts";

/**
 * Every way out of both programs, and what stands in it in this run: the proof that it was looked at. Each is searched
 * for every secret of the run, in every encoding.
 */
const CHANNELS: Readonly<Record<string, readonly RegExp[]>> = {
  "output of the connector": [/"level":"info"/, /tls-names/, /provoked by the test/, /heap out of memory/],
  "output of the control plane": [/mooring-control-plane/, /provoked by the test/],
  "errors without a reason": [/pg-zz000/, /withheld/],
  "commands of a user": [/mooring status.+--json/, /tls-names/, /Secret secret\/prod\/forbidden/, /findings/],
  mistakes: [
    /holds a secret, and this file may not/,
    /is not valid YAML/,
    /key\.json cannot be read/,
    /holds no token/,
  ],
  "metrics of the connector": [/mooring_integration_state\{/],
  "metrics of the control plane": [/mooring_control_plane_sessions/],
  "frames in both directions": [
    /session\.hello/,
    /session\.welcome/,
    /status\.changed/,
    /vault-moved/,
    /command/,
  ],
  "answers of the API": [/\/integrations\/prod\/pg-accepts\/history/, /\/api\/v1\/audit/, /token\.create/],
  "server-sent events": [/event: ?integration/, /event: ?command/],
  "DOM of the page": [/file-redirect/, /<html/],
  "bytes of the store": [/SQLite format 3/, /vault-forbidden/],
  "files in --data": [/mooring\.db-wal/],
  "files in --state": [/enrolment\.json/],
  processes: [/connector\0/, /control-plane\0/],
  "crash reports": [/provoked by the test/, /"trigger": "(OOMError|FatalError)"/],
};

const skipped = (channel: string): boolean => channel === "DOM of the page" && PAGE_SKIPPED !== "";
const named = Object.keys(CHANNELS).map((channel) => ({
  channel,
  title: skipped(channel) ? `${channel} (skipped: ${PAGE_SKIPPED})` : channel,
}));

describe("no secret of the run stands in", () => {
  let world: World;
  let detector: Detector;
  let found: ReadonlyMap<string, Chunks>;

  beforeAll(async () => {
    world = await startWorld();
    detector = new Detector(world.canaries);
    found = await collect(world);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  for (const { channel, title } of named)
    test.skipIf(skipped(channel))(title, () => {
      const chunks = found.get(channel) ?? [];
      const text = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))).toString("latin1");
      for (const marker of CHANNELS[channel] ?? [])
        expect(marker.test(text), `${channel}: ${marker}`).toBe(true);
      expect(detector.find(chunks), `secrets in: ${channel}`).toEqual([]);
    });
});

/** How a leak may be written, by other means than the detector's. */
const FORMS: Readonly<Record<string, (value: string) => string>> = {
  "as it is": (value) => value,
  "Base64 at its begin": (value) => Buffer.from(`${value}:x`).toString("base64"),
  "Base64 after one byte": (value) => Buffer.from(`u${value}`).toString("base64"),
  "Base64 after two bytes": (value) => btoa(`u:${value}`),
  "Base64 for URLs": (value) => Buffer.from(`>>>???${value}`).toString("base64url"),
  hexadecimal: (value) => Buffer.from(value).toString("hex"),
  "hexadecimal in capitals": (value) => Buffer.from(value).toString("hex").toUpperCase(),
  "percent-encoded": (value) => encodeURIComponent(value),
  "percent-encoded in small letters": (value) =>
    encodeURIComponent(value).replaceAll(/%../g, (hex) => hex.toLowerCase()),
  "escaped as JSON": (value) => JSON.stringify({ value }),
  "escaped as JSON in JSON": (value) => JSON.stringify(JSON.stringify({ value })),
  "escaped as JSON by numbers": (value) =>
    value.replaceAll(/./g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`),
  "percent-encoded Base64 in JSON": (value) => JSON.stringify(encodeURIComponent(btoa(value))),
};

describe("the detector finds a leak that was planted", () => {
  const values = new Map(
    Object.keys(FORMS).map((form) => [form, `plant-${randomBytes(9).toString("hex")}"/\\+%&'`]),
  );
  const detector = new Detector(values);
  const text = [...values].map(([form, value]) => FORMS[form]?.(value)).join(" | ");

  for (const { channel } of named)
    test.skipIf(channel === "DOM of the page" && CHROMIUM === undefined)(`in: ${channel}`, async () => {
      for (const plant of PLANTS[channel] ?? []) {
        const hits = detector.find(await plant(text)).map(({ canary }) => canary);
        expect(hits.toSorted(), channel).toEqual(Object.keys(FORMS).toSorted());
      }
      expect(PLANTS[channel]?.length).toBeGreaterThan(0);
    });

  test("wherever the border of two chunks cuts it", () => {
    const value = values.get("as it is") ?? "";
    for (const form of Object.values(FORMS)) {
      const written = Buffer.from(`before ${form(value)} after`);
      const cuts = Array.from({ length: written.length }, (_none, at) => at);
      for (const at of cuts)
        expect(detector.find([written.subarray(0, at), written.subarray(at)])).toHaveLength(1);
    }
  });

  test("and no other text", () => {
    const near = [...values.values()].map((value) => FORMS["hexadecimal"]?.(value.slice(0, -1)) ?? "");
    expect(detector.find(near)).toEqual([]);
  });
});
