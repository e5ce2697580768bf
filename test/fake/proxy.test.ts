import { once } from "node:events";
import net from "node:net";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { connectProxy, type ProxyMode } from "./proxy.ts";
import { echoes, refusedPort } from "./targets.ts";

const ASKED = "db.internal:5432";

/** Asks the proxy for a tunnel and resolves to its first bytes; "" if it ends without any. */
async function ask(port: number, authority: string, headers = ""): Promise<[net.Socket, string]> {
  const socket = net.connect({ host: "127.0.0.1", port });
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${headers}\r\n`);
  const bytes = await Promise.race([once(socket, "data"), once(socket, "end")]);
  return [socket, String(bytes[0] ?? "")];
}

test("tunnels, also to a name that only it knows", async () => {
  await using target = await echoes();
  await using proxy = await connectProxy({ mode: "works", hosts: { "db.internal": "127.0.0.1" } });
  const [socket, answer] = await ask(proxy.port, `db.internal:${target.port}`);
  expect(answer).toMatch(/^HTTP\/1.1 200 .*\r\n\r\n$/);
  socket.write("ping");
  expect(String((await once(socket, "data"))[0])).toBe("ping");
  socket.end();
  await Promise.all([proxy.idle(), target.idle()]);
  expect(proxy.connects()).toEqual([`db.internal:${target.port}`]);
});

test("answers 502 for an authority it cannot reach", async () => {
  await using target = await refusedPort();
  await using proxy = await connectProxy({ mode: "works" });
  const [, answer] = await ask(proxy.port, `127.0.0.1:${target.port}`);
  expect(answer).toMatch(/^HTTP\/1.1 502 /);
});

test("wants a login", async () => {
  await using target = await echoes();
  await using proxy = await connectProxy({ mode: "wantsLogin", login: { user: "u", pass: "p:1" } });
  const authority = `127.0.0.1:${target.port}`;
  const login = (text: string) => `Proxy-Authorization: Basic ${Buffer.from(text).toString("base64")}\r\n`;
  const [, without] = await ask(proxy.port, authority);
  expect(without).toMatch(/^HTTP\/1.1 407 [^]*proxy-authenticate: basic/i);
  expect((await ask(proxy.port, authority, login("u:wrong")))[1]).toMatch(/^HTTP\/1.1 407 /);
  expect((await ask(proxy.port, authority, login("u:p:1")))[1]).toMatch(/^HTTP\/1.1 200 /);
});

const ANSWERS: [ProxyMode, RegExp][] = [
  ["forbids", /^HTTP\/1.1 403 Forbidden\r\n/],
  ["badGateway", /^HTTP\/1.1 502 Bad Gateway\r\n/],
  ["serviceUnavailable", /^HTTP\/1.1 503 Service Unavailable\r\n/],
  ["gatewayTimeout", /^HTTP\/1.1 504 Gateway Timeout\r\n/],
  ["closes", /^$/],
  ["garbage", /^SSH-2.0-/],
];

test.each(ANSWERS)("mode %s", async (mode, expected) => {
  await using proxy = await connectProxy({ mode });
  const [socket, answer] = await ask(proxy.port, ASKED);
  expect(answer).toMatch(expected);
  expect(proxy.connects()).toEqual([ASKED]);
  socket.end();
  await proxy.idle();
});

test("mode silent", async () => {
  await using proxy = await connectProxy({ mode: "silent" });
  const answer = ask(proxy.port, ASKED);
  expect(await Promise.race([answer, setTimeout(200, "nothing")])).toBe("nothing");
  expect(proxy.connects()).toEqual([ASKED]);
  expect(proxy.open()).toBe(1);
});
