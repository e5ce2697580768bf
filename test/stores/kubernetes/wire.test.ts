// What no real API server can be made to do on demand: silence, throttling, failures, foreign answers, broken logins.
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { kubernetes } from "../../../src/connector/secrets/kubernetes.ts";
import { createAuthority } from "../../../src/demo/certificates.ts";
import type { Report } from "../../../src/protocol/report.ts";
import { dnsServer, resolvConf } from "../../fake/dns.ts";
import { connectProxy } from "../../fake/proxy.ts";
import { place, settings } from "../../fake/secret.ts";
import { blackHole, httpServer, refusedPort, scripted } from "../../fake/targets.ts";
import { expectTold, letterOf, lookFor, type Told, type Wish } from "../row.ts";
import { type FakeApi, fakeApi, type Handler, type Reply, secretReply } from "./fake-api.ts";
import { pod, unsignedToken } from "./pod.ts";

const VALUES = { username: `user-${randomUUID()}`, password: `pass-${randomUUID()}` };
const SIGNATURE = `signature-${randomUUID()}`;
const ISSUER = "https://kubernetes.default.svc";
const TOKEN = unsignedToken(
  { iss: ISSUER, aud: [ISSUER], sub: "system:serviceaccount:mooring:connector", exp: 4_000_000_000 },
  SIGNATURE,
);
const CANARIES = [...Object.values(VALUES), TOKEN, SIGNATURE];
const REF = { name: "orders-db", namespace: "data" };
const PATH = "/api/v1/namespaces/data/secrets/orders-db";

const unreachable = (reason: string): Told => ["secret_unreachable", "secret", reason] as Told;
const letter = (report: Report): string =>
  letterOf(report)
    .replaceAll(/\d{4}-\d\d-\S+Z/g, "TIME")
    .replaceAll(/\/tmp\/mooring-[\w-]+/g, "/DIR");

type More = Partial<Wish<unknown, unknown>>;

async function lookAt(
  api: Pick<FakeApi, "url" | "ca">,
  more: More = {},
  environment: Record<string, string> = {},
): Promise<Report> {
  await using here = await pod({ url: api.url, ca: api.ca, token: TOKEN });
  const where = place({ ...here.environment, ...environment });
  return await lookFor({ type: kubernetes, ref: REF, place: where, canaries: CANARIES, ...more });
}

/** What a real API server answers to everything else that may be asked on the way. */
const otherwise =
  (reply: Reply): Handler =>
  ({ path }) =>
    path === PATH ? reply : { status: 403, reason: "Forbidden" };

test("an answer that breaks off is in no error, nor in what caused it", async () => {
  const value = Buffer.from(VALUES.password).toString("base64");
  await using api = await fakeApi((_asked, response) => {
    const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    response.socket?.write(`${head}5\r\n{"a":\r\nZZ{"data":{"password":"${value}"}} ${VALUES.password}\r\n`);
    return undefined;
  });
  expectTold(await lookAt(api), unreachable("store_unreachable"));
});

