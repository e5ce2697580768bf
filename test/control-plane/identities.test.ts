import { createHmac } from "node:crypto";
import { type CryptoKey, exportSPKI, importJWK } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EnrolAnswer } from "../../src/protocol/enrolment.ts";
import { accountToken, type ClusterKey, clusterKey, ISSUER, SUBJECT } from "../fake/account-token.ts";
import { enrolBody, FakeConnector, newKey } from "../fake/connector.ts";
import { started, type Started } from "./started.ts";

interface Shown {
  readonly id: string;
  readonly connector: string;
  readonly usedAt: string | null;
  readonly keys: readonly string[];
}

let plane: Started;
let key: ClusterKey;
let count = 0;
const parts = new AsyncDisposableStack();

beforeAll(async () => {
  plane = parts.use(await started({ admissionRate: 1000 }));
  key = await clusterKey("k1");
});
afterAll(() => parts.disposeAsync());

/** A connector's name and a ServiceAccount that nobody else has. */
function fresh(): { connector: string; subject: string } {
  count += 1;
  return { connector: `keyless-${count}`, subject: `${SUBJECT}-${count}` };
}

const jwks = (...keys: ClusterKey[]): object => ({ keys: keys.map(({ jwk }) => jwk) });
const add = (body: object): Promise<Response> => plane.api("POST", "/connector-identities", body);

/** Registers a ServiceAccount of its own, and gives it with the registration's id. */
async function registered(
  keys: object = jwks(key),
): Promise<{ connector: string; subject: string; id: string }> {
  const account = fresh();
  const response = await add({ ...account, issuer: ISSUER, jwks: keys });
  expect(response.status).toBe(200);
  return { ...account, id: ((await response.json()) as Shown).id };
}

interface Answer {
  readonly status: number;
  readonly answer: EnrolAnswer & { readonly error?: string; readonly detail?: string };
}

