import { once } from "node:events";
import net from "node:net";
import { expect, test } from "vitest";
import { exchange } from "../../../src/connector/integrations/http/exchange.ts";
import { silent } from "../../fake/targets.ts";

test("a request whose time is over before it is sent is rejected, and ends nothing else", async () => {
  await using target = await silent();
  const socket = net.connect(target.port, "127.0.0.1");
  await once(socket, "connect");
  const late = new Error("its time is over");
  const asked = exchange({
    socket,
    method: "GET",
    host: "shop",
    port: target.port,
    defaultPort: 80,
    path: "/",
    headers: {},
    signal: AbortSignal.abort(late),
    wantsBody: () => true,
  });
  await expect(asked).rejects.toBe(late);
  // An error of the request that nobody listens to would end this process.
  if (!socket.closed) await once(socket, "close");
});
