import { writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { STORE_ANSWER_BYTES, StoreHttp } from "../../../src/connector/dial/store-http.ts";
import { Failure } from "../../../src/connector/failure.ts";
import { type Authority, createAuthority } from "../../../src/demo/certificates.ts";
import { connectProxy } from "../../fake/proxy.ts";
import { place } from "../../fake/secret.ts";
import {
  babbles,
  blackHole,
  drips,
  httpServer,
  httpsServer,
  refusedPort,
  resetsAfterBytes,
  scripted,
  silent,
  speaks,
  type Target,
} from "../../fake/targets.ts";
import { folder } from "../../process/programs.ts";

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority("mooring store test");
});

const { clock, network } = place();

interface Asking {
  readonly parts?: Partial<ConstructorParameters<typeof StoreHttp>[0]>;
  readonly timeoutMs?: number;
}

/** Asks once; what it throws is its answer. */
async function ask(url: string, { parts, timeoutMs = 5000 }: Asking = {}) {
  const http = new StoreHttp({ clock, network, ...parts });
  try {
    return await http.request({ method: "GET", url: new URL(url) }, AbortSignal.timeout(timeoutMs));
  } catch (error) {
    return error;
  } finally {
    await http.close();
  }
}

function at({ port }: Target, scheme = "http"): string {
  return `${scheme}://127.0.0.1:${port}/`;
}

function expectFailure(error: unknown, reason: string, dialReason: string): Failure {
  expect(error).toBeInstanceOf(Failure);
  const failure = error as Failure;
  expect([failure.stage, failure.reason, failure.evidence["dialReason"]]).toEqual([
    "secret",
    reason,
    dialReason,
  ]);
  expect(failure.evidence["trouble"]).toMatch(/\w/);
  return failure;
}

/** A certificate of the authority's, for these names. */
async function certificate(...names: readonly string[]) {
  const { certPem: cert, keyPem: key } = await authority.issue({ names: [...names] });
  return { cert, key };
}

describe("what cannot be had", () => {
  test("a port that refuses", async () => {
    await using target = await refusedPort();
    const failure = expectFailure(await ask(at(target)), "store_unreachable", "connection_refused");
    expect(failure.evidence["endpoint"]).toBe(`127.0.0.1:${target.port}`);
  });
  test("a name that nobody knows", async () => {
    await using directory = await folder();
    const files = {
      MOORING_HOSTS: join(directory.path, "hosts"),
      MOORING_RESOLV_CONF: join(directory.path, "conf"),
    };
    await writeFile(files.MOORING_HOSTS, "");
    await writeFile(files.MOORING_RESOLV_CONF, "nameserver 127.0.0.1:9\n");
    const parts = { network: place(files).network };
    const error = await ask("https://vault.infra.svc:8200/", { parts });
    const { evidence } = expectFailure(error, "store_unreachable", "dns_unavailable");
    expect(evidence).toMatchObject({
      endpoint: "vault.infra.svc:8200",
      trouble: expect.stringContaining("vault.infra.svc"),
    });
  });
  test("a black hole: ends with its signal, and says that nothing was connected", async () => {
    await using target = await blackHole();
    const started = performance.now();
    expectFailure(await ask(at(target), { timeoutMs: 300 }), "store_timeout", "connect_timeout");
    expect(performance.now() - started).toBeLessThan(2000);
  });
  test("silence: ends with its signal, and says that it was connected", async () => {
    await using target = await silent();
    expectFailure(await ask(at(target), { timeoutMs: 300 }), "store_timeout", "response_timeout");
  });
  test("an answer without end, drop by drop", async () => {
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
    await using target = await drips(head + "x".repeat(1000), { when: "data", everyMs: 5 });
    expectFailure(await ask(at(target), { timeoutMs: 500 }), "store_timeout", "response_timeout");
  });
  test("a signal that has aborted already", async () => {
    await using target = await silent();
    const http = new StoreHttp({ clock, network });
    const asking = http.request({ method: "GET", url: new URL(at(target)) }, AbortSignal.abort());
    await expect(asking).rejects.toMatchObject({ reason: "store_timeout" });
    await http.close();
  });
  test("a reset", async () => {
    await using target = await resetsAfterBytes();
    expectFailure(await ask(at(target)), "store_unreachable", "connection_reset");
  });
  test("no HTTP; what it said is in no error", async () => {
    await using target = await speaks("cnry-banner-51a0\r\n", { when: "connect" });
    const failure = expectFailure(await ask(at(target)), "store_unreachable", "protocol_mismatch");
    expect(JSON.stringify([failure, failure.evidence, String(failure.cause)])).not.toContain(
      "cnry-banner-51a0",
    );
  });
  test("an answer that is too long", async () => {
    const prefix = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    await using target = await babbles({ when: "data", prefix, chunk });
    expectFailure(await ask(at(target)), "store_unreachable", "response_too_large");
    await target.idle();
  });
  test("headers that are too long", async () => {
    await using target = await babbles({
      when: "data",
      prefix: "HTTP/1.1 200 OK\r\n",
      chunk: `x: ${"y".repeat(4000)}\r\n`,
    });
    expectFailure(await ask(at(target)), "store_unreachable", "response_too_large");
  });
});

