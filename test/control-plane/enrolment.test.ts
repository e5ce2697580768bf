import http from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EnrolAnswer } from "../../src/protocol/enrolment.ts";
import { SUBPROTOCOL } from "../../src/protocol/envelope.ts";
import { bearer, enrolBody, FakeConnector, type FakeIdentity, newKey } from "../fake/connector.ts";
import { started, type Started } from "./started.ts";

let plane: Started;
let count = 0;

beforeAll(async () => {
  plane = await started({ admissionRate: 1000 });
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
});

const name = (): string => `enrol-${(count += 1)}`;

async function token(connector: string): Promise<string> {
  const made = (await (await plane.api("POST", "/tokens", { connector })).json()) as { token: string };
  return made.token;
}

async function enrol(body: object): Promise<{ status: number; answer: EnrolAnswer & { error?: string } }> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${plane.origin}/v1/enroll`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as never };
}

interface Refusal {
  readonly status: number;
  readonly error: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** The answer to an upgrade that is refused, or 101. */
function upgrade(
  authorization: string | undefined,
  changes: Record<string, string | undefined> = {},
): Promise<Refusal> {
  const headers: Record<string, string | undefined> = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-protocol": SUBPROTOCOL,
    authorization,
    ...changes,
  };
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    const request = http.get(`${plane.origin}/v1/connect`, { headers: given });
    request.on("error", reject);
    request.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: 101, error: "", headers: response.headers });
    });
    request.on("response", (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => {
        const { error = "" } = JSON.parse(text) as { error?: string };
        resolve({ status: response.statusCode ?? 0, error, headers: response.headers });
      });
    });
  });
}

const now = (): number => Math.floor(Date.now() / 1000);
const auth = async (identity: FakeIdentity, claims: Record<string, unknown> = {}): Promise<string> =>
  `Bearer ${await bearer(identity, claims)}`;

test("the same token with the same key gets the same answer; with another key it is used up", async () => {
  const connector = name();
  const joined = await token(connector);
  const key = await newKey();
  const body = await enrolBody(key, { token: joined, aud: plane.origin });
  const first = await enrol(body);
  expect(first).toMatchObject({
    status: 200,
    answer: { connector, keyId: key.keyId, audience: plane.origin },
  });
  expect(await enrol(await enrolBody(key, { token: joined, aud: plane.origin }))).toEqual(first);
  const other = await enrolBody(await newKey(), { token: joined, aud: plane.origin });
  expect(await enrol(other)).toMatchObject({ status: 401, answer: { error: "token_used" } });
});

test("a proof by another key, for another place, or over another token is refused", async () => {
  const joined = await token(name());
  const key = await newKey();
  const good = await enrolBody(key, { token: joined, aud: plane.origin });
  const foreign = { ...good, publicKeyJwk: { kty: "OKP", crv: "Ed25519", x: (await newKey()).jwk.x } };
  expect((await enrol(foreign)).answer.error).toBe("bad_proof");
  const elsewhere = await enrolBody(key, { token: joined, aud: "https://elsewhere.example" });
  expect((await enrol(elsewhere)).answer.error).toBe("bad_audience");
  const unknown = await enrolBody(key, { token: `${joined}x`, aud: plane.origin });
  expect((await enrol(unknown)).answer.error).toBe("token_unknown");
  expect((await enrol({ ...good, token: `${joined}x` })).answer.error).toBe("bad_proof");
  expect((await enrol({ token: joined })).status).toBe(400);
  expect((await enrol(good)).status).toBe(200);
});

test("enrolling a name again replaces its key at the next ready, not before", async () => {
  const connector = name();
  const old = await plane.enrolled(connector);
  await using sitting = await FakeConnector.ready(plane.origin, old);
  const fresh = await plane.enrolled(connector);
  expect(fresh.answer.connectorId).toBe(old.answer.connectorId);
  expect((await upgrade(await auth(old))).status).toBe(101);
  await using newcomer = await FakeConnector.ready(plane.origin, fresh);
  expect((await sitting.closed()).code).toBe(4409);
  expect(await upgrade(await auth(old))).toMatchObject({ status: 401, error: "unknown_key" });
  const n = newcomer.beat();
  await newcomer.until("session.ack", ({ data }) => data.n === n);
});

test("tokens are refused each with its own code, and with a Date", async () => {
  const identity = await plane.enrolled(name());
  const at = now();
  const cases: [Record<string, unknown>, string][] = [
    [{ iat: at - 1000, exp: at - 900 }, "expired"],
    [{ iat: at + 600, exp: at + 690 }, "clock_skew"],
    [{ aud: "https://elsewhere.example" }, "bad_audience"],
    [{ iss: "nobody", sub: "nobody" }, "unknown_key"],
    [{ iat: at, exp: at + 3600 }, "bad_token"],
    [{ sub: "somebody" }, "bad_token"],
  ];
  for (const [claims, error] of cases) {
    const refused = await upgrade(await auth(identity, claims));
    expect(refused).toMatchObject({ status: 401, error });
    expect(Math.abs(Date.parse(refused.headers.date ?? "") - Date.now())).toBeLessThan(5000);
  }
  expect(await upgrade(undefined)).toMatchObject({ status: 401, error: "bad_token" });
  expect(await upgrade("Bearer rubbish")).toMatchObject({ status: 401, error: "bad_token" });
  expect((await upgrade(await auth(identity, { iat: at + 45, exp: at + 135 }))).status).toBe(101);
  const once = await auth(identity);
  expect((await upgrade(once)).status).toBe(101);
  expect(await upgrade(once)).toMatchObject({ status: 401, error: "replayed" });
  await plane.restart();
  expect(await upgrade(once)).toMatchObject({ status: 401, error: "replayed" });
});

test("a clock ten minutes ahead is told of the connector; the retry with the offset is accepted", async () => {
  const connector = name();
  const identity = await plane.enrolled(connector);
  await upgrade(await auth(identity, { iat: now() + 570, exp: now() + 660 }));
  const row = await plane.get<{ state: string }>(`/connectors/${connector}`);
  expect(row.state).toBe("never_connected");
  const wallClock = new Date(Date.now() + 600_000).toISOString();
  await using ready = await FakeConnector.ready(plane.origin, identity, { hello: { wallClock } });
  const shown = await plane.get<{ reason: string; cause: string }>(`/connectors/${connector}`);
  expect(shown.reason).toBe("clock_skew");
  expect(shown.cause).toBe(`The clock of connector ${connector} is 10 min ahead of the control plane's.`);
  expect(ready.socket.readyState).toBe(1);
});

