import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { http } from "../../src/connector/integrations/http/http.ts";
import type { IntegrationType } from "../../src/connector/integrations/integration.ts";
import { postgresql } from "../../src/connector/integrations/postgresql/postgresql.ts";
import { tls } from "../../src/connector/integrations/tls/tls.ts";
import { report as reportSchema } from "../../src/protocol/report.ts";
import { encrypted, type Handler, plain } from "../contract/encrypted.ts";
import { HOST, look, type Looked } from "../contract/look.ts";
import { errorMessage, int32, LOGGED_IN, message, READY, rows } from "../contract/postgres-messages.ts";
import { type Fixtures, fixtures, type Subject } from "../contract/subject.ts";
import {
  httpsSubject,
  httpSubject,
  plainPostgresSubject,
  postgresSubject,
  tlsSubject,
} from "../contract/subjects.ts";
import type { Target } from "../fake/targets.ts";

const RUNS = 60;
const TIMEOUT_MS = 400;
const GRACE_MS = 250;
const LOGIN = JSON.stringify({ username: "somebody", password: "whatever" });

let made: Fixtures;
beforeAll(async () => {
  made = await fixtures();
});
afterAll(() => made?.[Symbol.asyncDispose]());

/** Says the chunks one after the other, the first at once or once it is asked, and then hangs up or waits. */
function says(
  chunks: readonly Uint8Array[],
  when: { readonly asked: boolean; readonly end: boolean },
): Handler {
  return ({ stream }) => {
    stream.on("error", () => {});
    const next = (index: number): void => {
      const chunk = chunks[index];
      if (!stream.writable) return;
      if (chunk !== undefined) stream.write(chunk, () => setImmediate(next, index + 1));
      else if (when.end) stream.end();
    };
    stream.resume();
    if (when.asked) stream.once("data", () => next(0));
    else next(0);
  };
}

const junk = fc.uint8Array({ maxLength: 200 });

const httpBytes = fc
  .oneof(
    fc.constantFrom(
      "HTTP/1.1 200 OK\r\n",
      "HTTP/1.1 401 No\r\n",
      "HTTP/1.0 302 X\r\nLocation: ",
      "HTTP/1.1 1",
    ),
    fc.constantFrom(
      "Content-Length: 5\r\n\r\n",
      "Transfer-Encoding: chunked\r\n\r\n",
      "\r\n\r\n",
      "a\r\n",
      "0\r\n\r\n",
    ),
  )
  .map((text) => Buffer.from(text));

const tlsBytes = fc
  .tuple(fc.constantFrom(0x14, 0x15, 0x16, 0x17), fc.nat(0xffff), junk)
  .map(([type, length, body]) => Buffer.concat([Buffer.of(type, 3, 3, length >> 8, length & 255), body]));

const TYPES = "RENSKZCATDGHWVdn1239vIt".split("");
const hostileLength = fc.oneof(fc.nat(300), fc.constantFrom(0, 3, 4, 0x7fffffff, -1, 262_144));

/** Framed as PostgreSQL frames; what is in it, and how long it says it is, is anything. */
const framed = fc
  .tuple(fc.constantFrom(...TYPES), fc.option(hostileLength), junk)
  .map(([type, length, body]) => {
    const whole = message(type, body);
    if (length !== null) whole.writeInt32BE(length, 1);
    return whole;
  });
const login = fc
  .tuple(fc.constantFrom(0, 3, 5, 7, 10, 11, 12, 99), junk)
  .map(([code, body]) => message("R", int32(code), body));
const sasl = fc
  .constantFrom("SCRAM-SHA-256\0\0", "SCRAM-SHA-256", "\0", "X\0\0", "SCRAM-SHA-256\0SCRAM-SHA-256-PLUS\0\0")
  .map((list) => message("R", int32(10), list));
