import { readdir, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { type BoundSecret, check } from "../../src/connector/check.ts";
import { boundSecret } from "../fake/secret.ts";
import { systemClock } from "../../src/connector/clock.ts";
import { explainSystem, Failure } from "../../src/connector/failure.ts";
import { http } from "../../src/connector/integrations/http/http.ts";
import type { IntegrationType } from "../../src/connector/integrations/integration.ts";
import { tcp } from "../../src/connector/integrations/tcp/tcp.ts";
import { tls } from "../../src/connector/integrations/tls/tls.ts";
import type { Secret } from "../../src/connector/secrets/secret-store.ts";
import { type ReasonCode, REASONS, reasonRow } from "../../src/protocol/reasons.ts";
import { httpServer, tlsServer } from "../fake/targets.ts";
import { expectLook, expectWords, unreachable } from "./expected.ts";
import { HOST, look, type Looked, NAME, network, SECRET } from "./look.ts";
import { fixtures } from "./subject.ts";

test("no route to the address", async () => {
  const place = { host: "255.255.255.255", port: 9 };
  const looked = await look(tcp, place, { allow: ["255.255.255.255"] });
  expectLook(looked, unreachable("connect", "network_unreachable"), 5000);
});

test("an integration that is suspended is unknown, and nobody looks", async () => {
  const type: IntegrationType = { ...tcp, open: () => Promise.reject(new Error("somebody looked")) };
  const item = { name: NAME, type, config: { host: HOST, port: 9 }, timeoutMs: 1000, suspend: true };
  const report = await check(item, { clock: systemClock, network: network() });
  const { state, condition, stage, reason, message, stages, path } = report;
  expect({ state, condition, stage, reason, message }).toEqual({
    state: "unknown",
    condition: null,
    stage: null,
    reason: "suspended",
    message: `Integration ${NAME} is suspended.`,
  });
  expect([stages, path]).toEqual([[], ["resolve", "connect"]]);
  expectWords(report);
});

describe("a certificate that ends soon", () => {
  async function lookIn(days: number, expiresWithin: string): Promise<Looked> {
    await using made = await fixtures();
    const notAfter = new Date(Date.now() + days * 86_400_000);
    const { certPem, keyPem } = await made.authority.issue({ names: [HOST], notAfter });
    await using target = await tlsServer({ key: keyPem, cert: certPem });
    return await look(tls, { host: HOST, port: target.port, tls: { ca: made.ca }, expiresWithin });
  }

  test("is a warning", async () => {
    const { report } = await lookIn(13, "14d");
    expect([report.state, report.condition, report.reason]).toEqual([
      "warning",
      null,
      "certificate_expiring",
    ]);
    expect(report.message).toBe(`Integration ${NAME} works, with a gap.`);
    expect(report.cause).toMatch(/expires at 20.*Z, in (12|13) d\.$/);
    expectWords(report);
  });

  test("is none while there is time", async () => {
    expectLook(await lookIn(15, "14d"), "online", 5000);
    expectLook(await lookIn(13, "12d"), "online", 5000);
  });
});

/** A store that does what it is told, behind a server that works. */
async function lookWith(read: BoundSecret["read"], timeoutMs = 5000): Promise<Looked> {
  await using target = await httpServer((_request, response) => response.end());
  const facts = { file: "/var/run/secrets/db" };
  const secret = boundSecret({ name: SECRET, facts, read });
  const config = http.config.parse({ url: `http://127.0.0.1:${target.port}/` });
  const unknown: unknown[] = [];
  const started = performance.now();
  const report = await check(
    { name: NAME, type: http, config, secret, timeoutMs, suspend: false },
    { clock: systemClock, network: network(), onUnknown: (error) => void unknown.push(error) },
  );
  return { report, unknown, elapsedMs: performance.now() - started };
}

describe("a store that fails", () => {
  test.each<ReasonCode>(["secret_forbidden", "store_unreachable"])("%s", async (reason) => {
    const read = () => Promise.reject(new Failure("secret", reason, { code: "EIO" }));
    expectLook(await lookWith(read), ["secret_unreachable", "secret", reason], 5000);
  });

  test("never answers, whether it obeys its signal or not", async () => {
    const obeys = (signal: AbortSignal) =>
      new Promise<Secret>((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      });
    const ignores = () => new Promise<Secret>(() => {});
    for (const read of [obeys, ignores]) {
      expectLook(await lookWith(read, 400), ["secret_unreachable", "secret", "store_timeout"], 400);
    }
  });

  test("an error that nobody explains is told to the log, and stands under its stage", async () => {
    const error = new Error("what the store's own library says");
    const { report, unknown } = await lookWith(() => Promise.reject(error));
    expect([report.condition, report.stage, report.reason]).toEqual([
      "secret_unreachable",
      "secret",
      "unknown",
    ]);
    expect(unknown).toEqual([error]);
    expect(JSON.stringify(report)).not.toContain("own library");
    expectWords(report);
  });
});

test("a bug outside of any stage is unknown, and the check ends all the same", async () => {
  const bug = new RangeError("a bug of ours");
  const type: IntegrationType = { ...tcp, open: () => Promise.reject(bug) };
  const { report, unknown } = await look(type, { host: HOST, port: 9 });
  expect([report.state, report.reason]).toEqual(["error", "unknown"]);
  expect(unknown).toEqual([bug]);
  expectWords(report);
});

test.each<[code: string, stage: "connect" | "tls" | "respond", told: [string, ReasonCode] | undefined]>([
  ["ECONNREFUSED", "connect", ["connect", "connection_refused"]],
  ["ECONNREFUSED", "respond", undefined],
  ["ETIMEDOUT", "connect", ["connect", "connect_timeout"]],
  ["ENETUNREACH", "connect", ["connect", "network_unreachable"]],
  ["EHOSTUNREACH", "respond", ["connect", "network_unreachable"]],
  ["ECONNRESET", "connect", ["connect", "connection_reset"]],
  ["ECONNRESET", "tls", ["tls", "tls_handshake_failed"]],
  ["EPIPE", "respond", ["respond", "connection_reset"]],
  ["ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REQUIRED", "respond", ["tls", "client_certificate_required"]],
  ["EWHATEVER", "respond", undefined],
])("the system's %s in %s", (code, stage, told) => {
  const failure = explainSystem(Object.assign(new Error("x"), { code }), stage);
  expect(failure === undefined ? undefined : [failure.stage, failure.reason]).toEqual(told);
});

/** The words in quotes of every test but those that list the table itself. */
async function expectedReasons(): Promise<Set<string>> {
  const root = new URL("../", import.meta.url);
  const files = (await readdir(root, { recursive: true })).filter(
    (name) => name.endsWith(".ts") && !name.startsWith("protocol"),
  );
  const found = new Set<string>();
  for (const file of files) {
    const text = await readFile(new URL(file, root), "utf8");
    for (const [, code] of text.matchAll(/"([a-z]+(?:_[a-z]+)*)"/g)) found.add(code ?? "");
  }
  return found;
}

test("every reason that has words is expected somewhere", async () => {
  const found = await expectedReasons();
  const codes = Object.keys(REASONS) as ReasonCode[];
  const worded = codes.filter((code) => reasonRow(code).says !== undefined);
  expect(worded.filter((code) => !found.has(code))).toEqual([]);
  expect(worded).toContain("tls_required");
});

test("a login that is rejected, and whose secret ends in a line break, is told so; nothing of it is shown", async () => {
  await using target = await httpServer((_request, response) => response.writeHead(401).end());
  const fields = { username: "mooring", password: "canary-of-echo\n" };
  const secret = boundSecret({ name: SECRET, read: () => Promise.resolve({ fields }) });
  const config = http.config.parse({ url: `http://127.0.0.1:${target.port}/` });
  const item = { name: NAME, type: http, config, secret, timeoutMs: 5000, suspend: false };
  const report = await check(item, { clock: systemClock, network: network() });
  expect(report.reason).toBe("credentials_rejected");
  expect(report.findings).toContainEqual({
    subject: "field password",
    verdict: "failed",
    text: "ends in a line break, which is sent as part of it",
  });
  expect(JSON.stringify(report)).not.toContain("canary-of-echo");
});
