import type { Socket } from "node:net";
import type { Agent, buildConnector } from "undici";
import type { Clock } from "../clock.ts";
import { Failure } from "../failure.ts";
import { dial, handshake } from "./dial.ts";
import { createErrand } from "./errand.ts";
import type { Network } from "./network.ts";
import { proxyFromEnvironment } from "./proxy.ts";
import { namedProxy } from "./target-config.ts";

/** How the connections of somebody's HTTP client are made: by our dialer, so that what fails has its reason. */
export interface PoolParts {
  readonly clock: Clock;
  readonly network: Network;
  /** A PEM file that counts besides the system's roots; read anew for each connection. */
  readonly ca?: string | undefined;
  /** `none` or a proxy's URL; absent: what the environment says. */
  readonly proxy?: string | undefined;
  /** The name that the certificate must have, where it is not the host. */
  readonly serverName?: string | undefined;
  /** Ends what is being connected. */
  readonly signal?: AbortSignal | undefined;
  /** At most so many to one host, 16 where it is left out: what more is asked at once waits its turn. Null: no bound. */
  readonly mostConnections?: number | null | undefined;
}

/** Milliseconds. */
const CONNECT_MS = 10_000;
const HEADERS_MS = 30_000;
const BODY_MS = 30_000;
const KEEP_MS = 30_000;
const MOST_CONNECTIONS = 16;

/**
 * A pool of connections for undici's `request`. What cannot be reached throws a Failure of the stage resolve, connect
 * or tls. undici is loaded at the first call.
 */
export async function createPool(parts: PoolParts): Promise<Agent> {
  const { mostConnections = MOST_CONNECTIONS } = parts;
  const { Agent: UndiciAgent } = await import("undici");
  const agent = new UndiciAgent({
    headersTimeout: HEADERS_MS,
    bodyTimeout: BODY_MS,
    keepAliveTimeout: KEEP_MS,
    connections: mostConnections,
    pipelining: 1,
    connect: ({ protocol, hostname, port }, callback) => {
      const tls = protocol === "https:";
      const place = {
        host: hostname.replace(/^\[|\]$/g, ""),
        port: Number(port) || (tls ? 443 : 80),
        tls,
      };
      void answer(connect(parts, place), callback);
    },
  });
  const { onSent } = parts.network;
  if (onSent === undefined) return agent;
  const send = agent.dispatch.bind(agent);
  agent.dispatch = (options, handler) => {
    onSent({ headers: (options.headers ?? {}) as Record<string, string>, body: textOf(options.body) });
    return send(options, handler);
  };
  return agent;
}

/** Our requests have a text or its bytes. */
function textOf(body: unknown): string | undefined {
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  return typeof body === "string" ? body : undefined;
}

async function answer(connecting: Promise<Socket>, callback: buildConnector.Callback): Promise<void> {
  let socket: Socket;
  try {
    socket = await connecting;
  } catch (error) {
    return callback(error as Error, null);
  }
  callback(null, socket);
}

/** One connection, judged and secured. Throws Failure of the stage resolve, connect or tls. */
export async function connect(
  parts: PoolParts,
  { host, port, tls }: { readonly host: string; readonly port: number; readonly tls: boolean },
): Promise<Socket> {
  const { clock, network, ca, serverName } = parts;
  const late = new AbortController();
  const done = new AbortController();
  const ended = parts.signal === undefined ? late.signal : AbortSignal.any([late.signal, parts.signal]);
  void clock.sleep(CONNECT_MS, done.signal).then(() => done.signal.aborted || late.abort());
  const run = createErrand({ clock, network, signal: ended, limitMs: CONNECT_MS });
  const proxy =
    parts.proxy === undefined
      ? proxyFromEnvironment(network.environment, { scheme: tls ? "https" : "http", host, port })
      : namedProxy(parts.proxy);
  let socket: Socket | undefined;
  try {
    socket = await dial(run, { host, port, proxy });
    if (!tls) return socket;
    return (await handshake(run, socket, host, { mode: "verify", ca, serverName })).socket;
  } catch (error) {
    socket?.destroy();
    throw error instanceof Failure ? error : new Failure("connect", "unknown", {}, error);
  } finally {
    done.abort();
  }
}