describe("not reachable", () => {
  test("refused", async () => {
    await using target = await refusedPort();
    const report = await lookAt({
      url: `https://127.0.0.1:${target.port}`,
      ca: (await createAuthority("x")).certPem,
    });
    expectTold(report, unreachable("store_unreachable"));
    expect(letter(report)).toMatchSnapshot();
  });

  test("no such name", async () => {
    await using dns = await dnsServer();
    await using conf = await resolvConf({ nameservers: [dns.address] });
    const ca = (await createAuthority("x")).certPem;
    const report = await lookAt(
      { url: "https://api.example.com:6443", ca },
      {},
      { MOORING_RESOLV_CONF: conf.path },
    );
    expectTold(report, unreachable("store_unreachable"));
    expect(letter(report).replaceAll(dns.address, "NAMESERVER")).toMatchSnapshot();
  });

  test("a black hole", async () => {
    await using hole = await blackHole();
    const report = await lookAt(
      { url: `https://127.0.0.1:${hole.port}`, ca: (await createAuthority("x")).certPem },
      { timeoutMs: 500 },
    );
    expectTold(report, unreachable("store_timeout"));
    expect(letter(report)).toMatchSnapshot();
  });

  test("a certificate of another authority: it gets no token", async () => {
    await using api = await fakeApi(() => secretReply(VALUES));
    const report = await lookAt({ url: api.url, ca: (await createAuthority("another")).certPem });
    expectTold(report, unreachable("store_unreachable"));
    expect(letter(report)).toMatchSnapshot();
    expect(api.asked).toEqual([]);
  });

  test("a certificate that has expired", async () => {
    await using api = await fakeApi(() => secretReply(VALUES), {
      notAfter: new Date(Date.now() - 86_400_000),
    });
    const report = await lookAt(api);
    expectTold(report, unreachable("store_unreachable"));
    expect(letter(report)).toMatchSnapshot();
  });

  test("no TLS there", async () => {
    await using plain = await httpServer((_request, response) => response.end("hello"));
    const report = await lookAt({
      url: `https://127.0.0.1:${plain.port}`,
      ca: (await createAuthority("x")).certPem,
    });
    expectTold(report, unreachable("store_unreachable"));
    expect(letter(report)).toMatchSnapshot();
  });

  test("a connection that is cut within the answer", async () => {
    await using api = await fakeApi((_asked, response) => {
      response.writeHead(200, { "content-length": "1000" }).write("{");
      response.socket?.destroy();
      return undefined;
    });
    expectTold(await lookAt(api), unreachable("store_unreachable"));
  });

  test("silence", async () => {
    await using api = await fakeApi(() => undefined);
    const report = await lookAt(api, { timeoutMs: 500 });
    expectTold(report, unreachable("store_timeout"));
    expect(letter(report)).toMatchSnapshot();
  });

  test("silence before TLS", async () => {
    await using target = await scripted(() => {});
    const report = await lookAt(
      { url: `https://127.0.0.1:${target.port}`, ca: (await createAuthority("x")).certPem },
      { timeoutMs: 500 },
    );
    expectTold(report, unreachable("store_timeout"));
  });

  test("an answer without end", async () => {
    await using api = await fakeApi((_asked, response) => {
      const more = (): void => {
        while (response.write("x".repeat(65_536)));
        response.once("drain", more);
      };
      more();
      return undefined;
    });
    const report = await lookAt(api);
    expectTold(report, unreachable("store_unreachable"));
    expect(letter(report)).toMatchSnapshot();
  });

  test.each([500, 503])("%s", async (status) => {
    await using api = await fakeApi(otherwise({ status, reason: "InternalError" }));
    const report = await lookAt(api);
    expectTold(report, unreachable("store_unreachable"));
    expect(letter(report)).toMatchSnapshot();
  });

  test("503 with Retry-After, then the Secret", async () => {
    let asked = 0;
    await using api = await fakeApi(() =>
      (asked += 1) === 1
        ? { status: 503, reason: "ServiceUnavailable", headers: { "retry-after": "0" } }
        : secretReply(VALUES),
    );
    expectTold(await lookAt(api), "online");
    expect(asked).toBe(2);
  });

  test.each([
    ["another server's page", { body: "<html>It works!</html>", headers: { "content-type": "text/html" } }],
    [
      "another server's 404",
      { status: 404, body: "<html>Not Found</html>", headers: { "content-type": "text/html" } },
    ],
    ["JSON of another server", { body: { ok: true } }],
  ] satisfies [string, Reply][])("%s", async (_name, reply) => {
    await using api = await fakeApi(() => reply);
    const report = await lookAt(api);
    expectTold(report, unreachable("store_unreachable"));
    expect(letter(report)).toMatchSnapshot();
  });
});

