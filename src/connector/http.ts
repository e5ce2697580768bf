import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** What the four paths are answered from. */
export interface HealthParts {
  /** Why the process is not alive, by name; empty where all is well. Nothing outside of the process counts. */
  readonly alive: () => Readonly<Record<string, boolean>>;
  readonly ready: () => Readonly<Record<string, boolean>>;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface HealthServer {
  readonly address: { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

/** Serves `/metrics`, `/livez`, `/readyz` and `/startupz`, plain and without a login. Rejects with the socket's error. */
export async function serveHealth(
  listen: { readonly host: string; readonly port: number },
  parts: HealthParts,
): Promise<HealthServer> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    const url = URL.parse(request.url ?? "/", "http://health");
    if (request.method !== "GET" && request.method !== "HEAD")
      return text(response, 405, "only GET is answered here\n");
    void answer(url?.pathname ?? "", url?.searchParams.has("verbose") === true, { response, parts });
  });
  makeRoom(server);
  await listening(server, listen);
  const { address: host, port } = server.address() as AddressInfo;
  return {
    address: { host, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const MOST_CONNECTIONS = 64;

/** Where there are too many the oldest goes: who only holds connections open must not keep the kubelet's probes out. */
function makeRoom(server: Server): void {
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    const [oldest] = open;
    if (open.size > MOST_CONNECTIONS) oldest?.destroy();
  });
}

function listening(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

async function answer(
  path: string,
  isVerbose: boolean,
  { response, parts }: { response: ServerResponse; parts: HealthParts },
): Promise<void> {
  switch (path) {
    case "/livez":
    case "/startupz":
      return checks(response, parts.alive(), isVerbose);
    case "/readyz":
      return checks(response, parts.ready(), isVerbose);
    case "/metrics":
      try {
        const { contentType, text: body } = await parts.metrics();
        response.writeHead(200, { "content-type": contentType });
        response.end(body);
      } catch {
        text(response, 500, "the metrics could not be gathered\n");
      }
      return;
    default:
      text(response, 404, "/metrics /livez /readyz /startupz\n");
  }
}

function checks(response: ServerResponse, all: Readonly<Record<string, boolean>>, isVerbose: boolean): void {
  const ok = Object.values(all).every(Boolean);
  const status = ok ? 200 : 503;
  if (isVerbose) {
    const lines = Object.entries(all).map(([name, passed]) => `[${passed ? "+" : "-"}]${name}`);
    return text(response, status, `${[...lines, ok ? "ok" : "not ok"].join("\n")}\n`);
  }
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify({ status: ok ? "ok" : "failed", checks: all })}\n`);
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(body);
}
