import { once } from "node:events";
import net from "node:net";
import { setTimeout } from "node:timers/promises";
import tls from "node:tls";
import { expect, test } from "vitest";
import { createAuthority, selfSigned } from "../../src/demo/certificates.ts";
import * as targets from "./targets.ts";

/** What a client lives through: all text it got, and "end" or the error's code at the end. */
async function talk(to: { host: string; port: number }, say?: string): Promise<[text: string, end: string]> {
  const socket = net.connect({ host: to.host, port: to.port }, () => say !== undefined && socket.write(say));
  let text = "";
  socket.setEncoding("utf8").on("data", (part: string) => (text += part));
  let end = "end";
  socket.once("error", (error: NodeJS.ErrnoException) => (end = error.code ?? ""));
  await new Promise((resolve) => socket.once("close", resolve));
  return [text, end];
}

/** Connects, and resolves to the socket and everything up to `bytes` bytes. */
async function read(to: { host: string; port: number }, options: { say?: string; bytes: number }) {
  const socket = net.connect({ host: to.host, port: to.port });
  if (options.say !== undefined) socket.write(options.say);
  let got = "";
  while (got.length < options.bytes) got += String((await once(socket, "data"))[0]);
  return { socket, got };
}

test("a refused port refuses", async () => {
  await using target = await targets.refusedPort();
  expect(await talk(target)).toEqual(["", "ECONNREFUSED"]);
});

test("a refused port on ::1 refuses", async () => {
  await using target = await targets.refusedPort({ host: "::1" });
  expect(await talk(target)).toEqual(["", "ECONNREFUSED"]);
});

test("a connect to the black hole hangs", async () => {
  await using target = await targets.blackHole();
  const socket = net.connect({ host: target.host, port: target.port });
  let events = 0;
  for (const event of ["connect", "error", "close"]) socket.on(event, () => (events += 1));
  await setTimeout(400);
  expect([socket.connecting, events]).toEqual([true, 0]);
  socket.destroy();
});

test("the silent one takes bytes, and notices when its client leaves", async () => {
  await using target = await targets.silent();
  const socket = net.connect(target).on("data", () => expect.unreachable());
  await new Promise((resolve) => socket.write("hello", resolve));
  socket.end();
  await once(socket, "close");
  await target.idle();
  expect([target.accepted(), target.open()]).toEqual([1, 0]);
});

test("resets and closes", async () => {
  await using resets = await targets.resets();
  await using resetsAfterBytes = await targets.resetsAfterBytes();
  await using closes = await targets.closes();
  await using closesAfterBytes = await targets.closesAfterBytes();
  expect(await talk(resets)).toEqual(["", "ECONNRESET"]);
  expect(await talk(resetsAfterBytes, "x")).toEqual(["", "ECONNRESET"]);
  expect(await talk(closes)).toEqual(["", "end"]);
  expect(await talk(closesAfterBytes, "x")).toEqual(["", "end"]);
});

test("speaks, echoes and runs a script", async () => {
  await using first = await targets.speaks("SSH-2.0-x\r\n", { when: "connect", thenEnd: true });
  await using second = await targets.speaks("-ERR\r\n", { when: "data", thenEnd: true });
  await using echoes = await targets.echoes();
  await using script = await targets.scripted((socket) => socket.end("scripted"));
  expect(await talk(first)).toEqual(["SSH-2.0-x\r\n", "end"]);
  expect(await talk(second, "PING\r\n")).toEqual(["-ERR\r\n", "end"]);
  expect((await read(echoes, { say: "abc", bytes: 3 })).got).toBe("abc");
  expect(await talk(script)).toEqual(["scripted", "end"]);
});

test("babbles without end", async () => {
  await using target = await targets.babbles({ when: "data", prefix: "HTTP/1.1 200 OK\r\n\r\n" });
  const { got } = await read(target, { say: "x", bytes: 3_000_000 });
  expect(got.slice(0, 20)).toBe("HTTP/1.1 200 OK\r\n\r\nx");
  expect(target.open()).toBe(1);
});

test("drips byte by byte", async () => {
  await using target = await targets.drips("ab", { when: "connect", everyMs: 5 });
  expect((await read(target, { bytes: 5 })).got).toBe("ababa");
});

test("disposing leaves nothing open", async () => {
  const target = await targets.silent({ host: "::1" });
  const socket = net.connect(target);
  await once(socket, "connect");
  const closed = once(socket.resume(), "close");
  await target[Symbol.asyncDispose]();
  await closed;
  await target.idle();
  expect(await talk(target)).toEqual(["", "ECONNREFUSED"]);
});

test("a TLS server demands a client certificate", async () => {
  const authority = await createAuthority("tests");
  const { certPem: cert, keyPem: key } = await authority.issue({ names: ["127.0.0.1"] });
  const client = await authority.issue({ names: ["client"], client: true });
  const ca = authority.certPem;
  const onSecure = (socket: tls.TLSSocket) => socket.end("hello");
  await using target = await targets.tlsServer({ key, cert, ca, requestCert: true, onSecure });
  expect(await secureTalk({ port: target.port, ca })).toBe("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED");
  expect(await secureTalk({ port: target.port, ca, key: client.keyPem, cert: client.certPem })).toBe("hello");
  await target.idle();
});

test("a TLS server keeps to its versions", async () => {
  const { certPem: cert, keyPem: key } = await selfSigned({ names: ["localhost"] });
  await using target = await targets.tlsServer({ key, cert, maxVersion: "TLSv1.2" });
  const refusal = "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION";
  expect(await secureTalk({ port: target.port, minVersion: "TLSv1.3" })).toBe(refusal);
});

test.each([true, false])("session tickets: %s", async (sessionTickets) => {
  const { certPem: cert, keyPem: key } = await selfSigned({ names: ["localhost"] });
  await using target = await targets.tlsServer({ key, cert, maxVersion: "TLSv1.2", sessionTickets });
  const socket = tls.connect({ port: target.port, host: target.host, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  expect(socket.getTLSTicket() !== undefined).toBe(sessionTickets);
  socket.destroy();
});

test("HTTP and HTTPS servers answer", async () => {
  const { certPem: cert, keyPem: key } = await selfSigned({ names: ["localhost"] });
  await using plain = await targets.httpServer((request, response) => response.end(request.url));
  await using secure = await targets.httpsServer({ key, cert }, (request, response) => {
    response.setHeader("connection", "close").end(request.url);
  });
  expect(await (await fetch(`http://127.0.0.1:${plain.port}/a`)).text()).toBe("/a");
  const socket = tls.connect({ port: secure.port, host: secure.host, rejectUnauthorized: false });
  socket.write("GET /b HTTP/1.1\r\nHost: b\r\n\r\n");
  expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1.1 200 OK[^]*\/b$/);
  socket.destroy();
  await secure.idle();
});

/** The text a TLS server says, or the error's code. */
async function secureTalk(options: tls.ConnectionOptions): Promise<string> {
  const socket = tls.connect({ host: "127.0.0.1", ...options });
  let text = "";
  socket.setEncoding("utf8").on("data", (part: string) => (text += part));
  socket.once("error", (error: NodeJS.ErrnoException) => (text = error.code ?? ""));
  await new Promise((resolve) => socket.once("close", resolve));
  return text;
}