describe("throttled", () => {
  test("for long", async () => {
    await using api = await fakeApi(() => ({
      status: 429,
      reason: "TooManyRequests",
      headers: { "retry-after": "30" },
    }));
    const report = await lookAt(api);
    expectTold(report, unreachable("store_rate_limited"));
    expect(letter(report)).toMatchSnapshot();
    expect(api.asked).toHaveLength(1);
  });

  test("the keeper is told for how long, and the next reading does not even ask", async () => {
    await using api = await fakeApi(() => ({
      status: 429,
      reason: "TooManyRequests",
      headers: { "retry-after": "30" },
    }));
    await using here = await pod({ url: api.url, ca: api.ca, token: TOKEN });
    const store = kubernetes.open(settings({}), place(here.environment));
    const read = () => store.read(REF, new AbortController().signal);
    await expect(read()).rejects.toMatchObject({
      reason: "store_rate_limited",
      evidence: { retryAfterMs: 30_000 },
    });
    await expect(read()).rejects.toMatchObject({ reason: "store_rate_limited" });
    expect(api.asked).toHaveLength(1);
    await store.close?.();
  });

  test("for a moment: waited for", async () => {
    let asked = 0;
    await using api = await fakeApi(() =>
      (asked += 1) === 1
        ? { status: 429, reason: "TooManyRequests", headers: { "retry-after": "1" } }
        : secretReply(VALUES),
    );
    const started = performance.now();
    expectTold(await lookAt(api), "online");
    expect(performance.now() - started).toBeGreaterThan(950);
  });
});

describe("forbidden", () => {
  const verdict =
    (status: unknown, more: Handler = () => ({ status: 403, reason: "Forbidden" })): Handler =>
    (asked, response) =>
      asked.path.endsWith("/selfsubjectaccessreviews")
        ? { status: 201, body: { status } }
        : more(asked, response);

  test("an authorizer denies it outright", async () => {
    await using api = await fakeApi(verdict({ allowed: false, denied: true, reason: "prose of a webhook" }));
    const report = await lookAt(api);
    expectTold(report, unreachable("secret_forbidden"));
    expect(letter(report)).toMatchSnapshot();
  });

  test("the right is there, and it is refused all the same", async () => {
    await using api = await fakeApi(verdict({ allowed: true }));
    const report = await lookAt(api);
    expectTold(report, unreachable("secret_forbidden"));
    expect(letter(report)).toMatchSnapshot();
  });

  test("the right came while we asked", async () => {
    let gets = 0;
    await using api = await fakeApi(
      verdict({ allowed: true }, ({ path }) =>
        path === PATH && (gets += 1) === 2 ? secretReply(VALUES) : { status: 403, reason: "Forbidden" },
      ),
    );
    expectTold(await lookAt(api), "online");
  });

  test("why is not asked for ever", async () => {
    await using api = await fakeApi(({ path }) =>
      path === PATH ? { status: 403, reason: "Forbidden" } : undefined,
    );
    expectTold(await lookAt(api, { timeoutMs: 8_000 }), unreachable("secret_forbidden"));
  });

  test("nor may we ask why", async () => {
    await using api = await fakeApi(() => ({ status: 403, reason: "Forbidden" }));
    const report = await lookAt(api);
    expectTold(report, unreachable("secret_forbidden"));
    expect(letter(report)).toMatchSnapshot();
  });
});