async function send(body: object): Promise<Answer> {
  const headers = { "content-type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(`${plane.origin}/v1/enroll`, request);
  return { status: response.status, answer: (await response.json()) as never };
}

async function enrol(token: string, connectorKey?: Awaited<ReturnType<typeof newKey>>): Promise<Answer> {
  const made = connectorKey ?? (await newKey());
  return send(await enrolBody(made, { token, aud: plane.origin }));
}

const tokenOf = (subject: string, claims: object = {}, by = key): Promise<string> =>
  accountToken(by, { sub: subject, aud: plane.origin, ...claims });

describe("a registered ServiceAccount", () => {
  test("enrols without a join token, and is connected", async () => {
    const { connector, subject, id } = await registered();
    expect(await plane.get(`/connectors/${connector}`)).toMatchObject({ state: "never_connected" });
    const made = await newKey();
    const { status, answer } = await enrol(await tokenOf(subject), made);
    expect([status, answer]).toEqual([200, expect.objectContaining({ connector, keyId: made.keyId })]);
    await using ready = await FakeConnector.ready(plane.origin, { ...made, answer });
    expect(ready.socket.readyState).toBe(1);
    expect(await plane.get(`/connectors/${connector}`)).toMatchObject({ state: "connected" });
    const { items } = await plane.get<{ items: Shown[] }>("/connector-identities?limit=500");
    const shown = items.find((item) => item.id === id);
    expect(shown).toMatchObject({ connector, issuer: ISSUER, subject, review: false, keys: ["k1"] });
    expect(shown).toMatchObject({ audience: plane.origin });
    expect(Date.parse(shown?.usedAt ?? "")).toBeGreaterThan(Date.now() - 60_000);
  });

  test("may use one token several times: each Pod's key replaces the one before at the next ready", async () => {
    const { subject } = await registered();
    const token = await tokenOf(subject);
    const [first, second] = [await newKey(), await newKey()];
    const one = await enrol(token, first);
    await using sitting = await FakeConnector.ready(plane.origin, { ...first, answer: one.answer });
    const two = await enrol(token, second);
    expect(two.answer.connectorId).toBe(one.answer.connectorId);
    // The key that is in use again takes nothing back.
    expect((await enrol(token, first)).status).toBe(200);
    await using newcomer = await FakeConnector.ready(plane.origin, { ...second, answer: two.answer });
    expect(newcomer.socket.readyState).toBe(1);
    expect((await sitting.closed()).code).toBe(4409);
  });

  test.each(["ES256", "ES384", "EdDSA", "PS256"])("signs by %s", async (alg) => {
    const other = await clusterKey("k-alg", alg);
    const { subject } = await registered(jwks(other));
    expect((await enrol(await tokenOf(subject, {}, other))).status).toBe(200);
  });

  test("clusters with the same issuer and account are told apart by their keys", async () => {
    const { subject } = await registered();
    const other = await clusterKey("k1");
    const connector = `${fresh().connector}-other`;
    expect((await add({ connector, subject, issuer: ISSUER, jwks: jwks(other) })).status).toBe(200);
    expect((await enrol(await tokenOf(subject, {}, other))).answer.connector).toBe(connector);
    const same = await add({ connector: "third", subject, issuer: ISSUER, jwks: jwks(other) });
    expect([same.status, await same.json()]).toEqual([
      409,
      expect.objectContaining({
        detail: `That ServiceAccount enrols connector ${connector} already: remove that identity first.`,
      }),
    ]);
  });
});

describe("a token is refused, each in its own word", () => {
  const now = (): number => Math.floor(Date.now() / 1000);
  const CASES: [what: string, claims: () => object, error: string][] = [
    ["another issuer", () => ({ iss: "https://elsewhere" }), "token_unknown"],
    ["another account", () => ({ sub: `${SUBJECT}-none` }), "token_unknown"],
    ["an account whose name begins the same", () => ({ sub: `${SUBJECT}-1x` }), "token_unknown"],
    ["another audience", () => ({ aud: "https://elsewhere" }), "bad_audience"],
    ["no audience of its own", () => ({ aud: [] }), "bad_audience"],
    ["expired", () => ({ exp: now() - 61 }), "token_expired"],
    ["not yet valid", () => ({ nbf: now() + 120 }), "clock_skew"],
    ["without an end", () => ({ exp: undefined }), "token_unknown"],
  ];
  test.each(CASES)("%s", async (_, claims, error) => {
    const { subject } = await registered();
    expect(await enrol(await tokenOf(subject, claims()))).toMatchObject({ status: 401, answer: { error } });
  });

  test("a minute of skew is forgiven, one of several audiences is enough", async () => {
    const { subject } = await registered();
    const skewed = { nbf: now() + 50, exp: now() - 50, aud: ["https://elsewhere", plane.origin] };
    expect((await enrol(await tokenOf(subject, skewed))).status).toBe(200);
  });

  test("another key of the same name, no signature, and the public key as a shared secret", async () => {
    const { subject } = await registered();
    const rejected = { status: 401, answer: { error: "token_rejected" } };
    expect(await enrol(await tokenOf(subject, {}, await clusterKey("k1")))).toMatchObject(rejected);
    expect(await enrol(await tokenOf(subject, {}, await clusterKey("k2")))).toMatchObject(rejected);
    const [, body = ""] = (await tokenOf(subject)).split(".");
    const forged = (header: object, sign: (text: string) => string): string => {
      const text = `${Buffer.from(JSON.stringify(header)).toString("base64url")}.${body}`;
      return `${text}.${sign(text)}`;
    };
    expect(await enrol(forged({ alg: "none" }, () => ""))).toMatchObject(rejected);
    expect(await enrol(forged({ alg: "none", kid: "k1" }, () => "AAAA"))).toMatchObject(rejected);
    const pem = await exportSPKI((await importJWK(key.jwk, "RS256")) as CryptoKey);
    const hmac = (text: string): string => createHmac("sha256", pem).update(text).digest("base64url");
    expect(await enrol(forged({ alg: "HS256", kid: "k1" }, hmac))).toMatchObject(rejected);
  });

  test("rubbish with two dots, and a token that is too long", async () => {
    expect(await enrol("rubbish.rubbish.rubbish")).toMatchObject({ answer: { error: "token_unknown" } });
    const { subject } = await registered();
    const long = await tokenOf(subject, { more: "x".repeat(4_000) });
    expect(await enrol(long)).toMatchObject({ status: 400, answer: { error: "invalid" } });
  });

  test("a proof for another place, or of another token", async () => {
    const { subject } = await registered();
    const token = await tokenOf(subject);
    const elsewhere = await enrolBody(await newKey(), { token, aud: "https://elsewhere" });
    expect(await send(elsewhere)).toMatchObject({ answer: { error: "bad_audience" } });
    const other = await enrolBody(await newKey(), {
      token: await tokenOf(subject, { n: 1 }),
      aud: plane.origin,
    });
    expect(await send({ ...other, token })).toMatchObject({ answer: { error: "bad_proof" } });
  });

  test("removed: it enrols no more, and what it enrolled stays", async () => {
    const { connector, subject, id } = await registered();
    const made = await newKey();
    const { answer } = await enrol(await tokenOf(subject), made);
    await using ready = await FakeConnector.ready(plane.origin, { ...made, answer });
    expect(ready.socket.readyState).toBe(1);
    expect((await plane.api("DELETE", `/connector-identities/${id}`)).status).toBe(204);
    expect((await plane.api("DELETE", `/connector-identities/${id}`)).status).toBe(404);
    const refused = await enrol(await tokenOf(subject));
    expect(refused).toMatchObject({ status: 401, answer: { error: "token_unknown" } });
    expect(refused.answer.detail).toContain("mooring connector-identity add");
    expect(await plane.get(`/connectors/${connector}`)).toMatchObject({ state: "connected" });
  });

  test("revoked: refused until it is registered anew, and a removed connector takes its identity with it", async () => {
    const { connector, subject } = await registered();
    const made = await newKey();
    const first = await enrol(await tokenOf(subject), made);
    await (await FakeConnector.ready(plane.origin, { ...made, answer: first.answer }))[Symbol.asyncDispose]();
    await plane.api("POST", `/connectors/${connector}/revoke`);
    expect(await enrol(await tokenOf(subject))).toMatchObject({ status: 403, answer: { error: "revoked" } });
    expect((await add({ connector, subject, issuer: ISSUER, jwks: jwks(key) })).status).toBe(200);
    const again = await enrol(await tokenOf(subject), made);
    await using back = await FakeConnector.ready(plane.origin, { ...made, answer: again.answer });
    expect(back.socket.readyState).toBe(1);
    expect(await plane.get(`/connectors/${connector}`)).toMatchObject({ state: "connected" });
    await plane.api("DELETE", `/connectors/${connector}`);
    expect(await enrol(await tokenOf(subject))).toMatchObject({ answer: { error: "token_unknown" } });
  });
});

describe("the registration", () => {
  // Of its own: the one above has seen as many failures from this address as it takes.
  beforeAll(async () => {
    plane = parts.use(await started({ admissionRate: 1000 }));
  });

  test("a second revocation holds against what was registered since the first", async () => {
    const { connector, subject } = await registered();
    await plane.api("POST", `/connectors/${connector}/revoke`);
    expect((await add({ connector, subject, issuer: ISSUER, jwks: jwks(key) })).status).toBe(200);
    await plane.api("POST", `/connectors/${connector}/revoke`);
    expect(await enrol(await tokenOf(subject))).toMatchObject({ status: 403, answer: { error: "revoked" } });
  });

  test("is the operator's alone, and written down", async () => {
    const { connector, id } = await registered();
    const viewer = { authorization: `Bearer ${plane.viewer}` };
    expect((await plane.api("GET", "/connector-identities", undefined, viewer)).status).toBe(403);
    await plane.api("DELETE", `/connector-identities/${id}`);
    const { items } = await plane.get<{ items: object[] }>("/audit?limit=5");
    expect(items.slice(0, 2)).toMatchObject([
      { actor: "operator", action: "connector-identity.remove", target: id },
      { actor: "operator", action: "connector-identity.add", target: connector, outcome: id },
    ]);
  });

  test("again for the same connector and account replaces the keys, under the same id", async () => {
    const { connector, subject, id } = await registered();
    const next = await clusterKey("k2");
    const again = await add({ connector, subject, issuer: ISSUER, jwks: jwks(next) });
    expect(await again.json()).toMatchObject({ id, keys: ["k2"] });
    expect((await enrol(await tokenOf(subject))).answer.error).toBe("token_rejected");
    expect((await enrol(await tokenOf(subject, {}, next))).status).toBe(200);
  });

  const good = { connector: "c", issuer: ISSUER, subject: SUBJECT };
  const rsa = { kty: "RSA", kid: "a", e: "AQAB", n: Buffer.alloc(256, 7).toString("base64url") };
  const CASES: [what: string, body: object, says: string][] = [
    ["neither keys nor review", good, "Give either jwks or review: true."],
    ["both", { ...good, jwks: { keys: [rsa] }, review: true }, "Give either jwks or review: true."],
    [
      "a private key",
      { ...good, jwks: { keys: [{ ...rsa, d: "canary" }] } },
      "jwks.keys[0] is a private key; give the cluster's public keys alone.",
    ],
    [
      "a shared secret",
      { ...good, jwks: { keys: [{ kty: "oct", kid: "a", k: "canary" }] } },
      "jwks.keys[0] is a private key; give the cluster's public keys alone.",
    ],
    [
      "a short key",
      { ...good, jwks: { keys: [{ ...rsa, n: Buffer.alloc(128, 7).toString("base64url") }] } },
      "jwks.keys[0] is shorter than 2048 bits.",
    ],
    ["no kid", { ...good, jwks: { keys: [{ ...rsa, kid: undefined }] } }, "jwks.keys[0] has no kid."],
    ["a kid twice", { ...good, jwks: { keys: [rsa, rsa] } }, "jwks.keys have the same kid twice."],
    [
      "a curve that is not known",
      { ...good, jwks: { keys: [{ kty: "EC", crv: "secp256k1", kid: "a", x: "x", y: "y" }] } },
      "jwks.keys[0] is neither RSA, EC (P-256, P-384, P-521) nor Ed25519.",
    ],
    [
      "rubbish",
      { ...good, jwks: { keys: [{ kty: "EC", crv: "P-256", kid: "a", x: "canary", y: "y" }] } },
      "jwks.keys[0] cannot be read as a public key.",
    ],
    ["no keys", { ...good, jwks: { keys: [] } }, "jwks.keys: must have at least 1 entry"],
    [
      "a subject that is none",
      { ...good, subject: "mooring/c", review: true },
      "subject: must be system:serviceaccount:NAMESPACE:NAME",
    ],
    ...["a b", "x", "http://cluster.example", "https:", "ftp://127.0.0.1"].map(
      (issuer): [string, object, string] => [
        `the issuer ${issuer}`,
        { ...good, issuer, review: true },
        "issuer: must be the https:// URL that the cluster's /.well-known/openid-configuration names as its issuer",
      ],
    ),
    ["a misspelt member", { ...good, jwk: {}, review: true }, 'body: there is no member "jwk"'],
  ];
  test.each(CASES)("with %s is refused", async (_, body, detail) => {
    const response = await add(body);
    expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ detail })]);
  });

  test("by review is refused where there is no cluster to ask", async () => {
    const response = await add({ ...good, review: true });
    expect([response.status, await response.json()]).toEqual([
      409,
      expect.objectContaining({ detail: "The control plane runs in no cluster: register keys (jwks)." }),
    ]);
  });
});

test("who brings bad tokens again and again is told to wait", async () => {
  await using own = await started();
  const before = plane;
  plane = own;
  try {
    const { subject } = await registered();
    const bad = await tokenOf(subject, { aud: "https://elsewhere" });
    const seen = new Set<string>();
    for (let index = 0; index < 30; index += 1) seen.add((await enrol(bad)).answer.error ?? "");
    expect([...seen]).toEqual(["bad_audience", "rate_limited"]);
  } finally {
    plane = before;
  }
});
