import { describe, expect, test } from "vitest";
import { isExempt, parseProxy, proxyFromEnvironment } from "../../../src/connector/dial/proxy.ts";
import { http } from "../../../src/connector/integrations/http/http.ts";
import { tcp } from "../../../src/connector/integrations/tcp/tcp.ts";
import type { ReasonCode } from "../../../src/protocol/reasons.ts";
import { expectLook, unreachable } from "../../contract/expected.ts";
import { HOST, look, type LookSettings } from "../../contract/look.ts";
import { fixtures } from "../../contract/subject.ts";
import { httpSubject, httpsSubject } from "../../contract/subjects.ts";
import { dnsServer } from "../../fake/dns.ts";
import { connectProxy, type ProxyMode } from "../../fake/proxy.ts";
import { blackHole, refusedPort, resets, silent, tlsServer } from "../../fake/targets.ts";

const INSIDE = "db.inside.test";

test.each<[url: string, label: string | undefined, tls: boolean, login: string | undefined]>([
  ["http://proxy.test:3128", "proxy.test:3128", false, undefined],
  ["proxy.test:3128", "proxy.test:3128", false, undefined],
  ["https://proxy.test", "proxy.test:443", true, undefined],
  ["http://u:p%3A1@proxy.test", "proxy.test:80", false, "u:p:1"],
  ["http://[::1]:8080", "[::1]:8080", false, undefined],
  ["socks5://proxy.test:1080", undefined, false, undefined],
  ["http://%zz@proxy.test", undefined, false, undefined],
  ["http://", undefined, false, undefined],
  ["http://proxy.test:0", undefined, false, undefined],
])("the proxy of %s", (url, label, tls, login) => {
  const proxy = parseProxy(url);
  expect(proxy?.label).toBe(label);
  if (label === undefined) return;
  expect(proxy?.tls).toBe(tls);
  const authorization = login === undefined ? undefined : `Basic ${Buffer.from(login).toString("base64")}`;
  expect(proxy?.authorization).toBe(authorization);
});

test.each<[noProxy: string, host: string, port: number, exempt: boolean]>([
  ["*", "db.test", 80, true],
  ["db.test", "db.test", 80, true],
  ["DB.test", "db.TEST.", 80, true],
  ["db.test", "a.db.test", 80, true],
  ["db.test", "adb.test", 80, false],
  [".db.test", "a.db.test", 80, true],
  [".svc", "orders.data.svc", 80, true],
  ["*.db.test", "a.db.test", 80, true],
  ["db.test:8080", "db.test", 8080, true],
  ["db.test:8080", "db.test", 80, false],
  ["a.test, b.test c.test", "c.test", 80, true],
  ["10.0.0.0/8", "10.1.2.3", 80, true],
  ["10.0.0.0/8", "11.1.2.3", 80, false],
  ["10.0.0.0/8", "ten.test", 80, false],
  ["10.1.2.3", "10.1.2.3", 80, true],
  ["10.1.2.3:81", "10.1.2.3", 80, false],
  ["2.3", "10.1.2.3", 80, false],
  ["::1", "::1", 80, true],
  ["[::1]", "::1", 80, true],
  ["[::1]:81", "::1", 80, false],
  ["[::1]:80", "::1", 80, true],
  ["fd00::/8", "fd00::5", 80, true],
  ["", "db.test", 80, false],
  [",", "db.test", 80, false],
])("NO_PROXY=%s and %s:%i", (noProxy, host, port, exempt) => {
  expect(isExempt(noProxy, host, port)).toBe(exempt);
});

test.each<[environment: Record<string, string>, scheme: "http" | "https", named: string | undefined]>([
  [{ HTTP_PROXY: "socks5://u:p@a.test:1" }, "http", "not HTTP_PROXY"],
  [{ https_proxy: "http://a.test:0" }, "https", "not https_proxy"],
  [{ ALL_PROXY: "://" }, "https", "not ALL_PROXY"],
  [{ ALL_PROXY: "://", NO_PROXY: "*" }, "https", undefined],
  [{ HTTP_PROXY: "http://a.test:1" }, "http", "a.test:1"],
  [{ HTTP_PROXY: "http://a.test:1" }, "https", undefined],
  [{ HTTPS_PROXY: "http://b.test:2" }, "https", "b.test:2"],
  [{ https_proxy: "http://c.test:3", HTTPS_PROXY: "http://b.test:2" }, "https", "c.test:3"],
  [{ http_proxy: "c.test:3" }, "http", "c.test:3"],
  [{ ALL_PROXY: "http://d.test:4" }, "http", "d.test:4"],
  [{ all_proxy: "http://d.test:4" }, "https", "d.test:4"],
  [{ ALL_PROXY: "http://d.test:4", HTTPS_PROXY: "http://b.test:2" }, "https", "b.test:2"],
  [{ HTTP_PROXY: "http://a.test:1", NO_PROXY: "db.test" }, "http", undefined],
  [{ HTTP_PROXY: "http://a.test:1", no_proxy: "db.test" }, "http", undefined],
  [{ HTTP_PROXY: "http://a.test:1", no_proxy: "other.test" }, "http", "a.test:1"],
  [{ HTTP_PROXY: "" }, "http", undefined],
  [{}, "http", undefined],
])("the environment %o, %s", (environment, scheme, named) => {
  const proxy = proxyFromEnvironment(environment, { scheme, host: "db.test", port: 80 });
  expect(proxy !== undefined && "variable" in proxy ? `not ${proxy.variable}` : proxy?.label).toBe(named);
});