describe("no identity", () => {
  async function lookWith(environment: Record<string, string>): Promise<Report> {
    return await lookFor({ type: kubernetes, ref: REF, place: place(environment), canaries: CANARIES });
  }
  const OUTSIDE = { MOORING_SERVICE_ACCOUNT_DIR: "/nowhere" };

  test("no token and no kubeconfig", async () => {
    const report = await lookWith({ ...OUTSIDE, HOME: "/nowhere" });
    expectTold(report, unreachable("store_identity_rejected"));
    expect(letter(report)).toMatchSnapshot();
  });

  test("and nothing says where one could be", async () => {
    expect((await lookWith(OUTSIDE)).cause).toMatchSnapshot();
  });

  test.each([
    ["is empty", ""],
    ["holds more than a token", `${TOKEN} and words\n`],
  ])("the token's file %s", async (_name, token) => {
    await using here = await pod({ url: "https://127.0.0.1:1", ca: "", token });
    const report = await lookWith(here.environment);
    expectTold(report, unreachable("store_identity_rejected"));
    expect(letter(report)).toMatchSnapshot();
  });

  test("the authority is not there", async () => {
    await using api = await fakeApi(() => secretReply(VALUES));
    await using here = await pod({ url: api.url, ca: api.ca, token: TOKEN });
    await rm(join(here.directory, "ca.crt"));
    const report = await lookWith(here.environment);
    expectTold(report, unreachable("store_unreachable"));
    expect(letter(report)).toMatchSnapshot();
    expect(api.asked).toEqual([]);
  });

  const cluster = { name: "c", cluster: { server: "https://127.0.0.1:1" } };
  const context = { name: "x", context: { cluster: "c", user: "jane" } };
  const config = (user: unknown, more: object = {}): string =>
    JSON.stringify({
      "current-context": "x",
      clusters: [cluster],
      contexts: [context],
      users: [{ name: "jane", user }],
      ...more,
    });

  test.each([
    ["is not YAML", "a: [b"],
    ["is another file", "- 1"],
    ["has no current context", config({ token: TOKEN }, { "current-context": "" })],
    ["lacks its current context", config({ token: TOKEN }, { contexts: [] })],
    ["lacks its cluster", config({ token: TOKEN }, { clusters: [] })],
    ["lacks its user", config({ token: TOKEN }, { users: [] })],
    [
      "has a server without TLS",
      config({ token: TOKEN }, { clusters: [{ name: "c", cluster: { server: "http://10.0.0.1:8080" } }] }),
    ],
    [
      "has a proxy of another kind",
      config(
        { token: TOKEN },
        {
          clusters: [
            { name: "c", cluster: { server: "https://127.0.0.1:1", "proxy-url": "socks5://127.0.0.1:1080" } },
          ],
        },
      ),
    ],
    [
      "runs a program",
      config({
        exec: { apiVersion: "client.authentication.k8s.io/v1", command: "touch", args: ["/tmp/mooring-ran"] },
      }),
    ],
    ["wants a provider", config({ "auth-provider": { name: "gcp" } })],
    ["has a password", config({ username: "jane", password: VALUES.password })],
    ["has a token's file that is not there", config({ tokenFile: "no-token" })],
    ["has no login", config({})],
  ])("a kubeconfig that %s", async (_name, text) => {
    const directory = await mkdtemp(join(tmpdir(), "mooring-kubeconfig-"));
    const file = join(directory, "config");
    await writeFile(file, text);
    const report = await lookWith({ ...OUTSIDE, KUBECONFIG: file });
    await rm(directory, { recursive: true });
    expectTold(report, unreachable("store_identity_rejected"));
    expect(letter(report)).toMatchSnapshot();
  });
});