const wholesome = fc.constantFrom(
  LOGGED_IN,
  READY,
  rows(["taken", "ordinary"], ["1", "2"]),
  errorMessage("28P01"),
);
const postgresBytes = fc.oneof(framed, login, sasl, wholesome);

interface Place {
  readonly title: string;
  readonly type: IntegrationType;
  readonly subject: Subject;
  readonly bytes: fc.Arbitrary<Uint8Array>;
  /** Whether the bytes are said within TLS. */
  readonly inside: boolean;
}

const PLACES: readonly Place[] = [
  { title: "tls", type: tls, subject: tlsSubject, bytes: tlsBytes, inside: false },
  { title: "http", type: http, subject: httpSubject, bytes: httpBytes, inside: false },
  { title: "https", type: http, subject: httpsSubject, bytes: httpBytes, inside: true },
  {
    title: "postgresql",
    type: postgresql,
    subject: plainPostgresSubject,
    bytes: postgresBytes,
    inside: false,
  },
  {
    title: "postgresql, its SSLRequest",
    type: postgresql,
    subject: postgresSubject,
    bytes: tlsBytes,
    inside: false,
  },
  {
    title: "postgresql within TLS",
    type: postgresql,
    subject: postgresSubject,
    bytes: postgresBytes,
    inside: true,
  },
];

function serve(place: Place, handler: Handler): Promise<Target> {
  if (!place.inside) return plain(handler);
  const asked = place.subject.encryption === "asked";
  return encrypted({ certificate: made.certificate, asked }, handler);
}

async function lookThere(place: Place, target: Target, secret: string): Promise<Looked> {
  const config = place.subject.config({ host: HOST, port: target.port }, made.ca);
  const needs = place.type.secret === undefined ? {} : { secret };
  return look(place.type, config, { ...needs, timeoutMs: TIMEOUT_MS });
}

describe.concurrent("any bytes of a target end in a report, in time, and leave nothing open", () => {
  test.each(PLACES)("$title", async (place) => {
    const chunks = fc.array(fc.oneof(place.bytes, junk), { maxLength: 6 });
    const when = fc.record({ asked: fc.boolean(), end: fc.boolean() });
    const hold = async (
      said: readonly Uint8Array[],
      then: { asked: boolean; end: boolean },
    ): Promise<void> => {
      await using target = await serve(place, says(said, then));
      const { report, elapsedMs } = await lookThere(place, target, LOGIN);
      reportSchema.parse(report);
      expect(elapsedMs).toBeLessThan(TIMEOUT_MS + GRACE_MS);
      expect(report.state === "online" || report.reason !== null).toBe(true);
      await target.idle();
    };
    // What hangs up is quick; of what does not, a few.
    const quick = fc.asyncProperty(chunks, fc.boolean(), (said, asked) => hold(said, { asked, end: true }));
    const slow = fc.asyncProperty(chunks, when, hold);
    await fc.assert(quick, { numRuns: RUNS });
    await fc.assert(slow, { numRuns: 10 });
  });
});

const CANARY = "c4n4ry";

/** Unique values in every field, with letters that encodings change. */
function canaries(number: number): { readonly secret: string; readonly values: readonly string[] } {
  const fields = {
    username: `user-${CANARY}-${number}`,
    password: `pass/+ü%&?${CANARY}-${number}`,
    other: `other-${CANARY}-${number}`,
  };
  return {
    secret: JSON.stringify({ ...fields, below: { deep: `deep-${CANARY}-${number}` } }),
    values: Object.values(fields),
  };
}

/** The forms in which a value could be told; in letters of whatever case. */
function forms(value: string): string[] {
  const bytes = Buffer.from(value);
  const base64 = bytes.toString("base64");
  const url = encodeURIComponent(value);
  const encoded = [base64, base64.replace(/=+$/, ""), bytes.toString("base64url"), bytes.toString("hex")];
  return [value, url, encodeURIComponent(url), ...encoded];
}