describe("TLS", () => {
  test("an authority that nobody trusts, and one that the file names", async () => {
    await using directory = await folder();
    const ca = join(directory.path, "ca.pem");
    await writeFile(ca, authority.certPem);
    await using target = await httpsServer(await certificate("127.0.0.1"), (_request, response) =>
      response.end("ok"),
    );
    const failure = expectFailure(
      await ask(at(target, "https")),
      "store_unreachable",
      "certificate_untrusted",
    );
    expect(failure.evidence["untrusted"]).toBe(`127.0.0.1:${target.port}`);
    expect(await ask(at(target, "https"), { parts: { ca } })).toMatchObject({ status: 200 });
  });
  test("a certificate for another name", async () => {
    await using directory = await folder();
    const ca = join(directory.path, "ca.pem");
    await writeFile(ca, authority.certPem);
    await using target = await httpsServer(await certificate("vault.infra.svc"), (_request, response) =>
      response.end(),
    );
    const error = await ask(at(target, "https"), { parts: { ca } });
    expectFailure(error, "store_unreachable", "certificate_name_mismatch");
  });
  test("plain HTTP where TLS is wanted", async () => {
    await using target = await httpServer((_request, response) => response.end());
    expectFailure(await ask(at(target, "https")), "store_unreachable", "tls_unsupported");
  });
});

describe("what is had", () => {
  test("a redirect is an answer, and not followed", async () => {
    await using other = await silent();
    await using target = await httpServer((_request, response) =>
      response.writeHead(307, { location: at(other) }).end(),
    );
    expect(await ask(at(target))).toMatchObject({ status: 307, headers: { location: at(other) } });
    expect(other.accepted()).toBe(0);
  });
  test("as much as an answer may hold", async () => {
    await using target = await httpServer((_request, response) =>
      response.end(Buffer.alloc(STORE_ANSWER_BYTES, 1)),
    );
    const answer = (await ask(at(target))) as { body: Buffer };
    expect(answer.body.length).toBe(STORE_ANSWER_BYTES);
  });
  test("one connection for one after the other; one that ended meanwhile is made anew", async () => {
    const sockets: Socket[] = [];
    await using target = await scripted((socket) => {
      sockets.push(socket);
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
    });
    const http = new StoreHttp({ clock, network });
    const get = () => http.request({ method: "GET", url: new URL(at(target)) }, AbortSignal.timeout(5000));
    await get();
    await get();
    expect(target.accepted()).toBe(1);
    // The next request is on its way when the other side hangs up.
    sockets[0]?.removeAllListeners("data").once("data", () => sockets[0]?.destroy());
    expect(await get()).toMatchObject({ status: 200 });
    expect(target.accepted()).toBe(2);
    await http.close();
    await target.idle();
  });
  test("at most sixteen connections at once; what is asked besides waits", async () => {
    await using target = await httpServer(
      (_request, response) => void setImmediate(() => response.end("ok")),
    );
    const http = new StoreHttp({ clock, network });
    const get = () => http.request({ method: "GET", url: new URL(at(target)) }, AbortSignal.timeout(5000));
    const answers = await Promise.all(Array.from({ length: 100 }, get));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(target.accepted()).toBeLessThanOrEqual(16);
    await http.close();
  });
  test("close ends what is being connected", async () => {
    await using target = await blackHole();
    const http = new StoreHttp({ clock, network });
    const asking = http.request({ method: "GET", url: new URL(at(target)) }, AbortSignal.timeout(9000));
    const started = performance.now();
    const refused = expect(asking).rejects.toBeInstanceOf(Failure);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await http.close();
    await refused;
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("a proxy", () => {
  test("that the store names is asked, with TLS to the store behind it", async () => {
    await using directory = await folder();
    const ca = join(directory.path, "ca.pem");
    await writeFile(ca, authority.certPem);
    await using target = await httpsServer(await certificate("vault.infra.svc"), (_request, response) =>
      response.end("ok"),
    );
    await using proxy = await connectProxy({ mode: "works", hosts: { "vault.infra.svc": "127.0.0.1" } });
    const parts = { ca, proxy: `http://127.0.0.1:${proxy.port}` };
    expect(await ask(`https://vault.infra.svc:${target.port}/`, { parts })).toMatchObject({ status: 200 });
    expect(proxy.connects()).toEqual([`vault.infra.svc:${target.port}`]);
  });
  test("that the environment names is asked, unless the store says none", async () => {
    await using target = await httpServer((_request, response) => response.end("ok"));
    await using proxy = await connectProxy({ mode: "works" });
    const environment = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` };
    const parts = { network: place(environment).network };
    await ask(at(target), { parts });
    expect(proxy.connects()).toHaveLength(1);
    await ask(at(target), { parts: { ...parts, proxy: "none" } });
    expect(proxy.connects()).toHaveLength(1);
  });
  test("that refuses", async () => {
    await using proxy = await connectProxy({ mode: "forbids" });
    const parts = { proxy: `http://user:cnry-proxy-pass@127.0.0.1:${proxy.port}` };
    const failure = expectFailure(
      await ask("https://vault.infra.svc/", { parts }),
      "store_unreachable",
      "proxy_refused",
    );
    expect(JSON.stringify(failure.evidence)).not.toContain("cnry-proxy-pass");
  });
});
