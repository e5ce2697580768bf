import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { type Listen, StartError, written } from "./settings.ts";

export type Handler = (request: Request, env: never) => Response | Promise<Response>;
export type WebServer = http.Server | https.Server;

/** The sockets of each listener, those that were upgraded too: only so can they be cut. */
const open = new WeakMap<WebServer, Set<Socket>>();

/** A listener that is not listening yet. With a pair it speaks TLS. Slow clients are cut. */
export function createServer(tls: { readonly cert: string; readonly key: string } | undefined): WebServer {
  const options = {
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    maxHeaderSize: 16_384,
    connectionsCheckingInterval: 5_000,
  };
  const server =
    tls === undefined
      ? http.createServer(options)
      : https.createServer({ ...options, ...tls, minVersion: "TLSv1.2", handshakeTimeout: 10_000 });
  const sockets = new Set<Socket>();
  open.set(server, sockets);
  // One listener for all: what each connection has of its own stands for as long as a session.
  function ended(this: Socket): void {
    sockets.delete(this);
  }
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", ended);
  });
  server.on("clientError", (_error, socket) => socket.destroy());
  server.on("request", notYet);
  return server;
}

/** Until there is a handler: who comes while the store is read is told to come again, an upgrade too. */
function notYet(_request: http.IncomingMessage, response: http.ServerResponse): void {
  response.writeHead(503, { "retry-after": "1", connection: "close", "content-type": "text/plain" });
  response.end("starting\n");
}

/** Has a fetch handler answer the server's requests. */
export function serve(server: WebServer, handler: Handler): void {
  const listener = getRequestListener((request, env) => handler(request, env as never), {
    overrideGlobalObjects: false,
  });
  server.removeListener("request", notYet);
  server.on("request", (request, response) => void listener(request, response));
}

/** Starts listening; gives where. Throws a StartError that names the flag. */
export async function listen(server: WebServer, at: Listen, flag: string): Promise<Listen> {
  try {
    server.listen({ port: at.port, host: at.host });
    await once(server, "listening", { signal: AbortSignal.timeout(10_000) });
  } catch (error) {
    throw new StartError(whyNot(error, at, flag), { cause: error });
  }
  const { port } = server.address() as AddressInfo;
  return { host: at.host, port };
}

function whyNot(error: unknown, at: Listen, flag: string): string {
  const code = (error as NodeJS.ErrnoException).code ?? "unknown";
  return `${flag} ${written(at)}: ${TROUBLES[code] ?? `cannot listen (${code}).`}`;
}

const TROUBLES: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use. Stop what listens there, or name another port.",
  EACCES: "this user may not listen on that port. Name one above 1023.",
  EADDRNOTAVAIL: "this machine has no such address.",
  ENOTFOUND: "this machine has no such address.",
};

/** Takes nothing new, lets what runs end within the deadline, then cuts the rest. */
export async function stop(server: WebServer, deadlineMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const cut = setTimeout(() => {
    for (const socket of open.get(server) ?? []) socket.destroy();
  }, deadlineMs);
  await closed;
  clearTimeout(cut);
}
