import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { holdPort, portOf } from "./held-port.ts";
import type { Secrets } from "./secrets.ts";
import { toggle, type Toggle } from "./toggle.ts";

/** One integration of the demo: an item of the configuration file, and what it shows. */
export interface DemoItem {
  readonly name: string;
  readonly type: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly secret?: Readonly<Record<string, unknown>>;
}

/** Listens on a free loopback port until disposed; open connections are cut then. */
export async function listening(server: Server, stack: AsyncDisposableStack): Promise<number> {
  const open = new Set<Socket>();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("error", () => {}).once("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  stack.defer(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return portOf(server);
}

/** What the demo checks, and what a key press breaks of it. */
export interface Targets {
  readonly items: readonly DemoItem[];
  readonly toggles: readonly Toggle[];
}

const SHOP = {
  breaks: "break the shop",
  broke: "The shop answers 503 to everybody.",
  heals: "heal the shop",
  healed: "The shop works again.",
};

/** HTTP and TCP targets that work, and some that fail each in a way of its own. */
export async function startSite(stack: AsyncDisposableStack, secrets: Secrets): Promise<Targets> {
  let broken = false;
  const set = (state: boolean): void => void (broken = state);
  const shop = toggle("s", SHOP, { breaks: () => set(true), heals: () => set(false) });
  const web = createHttpServer((request, response) => {
    if (broken) return void response.writeHead(503).end();
    const allowed = request.url !== "/private" || request.headers.authorization === "Bearer right";
    response.writeHead(allowed ? 200 : 401).end(allowed ? "everything works\n" : "");
  });
  const webPort = await listening(web, stack);
  const cache = await listening(createTcpServer(), stack);
  const silent = await listening(
    createTcpServer((socket) => socket.resume()),
    stack,
  );
  const ssh = await listening(
    createTcpServer((socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n")),
    stack,
  );
  const closed = stack.use(await holdPort());
  const token = await secrets.write("billing.json", { token: "wrong" });
  const items: DemoItem[] = [
    {
      name: "shop",
      type: "http",
      config: { url: `http://127.0.0.1:${webPort}/`, expect: { body: "works" }, proxy: "none" },
    },
    { name: "cache", type: "tcp", config: { host: "127.0.0.1", port: cache } },
    { name: "search", type: "http", config: { url: `http://127.0.0.1:${closed.port}/`, proxy: "none" } },
    {
      name: "billing",
      type: "http",
      config: { url: `http://127.0.0.1:${webPort}/private`, proxy: "none" },
      secret: token,
    },
    { name: "stock", type: "http", config: { url: `http://127.0.0.1:${silent}/`, proxy: "none" } },
    { name: "mail", type: "http", config: { url: `http://127.0.0.1:${ssh}/`, proxy: "none" } },
    { name: "archive", type: "tcp", config: { host: "archive.data.svc.invalid", port: 5432 } },
  ];
  return { items, toggles: [shop] };
}
