import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { OwnCluster } from "../../src/control-plane/own-cluster.ts";
import type { ClusterPlace } from "../../src/control-plane/settings.ts";
import { createAuthority } from "../../src/demo/certificates.ts";
import { accountToken, clusterKey, ISSUER } from "../fake/account-token.ts";
import { httpsServer } from "../fake/secure.ts";

interface Asked {
  readonly authorization: string | undefined;
  readonly url: string | undefined;
  readonly body: { spec: { token: string; audiences?: string[] } };
}

const AUDIENCE = "https://mooring.example";
const CANARY = "token.canary.0123456789";
const parts = new AsyncDisposableStack();
const asked: Asked[] = [];
const logged: object[] = [];
let place: ClusterPlace;
let own: string;
let answer: (response: ServerResponse, body: Asked["body"]) => void;
let tick = 0;

beforeAll(async () => {
  const authority = await createAuthority("A cluster, tests");
  const { certPem: cert, keyPem: key } = await authority.issue({ names: ["127.0.0.1"] });
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const body = JSON.parse(text) as Asked["body"];
    asked.push({ authorization: request.headers.authorization, url: request.url, body });
    answer(response, body);
  };
  const server = parts.use(
    await httpsServer({ cert, key }, (request, response) => void serve(request, response)),
  );
  const directory = await mkdtemp(path.join(tmpdir(), "mooring-account-"));
  parts.defer(() => rm(directory, { recursive: true }));
  own = await accountToken(await clusterKey("k"), { aud: ISSUER });
  await writeFile(path.join(directory, "ca.crt"), authority.certPem);
  await writeFile(path.join(directory, "token"), `${own}\n`);
  place = { host: "127.0.0.1", port: server.port, directory };
});
afterAll(() => parts.disposeAsync());
beforeEach(() => {
  asked.length = 0;
  logged.length = 0;
});

const quiet = { info: () => {}, error: () => {} };
const cluster = (changes: Partial<ClusterPlace> = {}): OwnCluster =>
  new OwnCluster(
    { ...place, ...changes },
    { log: { ...quiet, warn: (facts) => logged.push(facts) }, tick: () => tick },
  );

function status(told: object, code = 201): typeof answer {
  return (response) => {
    response.writeHead(code, { "content-type": "application/json" });
    response.end(JSON.stringify({ kind: "TokenReview", status: told }));
  };
}

test("asks for our audience, by its own token of this moment", async () => {
  answer = status({ authenticated: true, user: { username: "u" }, audiences: [AUDIENCE] });
  const reviewing = cluster();
  expect(await reviewing.review(CANARY, [AUDIENCE])).toEqual({ username: "u", audiences: [AUDIENCE] });
  expect(asked).toEqual([
    {
      authorization: `Bearer ${own}`,
      url: "/apis/authentication.k8s.io/v1/tokenreviews",
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        spec: { token: CANARY, audiences: [AUDIENCE] },
      },
    },
  ]);
  await writeFile(path.join(place.directory, "token"), "another");
  await reviewing.review(CANARY, [AUDIENCE]);
  await writeFile(path.join(place.directory, "token"), own);
  expect(asked.at(-1)?.authorization).toBe("Bearer another");
});

test("a token that the cluster does not vouch for is rejected", async () => {
  answer = status({ error: "[invalid bearer token, service account UID is gone]" });
  expect(await cluster().review(CANARY, [AUDIENCE])).toBe("token_rejected");
});

test.each<[says: string, answer: typeof answer]>([
  ["The control plane may not create TokenReviews: set rbac.tokenReview=true in its chart.", status({}, 403)],
  ["The API server does not accept the control plane's own token.", status({}, 401)],
  ["The API server answered 503.", status({}, 503)],
  ["The API server's answer is no TokenReview.", (response) => void response.writeHead(201).end(CANARY)],
  [
    "The API server's answer is no TokenReview.",
    (response) => void response.writeHead(201).end(`{"status":{"x":"${"x".repeat(80_000)}"}}`),
  ],
])("what keeps it from asking is told in words: %s", async (says, given) => {
  answer = given;
  expect(await cluster().review(CANARY, [AUDIENCE])).toBe("unavailable");
  expect(logged).toEqual([{ why: says }]);
  expect(await cluster().trouble(ISSUER)).toBe(says);
});

test("nobody there, a foreign authority, no account, no cluster: in words, without a token", async () => {
  answer = status({});
  expect(await cluster({ port: 1 }).trouble(ISSUER)).toBe(
    "The API server at 127.0.0.1:1 could not be asked (ECONNREFUSED).",
  );
  expect(await cluster({ directory: "/none" }).trouble(ISSUER)).toBe(
    "The control plane runs in no cluster, or without a ServiceAccount: /none/token cannot be read (ENOENT). Set rbac.tokenReview=true in its chart, or register keys (jwks).",
  );
  const none = new OwnCluster(undefined, { log: { ...quiet, warn: () => {} }, tick: () => 0 });
  expect(await none.review(CANARY, [AUDIENCE])).toBe("unavailable");
  const directory = await mkdtemp(path.join(tmpdir(), "mooring-account-"));
  parts.defer(() => rm(directory, { recursive: true }));
  await writeFile(path.join(directory, "token"), own);
  const { certPem } = await createAuthority("Another one, tests");
  await writeFile(path.join(directory, "ca.crt"), certPem);
  expect(await cluster({ directory }).trouble(ISSUER)).toBe(
    `The API server at 127.0.0.1:${place.port} could not be asked (UNABLE_TO_VERIFY_LEAF_SIGNATURE).`,
  );
  // Node would repeat what cannot stand in a header.
  await writeFile(path.join(directory, "token"), "canary\ncanary");
  expect(await cluster({ directory }).trouble(ISSUER)).not.toContain("canary");
  expect(asked).toEqual([]);
});

test("an issuer that is not its own is told with its own", async () => {
  answer = status({ authenticated: true });
  expect(await cluster().trouble(ISSUER)).toBeUndefined();
  expect(await cluster().trouble("https://elsewhere")).toBe(
    `The issuer of the control plane's own cluster is ${ISSUER}: register that one, or another cluster by its keys (jwks).`,
  );
});

test("a server that does not answer is given up after 5 s", async () => {
  answer = () => {};
  const before = performance.now();
  expect(await cluster().trouble(ISSUER)).toBe(
    `The API server at 127.0.0.1:${place.port} could not be asked (no answer in 5 s).`,
  );
  expect(performance.now() - before).toBeLessThan(8_000);
});

test("is asked 50 times at once and 10 times a second, and no more", async () => {
  answer = status({});
  const one = cluster();
  const all = await Promise.all(Array.from({ length: 60 }, () => one.review(CANARY, [AUDIENCE])));
  expect(all.filter((said) => said === "rate_limited")).toHaveLength(10);
  tick += 1_000;
  expect(await one.review(CANARY, [AUDIENCE])).toBe("token_rejected");
});
