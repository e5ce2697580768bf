import { expect, test } from "vitest";
import { createServer, listen, serve, stop } from "../../src/control-plane/server.ts";

test("who comes before the control plane can answer is told to come again, and not left waiting", async () => {
  const server = createServer(undefined);
  try {
    const { port } = await listen(server, { host: "127.0.0.1", port: 0 }, "--listen");
    const ask = (headers: Record<string, string> = {}): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}/readyz`, { headers, signal: AbortSignal.timeout(2_000) });
    const early = await ask();
    expect([early.status, early.headers.get("retry-after"), await early.text()]).toEqual([
      503,
      "1",
      "starting\n",
    ]);
    serve(server, () => new Response("ok\n"));
    const later = await ask();
    expect([later.status, await later.text()]).toEqual([200, "ok\n"]);
  } finally {
    await stop(server, 0);
  }
});
