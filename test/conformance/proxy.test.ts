import { once } from "node:events";
import net from "node:net";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { portOf } from "../../src/demo/held-port.ts";
import { echoes } from "../fake/targets.ts";
import { eventually } from "../process/programs.ts";
import { FaultProxy } from "./proxy.ts";

/** A client through a proxy to a server that sends back what it gets. */
async function scene(
  parts: AsyncDisposableStack,
): Promise<{ proxy: FaultProxy; client: net.Socket; got: () => string }> {
  const server = parts.use(await echoes());
  const proxy = parts.use(await FaultProxy.start(server.port));
  const client = net.connect({ host: "127.0.0.1", port: proxy.port, allowHalfOpen: true });
  parts.defer(() => void client.destroy());
  client.on("error", () => {});
  let got = "";
  client.on("data", (chunk: Buffer) => (got += chunk.toString()));
  await once(client, "connect");
  return { proxy, client, got: () => got };
}

test("passes, delays, freezes and thaws", async () => {
  await using parts = new AsyncDisposableStack();
  const { proxy, client, got } = await scene(parts);
  client.write("one");
  await eventually("an echo", () => (got() === "one" ? true : undefined));
  proxy.weather.latencyMs = 60;
  const sent = performance.now();
  client.write("two");
  await eventually("a late echo", () => (got() === "onetwo" ? true : undefined));
  expect(performance.now() - sent).toBeGreaterThanOrEqual(115);
  proxy.weather.latencyMs = 0;
  proxy.freeze();
  client.write("three");
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(got()).toBe("onetwo");
  proxy.thaw();
  await eventually("what was frozen", () => (got() === "onetwothree" ? true : undefined));
});

test.each([
  ["cut", (proxy: FaultProxy) => proxy.cut(), ["end"]],
  ["reset", (proxy: FaultProxy) => proxy.reset(), ["error"]],
  ["half-closed", (proxy: FaultProxy) => proxy.halfClose("down"), ["end"]],
] as const)("%s connections end as they are told", async (_name, act, events) => {
  await using parts = new AsyncDisposableStack();
  const { proxy, client, got } = await scene(parts);
  client.write("x");
  await eventually("an echo", () => (got() === "x" ? true : undefined));
  const ended = Promise.all(events.map((event) => new Promise((resolve) => client.once(event, resolve))));
  act(proxy);
  await ended;
});

test("a limit of bytes, and what newcomers meet", async () => {
  await using parts = new AsyncDisposableStack();
  const { proxy, client } = await scene(parts);
  proxy.weather.limitBytes = 10;
  const reset = new Promise((resolve) => client.once("error", resolve));
  client.write("much more than ten");
  expect(await reset).toMatchObject({ code: "ECONNRESET" });
  proxy.weather.newcomers = "reset";
  const refused = net.connect(proxy.port, "127.0.0.1");
  expect(await new Promise((resolve) => refused.once("error", resolve))).toMatchObject({
    code: "ECONNRESET",
  });
});

test("the tap sees whole text frames of both directions, of any size, and may change them", async () => {
  await using parts = new AsyncDisposableStack();
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  parts.defer(() => sockets.close());
  sockets.on("connection", (socket) => socket.on("message", (data: Buffer) => socket.send(data.toString())));
  await once(sockets, "listening");
  const proxy = parts.use(await FaultProxy.start(portOf(sockets as unknown as net.Server)));
  const seen: string[] = [];
  proxy.tap = (text, direction) => {
    seen.push(`${direction} ${text.length}`);
    if (text === "hold") return [];
    return direction === "down" && text === "twice" ? ["once", "again"] : undefined;
  };
  const client = new WebSocket(`ws://127.0.0.1:${proxy.port}`, { perMessageDeflate: false });
  parts.defer(() => client.terminate());
  const got: string[] = [];
  client.on("message", (data: Buffer) => got.push(data.toString().slice(0, 5)));
  await once(client, "open");
  for (const text of ["hold", "a", "twice", "b".repeat(300), "c".repeat(70_000)]) client.send(text);
  await eventually("all", () => (got.length === 5 ? true : undefined));
  expect(got).toEqual(["a", "once", "again", "bbbbb", "ccccc"]);
  expect(seen).toEqual(expect.arrayContaining(["up 4", "up 1", "down 1", "up 300", "down 300", "up 70000"]));
  expect(seen).not.toContain("down 4");
});