test("a revoked key is 403; a new join token brings the connector back", async () => {
  const connector = name();
  const identity = await plane.enrolled(connector);
  const [first] = [await FakeConnector.ready(plane.origin, identity)];
  await plane.api("POST", `/connectors/${connector}/revoke`);
  await first[Symbol.asyncDispose]();
  expect(await upgrade(await auth(identity))).toMatchObject({ status: 403, error: "revoked" });
  const gone = await plane.get<{ revokedAt: string }>(`/connectors/${connector}`);
  expect(gone).toMatchObject({
    message: `Connector ${connector} is revoked.`,
    revokedAt: expect.stringMatching(/Z$/) as unknown,
  });
  const { troubles } = await plane.get<{ troubles: unknown[] }>("/summary");
  expect(troubles).toContainEqual(
    expect.objectContaining({ kind: "connector", name: connector, since: gone.revokedAt }),
  );
  const again = await plane.enrolled(connector);
  await using back = await FakeConnector.ready(plane.origin, again);
  expect(back.identity.answer.connectorId).toBe(identity.answer.connectorId);
  expect(await plane.get(`/connectors/${connector}`)).toMatchObject({
    state: "connected",
    reason: null,
    revokedAt: null,
  });
});

test("a join token of before the revocation brings nobody back", async () => {
  const connector = name();
  await plane.enrolled(connector);
  const before = await token(connector);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await plane.api("POST", `/connectors/${connector}/revoke`);
  const refused = await enrol(await enrolBody(await newKey(), { token: before, aud: plane.origin }));
  expect(refused).toMatchObject({ status: 403, answer: { error: "revoked" } });
});

test("subprotocols: none, unknown and v2 alone are 400, v2 with v1 is v1", async () => {
  const identity = await plane.enrolled(name());
  for (const offered of [undefined, "cloudevents.json", "mooring.v2.cloudevents.json"])
    expect(await upgrade(await auth(identity), { "sec-websocket-protocol": offered })).toMatchObject({
      status: 400,
      error: "no_subprotocol",
    });
  const both = await upgrade(await auth(identity), {
    "sec-websocket-protocol": `mooring.v2.cloudevents.json, ${SUBPROTOCOL}`,
  });
  expect(both).toMatchObject({ status: 101, headers: { "sec-websocket-protocol": SUBPROTOCOL } });
  expect(both.headers["sec-websocket-extensions"]).toBeUndefined();
});

test("other hosts, pages of other origins and other versions are refused", async () => {
  const identity = await plane.enrolled(name());
  expect((await upgrade(await auth(identity), { host: "evil.example" })).status).toBe(421);
  expect((await upgrade(await auth(identity), { origin: "https://evil.example" })).status).toBe(403);
  expect((await upgrade(await auth(identity), { "sec-websocket-version": "8" })).status).toBe(426);
  expect((await fetch(`${plane.origin}/v1/connect`)).status).toBe(426);
});

test("a join token that is withdrawn is unknown", async () => {
  const made = (await (await plane.api("POST", "/tokens", { connector: name() })).json()) as {
    id: string;
    token: string;
  };
  expect((await plane.api("DELETE", `/tokens/${made.id}`)).status).toBe(204);
  const body = await enrolBody(await newKey(), { token: made.token, aud: plane.origin });
  expect((await enrol(body)).answer.error).toBe("token_unknown");
});

test("twice the admission rate: only 503 with Retry-After values that differ, and the API answers", async () => {
  await using small = await started({ admissionRate: 5 });
  const identity = await small.enrolled("many");
  const waits = new Set<string>();
  let admitted = 0;
  const before = plane;
  plane = small;
  try {
    for (let index = 0; index < 40; index += 1) {
      const answer = await upgrade(await auth(identity));
      if (answer.status === 101) admitted += 1;
      else {
        expect(answer).toMatchObject({ status: 503, error: "admission" });
        waits.add(answer.headers["retry-after"] ?? "");
      }
    }
    const started = performance.now();
    expect((await small.api("GET", "/connectors")).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(500);
  } finally {
    plane = before;
  }
  expect(admitted).toBeGreaterThan(3);
  expect(waits.size).toBeGreaterThan(1);
});