/** A look at a place that only the proxy knows, which is never asked of our own DNS. */
function through(proxyUrl: string, settings: LookSettings = {}) {
  return look(tcp, { host: INSIDE, port: 5432, proxy: proxyUrl }, settings);
}

describe.concurrent("what the proxy does with the request", () => {
  test.each<[mode: ProxyMode, reason: ReasonCode, words: string]>([
    ["forbids", "proxy_refused", "it answered 403"],
    ["wantsLogin", "proxy_refused", "it answered 407"],
    ["badGateway", "connection_refused", `answered 502: it could not connect to ${INSIDE}:5432`],
    ["serviceUnavailable", "connection_refused", `answered 503: it could not connect to ${INSIDE}:5432`],
    ["gatewayTimeout", "connect_timeout", `answered 504: it got no answer from ${INSIDE}:5432`],
    ["closes", "proxy_refused", "it closed the connection"],
  ])("%s", async (mode, reason, words) => {
    await using proxy = await connectProxy({ mode });
    const looked = await through(`http://127.0.0.1:${proxy.port}`, { timeoutMs: 3000 });
    expectLook(looked, unreachable("connect", reason), 3000);
    expect(looked.report.cause).toContain(`127.0.0.1:${proxy.port}`);
    expect(looked.report.cause).toContain(words);
    expect(proxy.connects()).toEqual([`${INSIDE}:5432`]);
    await proxy.idle();
  });

  test.each<[mode: ProxyMode, reason: ReasonCode]>([["silent", "connect_timeout"]])(
    "%s",
    async (mode, reason) => {
      await using proxy = await connectProxy({ mode });
      const looked = await through(`http://127.0.0.1:${proxy.port}`, { timeoutMs: 600 });
      expectLook(looked, unreachable("connect", reason), 600);
      expect(looked.report.cause).toMatch(/^The proxy 127\.0\.0\.1:\d+ did not answer within 300 ms\.$/);
      await proxy.idle();
    },
  );

  test("garbage", async () => {
    await using proxy = await connectProxy({ mode: "garbage" });
    const looked = await through(`http://127.0.0.1:${proxy.port}`, { timeoutMs: 600 });
    expectLook(looked, unreachable("connect", "proxy_refused"), 600);
    expect(looked.report.cause).toContain("it did not answer in HTTP");
  });

  test("works, with a login, and tells what it does not know", async () => {
    await using target = await silent();
    const hosts = { [INSIDE]: "127.0.0.1" };
    await using proxy = await connectProxy({ mode: "wantsLogin", hosts, login: { user: "u", pass: "p:1" } });
    const config = { host: INSIDE, port: target.port, proxy: `http://u:p%3A1@127.0.0.1:${proxy.port}` };
    const looked = await look(tcp, config);
    expectLook(looked, "online", 5000);
    expect(JSON.stringify(looked.report)).not.toMatch(/p:1|p%3A1/);
    await Promise.all([target.idle(), proxy.idle()]);
  });

  test("the target behind it refuses", async () => {
    await using closed = await refusedPort();
    await using proxy = await connectProxy({ mode: "works" });
    const config = { host: "127.0.0.1", port: closed.port, proxy: `http://127.0.0.1:${proxy.port}` };
    expectLook(await look(tcp, config), unreachable("connect", "connection_refused"), 5000);
  });

  test("a forbidden address is not asked of it", async () => {
    await using proxy = await connectProxy({ mode: "works" });
    const config = { host: "0xa9fea9fe", port: 80, proxy: `http://127.0.0.1:${proxy.port}` };
    expectLook(await look(tcp, config), unreachable("connect", "address_forbidden"), 5000);
    expect(proxy.connects()).toEqual([]);
  });
});

