import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import type { Duplex } from "node:stream";
import { listening, OpenSockets, type Target, type Where } from "./target.ts";

/**
 * What the proxy does with a CONNECT: tunnels it ("works"), tunnels it if the login is right and else answers
 * 407 ("wantsLogin"), answers 403, 502, 503 or 504, never answers, sends FIN, or answers what is not HTTP.
 */
export type ProxyMode =
  | "works"
  | "wantsLogin"
  | "forbids"
  | "badGateway"
  | "serviceUnavailable"
  | "gatewayTimeout"
  | "silent"
  | "closes"
  | "garbage";

/** How a proxy behaves. */
export interface ProxySettings extends Where {
  mode: ProxyMode;
  /** what "wantsLogin" wants, as Basic; default user "user", pass "pass" */
  login?: { user: string; pass: string };
  /** addresses of names that only the proxy knows; any other name is asked of the system */
  hosts?: Record<string, string>;
}

/** An HTTP proxy that can only CONNECT. Its sockets are those from its clients. */
export interface Proxy extends Target {
  /** the authorities ("host:port") asked for, oldest first, whatever became of them */
  connects(): string[];
}

const STATUS = { forbids: 403, badGateway: 502, serviceUnavailable: 503, gatewayTimeout: 504 } as const;

/** An HTTP CONNECT proxy, working or broken. In "works" and "wantsLogin" an unreachable authority gets 502. */
export async function connectProxy(settings: ProxySettings): Promise<Proxy> {
  const asked: string[] = [];
  const onwards = new OpenSockets();
  const server = http.createServer((_request, response) => response.writeHead(405).end());
  server.on("connect", (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    asked.push(request.url ?? "");
    answer(settings, { request, socket, head, onwards });
  });
  const target = await listening(server, settings);
  return {
    ...target,
    connects: () => [...asked],
    async [Symbol.asyncDispose]() {
      onwards.destroy();
      await Promise.all([target[Symbol.asyncDispose](), onwards.idle()]);
    },
  };
}

interface Connect {
  request: http.IncomingMessage;
  socket: Duplex;
  head: Buffer;
  onwards: OpenSockets;
}

function answer(settings: ProxySettings, connect: Connect): void {
  const { socket, request } = connect;
  switch (settings.mode) {
    case "works":
      return tunnel(settings, connect);
    case "wantsLogin":
      return isLogin(settings, request) ? tunnel(settings, connect) : refuse(socket, 407);
    case "silent":
      return void readToEnd(socket);
    case "closes":
      return void readToEnd(socket).end();
    case "garbage":
      return void readToEnd(socket).write("SSH-2.0-OpenSSH_9.6\r\n");
    case "forbids":
    case "badGateway":
    case "serviceUnavailable":
    case "gatewayTimeout":
      return refuse(socket, STATUS[settings.mode]);
  }
}

function isLogin(settings: ProxySettings, request: http.IncomingMessage): boolean {
  const { user, pass } = settings.login ?? { user: "user", pass: "pass" };
  const wanted = `Basic ${Buffer.from(`${user}:${pass}`).toString("base64")}`;
  return request.headers["proxy-authorization"] === wanted;
}

function refuse(socket: Duplex, status: number): void {
  const challenge = status === 407 ? 'Proxy-Authenticate: Basic realm="proxy"\r\n' : "";
  const reason = http.STATUS_CODES[status] ?? "";
  readToEnd(socket).end(
    `HTTP/1.1 ${status} ${reason}\r\n${challenge}Content-Length: 0\r\nConnection: close\r\n\r\n`,
  );
}

/** Reads, and ends when the client does (Node's HTTP sockets would stay half open). */
function readToEnd(socket: Duplex): Duplex {
  return socket.resume().once("end", () => socket.end());
}

function tunnel(settings: ProxySettings, { request, socket, head, onwards }: Connect): void {
  const url = URL.parse(`tunnel://${request.url ?? ""}`);
  if (url === null) return refuse(socket, 400);
  const { hostname, port } = url;
  const host = settings.hosts?.[hostname] ?? hostname.replace(/^\[(.*)\]$/, "$1");
  const onward = net.connect({ host, port: Number(port) });
  onwards.add(onward);
  socket.once("close", () => onward.destroy());
  void once(onward, "connect").then(
    () => {
      onward.once("error", () => socket.destroy()).once("close", () => socket.end());
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    },
    () => refuse(socket, 502),
  );
}
