import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { serveHealth } from "../../src/connector/http.ts";

test("connections that somebody only holds open do not keep probes out", async () => {
  const parts = {
    alive: () => ({ eventLoop: true }),
    ready: () => ({ running: true }),
    metrics: async () => ({ contentType: "text/plain", text: "" }),
  };
  const server = await serveHealth({ host: "127.0.0.1", port: 0 }, parts);
  const { host, port } = server.address;
  const idle = Array.from({ length: 100 }, () => connect(port, host).on("error", () => {}));
  try {
    await Promise.all(idle.map(opened));
    const { status } = await fetch(`http://${host}:${port}/livez`, { headers: { connection: "close" } });
    expect(status).toBe(200);
  } finally {
    for (const socket of idle) socket.destroy();
    await server.close();
  }
});

/** Resolves once it is connected, or was ended. */
function opened(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("connect", resolve).once("close", () => resolve());
  });
}