describe.concurrent("a proxy that is not there", () => {
  test("its name is unknown: it is named, not the target", async () => {
    await using dns = await dnsServer();
    const looked = await through("http://proxy.nowhere.test:3128", { dns: { servers: [dns.address] } });
    expectLook(looked, unreachable("resolve", "dns_not_found"), 5000);
    expect(looked.report.cause).toContain("proxy.nowhere.test");
    expect(JSON.stringify(looked.report.cause)).not.toContain(INSIDE);
  });

  test("it refuses", async () => {
    await using closed = await refusedPort();
    const looked = await through(`http://127.0.0.1:${closed.port}`);
    expectLook(looked, unreachable("connect", "proxy_refused"), 5000);
    expect(looked.report.cause).toContain("it refused the connection itself");
  });

  test("it resets", async () => {
    await using proxy = await resets();
    const looked = await through(`http://127.0.0.1:${proxy.port}`);
    expectLook(looked, unreachable("connect", "proxy_refused"), 5000);
    expect(looked.report.cause).toContain("it reset the connection");
  });

  test("it is a black hole", async () => {
    await using hole = await blackHole();
    const looked = await through(`http://127.0.0.1:${hole.port}`, { timeoutMs: 600 });
    expectLook(looked, unreachable("connect", "connect_timeout"), 600);
    expect(looked.report.cause).toContain(`The proxy 127.0.0.1:${hole.port} did not answer`);
  });

  test("its address is forbidden", async () => {
    const looked = await through("http://169.254.169.254:80");
    expectLook(looked, unreachable("connect", "address_forbidden"), 5000);
    expect(looked.report.cause).toBe(
      "The proxy 169.254.169.254:80 is 169.254.169.254, a metadata address. The connector does not dial those.",
    );
    expect(looked.report.remedy[0]?.text).toContain("Correct the proxy 169.254.169.254:80");
  });

  test("an https proxy whose certificate nobody vouches for", async () => {
    await using made = await fixtures();
    const { keyPem: key, certPem: cert } = made.certificate;
    await using proxy = await tlsServer({ key, cert });
    const looked = await through(`https://127.0.0.1:${proxy.port}`);
    expectLook(looked, unreachable("connect", "proxy_refused"), 5000);
    expect(looked.report.cause).toContain("its TLS failed with certificate_untrusted");
    await proxy.idle();
  });

  test("an https proxy that speaks no TLS", async () => {
    await using proxy = await connectProxy({ mode: "works" });
    const looked = await through(`https://127.0.0.1:${proxy.port}`);
    expectLook(looked, unreachable("connect", "proxy_refused"), 5000);
    expect(looked.report.cause).toContain("its TLS failed with tls_unsupported");
  });
});

describe.concurrent("http takes the proxy of the environment", () => {
  test("one that cannot be read is told by its variable, and not gone around", async () => {
    await using server = await silent();
    const environment = { HTTP_PROXY: "socks5://user:hunter2@proxy.test:1080" };
    const looked = await look(http, { url: `http://${HOST}:${server.port}/` }, { environment });
    expectLook(looked, unreachable("connect", "proxy_refused"), 5000);
    expect(looked.report.cause).toContain("HTTP_PROXY is not a proxy's URL");
    expect(looked.report.remedy[0]?.text).toContain("Set HTTP_PROXY to http://HOST:PORT");
    expect(JSON.stringify(looked.report)).not.toMatch(/hunter2|socks5/);
    expect(server.accepted()).toBe(0);
  });

  test("in the clear and encrypted, with the target's TLS inside", async () => {
    await using made = await fixtures();
    for (const [name, subject] of [
      ["HTTP_PROXY", httpSubject],
      ["https_proxy", httpsSubject],
    ] as const) {
      await using healthy = await subject.healthy(made);
      await using proxy = await connectProxy({ mode: "works", hosts: { [HOST]: "127.0.0.1" } });
      const environment = { [name]: `http://127.0.0.1:${proxy.port}` };
      const config = subject.config({ host: HOST, port: healthy.port }, made.ca);
      const looked = await look(http, config, { environment, secret: healthy.secrets?.right });
      expectLook(looked, "online", 5000);
      expect(proxy.connects()).toEqual([`${HOST}:${healthy.port}`]);
    }
  });

  test("unless NO_PROXY or the item says otherwise", async () => {
    await using made = await fixtures();
    await using healthy = await httpSubject.healthy(made);
    const dead = "http://127.0.0.1:1";
    const url = `http://${HOST}:${healthy.port}/`;
    const secret = healthy.secrets?.right;
    const exempt = { environment: { HTTP_PROXY: dead, NO_PROXY: ".test" }, secret };
    expectLook(await look(http, { url }, exempt), "online", 5000);
    const none = { environment: { HTTP_PROXY: dead }, secret };
    expectLook(await look(http, { url, proxy: "none" }, none), "online", 5000);
    expectLook(await look(http, { url }, none), unreachable("connect", "proxy_refused"), 5000);
  });
});