/** Servers that repeat everything they can, where they can. */
const ECHOES: readonly (readonly [name: string, place: Place, bytes: (echo: string) => Uint8Array])[] =
  (() => {
    const [, plainHttp, , plainPostgres] = PLACES;
    if (plainHttp === undefined || plainPostgres === undefined) throw new Error("the places are gone");
    const answer = (text: string): Buffer => Buffer.from(`HTTP/1.1 ${text}\r\n\r\n`, "latin1");
    return [
      ["status text", plainHttp, (echo) => answer(`500 ${echo}`)],
      ["Location", plainHttp, (echo) => answer(`302 Found\r\nLocation: /${echo}`)],
      ["Location's host", plainHttp, (echo) => answer(`302 Found\r\nLocation: http://${echo}.test/`)],
      ["Location's scheme", plainHttp, (echo) => answer(`302 Found\r\nLocation: ${echo}:x`)],
      ["Retry-After", plainHttp, (echo) => answer(`429 No\r\nRetry-After: ${echo}`)],
      ["WWW-Authenticate", plainHttp, (echo) => answer(`401 No\r\nWWW-Authenticate: Bearer realm="${echo}"`)],
      ["a banner", plainHttp, (echo) => Buffer.from(`SSH-${echo}\r\n`)],
      ["an error's text", plainPostgres, (echo) => errorMessage("28P01", echo)],
      ["an error's code", plainPostgres, (echo) => message("E", `SFATAL\0C${echo}\0M${echo}\0\0`)],
      ["an unknown error's text", plainPostgres, (echo) => errorMessage("ZZ999", echo)],
      ["an error's routine", plainPostgres, (echo) => message("E", `SFATAL\0C28000\0M${echo}\0R${echo}\0\0`)],
      ["a notice", plainPostgres, (echo) => message("N", `SNOTICE\0C00000\0M${echo}\0\0`)],
      [
        "a parameter",
        plainPostgres,
        (echo) => Buffer.concat([LOGGED_IN, message("S", `${echo}\0${echo}\0`)]),
      ],
      ["SCRAM", plainPostgres, (echo) => message("R", int32(10), `${echo}\0\0`)],
      ["a mechanism's number", plainPostgres, () => message("R", int32(0x63346e34))],
    ];
  })();

describe.concurrent("no value of a secret in anything that is told", () => {
  test.each(ECHOES)("echoed in %s", async (_name, place, bytes) => {
    const { secret, values } = canaries(7);
    for (const echo of echoesOf(values)) {
      await using target = await serve(place, says([bytes(echo)], { asked: true, end: true }));
      const { report, unknown } = await lookThere(place, target, secret);
      const told = JSON.stringify([report, unknown.map(everythingOf)]).toLowerCase();
      for (const form of echoesOf(values)) expect(told).not.toContain(form.toLowerCase());
      expect(report.reason).not.toBeNull();
    }
  });

  test.each(["deep", "user", "pass", "other"])("a secret that is no use does not show %s", async (part) => {
    const { secret } = canaries(8);
    for (const place of PLACES.filter(({ type }) => type.secret !== undefined && type !== http)) {
      await using target = await serve(place, says([], { asked: false, end: true }));
      for (const text of [secret.slice(0, -2), secret.replace("password", "geheim"), `[${secret}]`]) {
        const { report, unknown } = await lookThere(place, target, text);
        expect(JSON.stringify([report, unknown.map(everythingOf)])).not.toContain(`${part}-${CANARY}`);
      }
    }
  });
});

/** The values in every form, and the header that Basic makes of two of them. */
function echoesOf(values: readonly string[]): string[] {
  const [username = "", password = ""] = values;
  return [...values.flatMap(forms), Buffer.from(`${username}:${password}`).toString("base64")];
}

/** What a log could write of an error: its text, its stack, its members and its causes. */
function everythingOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return [error.message, error.stack, Object.entries(error), everythingOf(error.cause)];
}