describe("the connection", () => {
  test("500 readings one after the other are one connection, and say who asks", async () => {
    await using api = await fakeApi(() => secretReply(VALUES));
    await using here = await pod({ url: api.url, ca: api.ca, token: TOKEN });
    const store = kubernetes.open(settings({}), place(here.environment));
    const { signal } = new AbortController();
    for (let count = 0; count < 500; count += 1) await store.read(REF, signal);
    expect([api.accepted(), api.asked.length]).toEqual([1, 500]);
    expect(api.asked[0]?.headers["user-agent"]).toMatch(/^mooring\/\d+\.\d+\.\d+$/);
    await store.close?.();
    await api.idle();
  });

  test("500 readings at once are no more than 4", async () => {
    await using api = await fakeApi(() => secretReply(VALUES));
    await using here = await pod({ url: api.url, ca: api.ca, token: TOKEN });
    const store = kubernetes.open(settings({}), place(here.environment));
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 500 }, () => store.read(REF, signal)));
    expect(api.asked).toHaveLength(500);
    expect(api.accepted()).toBeLessThanOrEqual(4);
    await store.close?.();
  });

  test("a kept connection that is ended as it is used again is no failure", async () => {
    const used = new WeakSet<object>();
    await using api = await fakeApi((_asked, { socket }) => {
      if (socket === null) return undefined;
      if (!used.has(socket)) {
        used.add(socket);
        return secretReply(VALUES);
      }
      socket.destroy();
      return undefined;
    });
    await using here = await pod({ url: api.url, ca: api.ca, token: TOKEN });
    const store = kubernetes.open(settings({}), place(here.environment));
    const { signal } = new AbortController();
    for (let count = 0; count < 5; count += 1) await store.read(REF, signal);
    expect([api.accepted(), api.asked.length]).toEqual([5, 9]);
    await store.close?.();
  });

  test("a token that is renewed while it is asked with is read again, once", async () => {
    await using here = await pod({ url: "https://127.0.0.1:1", ca: "", token: "old" });
    await using api = await fakeApi(async ({ headers }) => {
      if (headers.authorization === `Bearer ${TOKEN}`) return secretReply(VALUES);
      await here.renew("token", TOKEN);
      return { status: 401, reason: "Unauthorized" };
    });
    await here.renew("ca.crt", api.ca);
    const where = place({ ...here.environment, KUBERNETES_SERVICE_PORT: String(api.port) });
    expectTold(await lookFor({ type: kubernetes, ref: REF, place: where, canaries: CANARIES }), "online");
    expect(api.asked).toHaveLength(2);
  });

  test("an authority that is renewed on disk counts from the next connection on", async () => {
    await using api = await fakeApi(() => secretReply(VALUES));
    await using here = await pod({
      url: api.url,
      ca: (await createAuthority("before")).certPem,
      token: TOKEN,
    });
    const opened = kubernetes.open(settings({}), place(here.environment));
    const look = () =>
      lookFor({ type: kubernetes, ref: REF, opened, place: place(here.environment), canaries: CANARIES });
    expectTold(await look(), unreachable("store_unreachable"));
    await here.renew("ca.crt", api.ca);
    expectTold(await look(), "online");
    await opened.close?.();
  });

  test("a client certificate of a kubeconfig logs in", async () => {
    const clients = await createAuthority("clients");
    const jane = await clients.issue({ names: ["jane"], client: true });
    await using api = await fakeApi(() => secretReply(VALUES), { ca: clients.certPem, requestCert: true });
    const directory = await mkdtemp(join(tmpdir(), "mooring-kubeconfig-"));
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    await writeFile(join(directory, "jane.key"), jane.keyPem);
    await writeFile(
      join(directory, "more"),
      JSON.stringify({
        users: [
          {
            name: "jane",
            user: { "client-certificate-data": base64(jane.certPem), "client-key": "jane.key" },
          },
        ],
      }),
    );
    await writeFile(
      join(directory, "config"),
      JSON.stringify({
        "current-context": "x",
        clusters: [
          {
            name: "c",
            cluster: {
              server: `${api.url}/prefix/`,
              "certificate-authority-data": base64(api.ca),
              "tls-server-name": "kubernetes.default.svc",
            },
          },
        ],
        contexts: [{ name: "x", context: { cluster: "c", user: "jane", namespace: "data" } }],
      }),
    );
    const KUBECONFIG = `/nowhere/config:${directory}/config:${directory}/more`;
    const where = place({ MOORING_SERVICE_ACCOUNT_DIR: "/nowhere", KUBECONFIG });
    expectTold(
      await lookFor({
        type: kubernetes,
        ref: { name: "orders-db" },
        place: where,
        canaries: [...CANARIES, jane.keyPem],
      }),
      "online",
    );
    expect(api.asked.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      [`/prefix${PATH}`, undefined],
    ]);
    await rm(directory, { recursive: true });
  });

  test("a proxy of the environment has no part in it, one of the store's config has", async () => {
    await using api = await fakeApi(() => secretReply(VALUES));
    await using proxy = await connectProxy({ mode: "works" });
    const url = `http://127.0.0.1:${proxy.port}`;
    expectTold(await lookAt(api, {}, { HTTPS_PROXY: url }), "online");
    expect(proxy.connects()).toEqual([]);
    expectTold(await lookAt(api, { proxy: url }), "online");
    expect(proxy.connects()).toEqual([`127.0.0.1:${api.port}`]);
  });
});
