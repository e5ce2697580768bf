import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Evidence } from "../../protocol/words.ts";
import { Failure } from "../failure.ts";
import type { Run } from "../run.ts";
import { endpoint, literalAddress } from "./address.ts";
import { assertStanding, connectFirst, forbidden } from "./connect.ts";
import { type Proxy, trouble, tunnel, type UnusableProxy } from "./proxy.ts";
import { resolve } from "./resolver.ts";
import { secure, type Secured } from "./tls.ts";

export interface Target {
  /** A name or an address, as it is written in the configuration. */
  readonly host: string;
  readonly port: number;
  readonly proxy?: Proxy | UnusableProxy | undefined;
}

/** The Service and namespace that a cluster-internal name means, for remedies that name them. */
export function clusterService(host: string): Evidence {
  const match = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.[a-z0-9.-]+)?$/.exec(host.replace(/\.$/, ""));
  return match?.[1] === undefined || match[2] === undefined ? {} : { service: match[1], namespace: match[2] };
}

/**
 * Walks resolve and connect to the target, through its proxy where it has one. The socket belongs to the run.
 * What a proxy resolves cannot be held against the policy by us; an address that is written out can.
 */
export async function dial(run: Run, target: Target): Promise<Socket> {
  const { host, port } = target;
  run.know({ host, port, target: endpoint(host, port), ...clusterService(host) });
  const proxy = await usable(run, target.proxy);
  const at = proxy ?? target;
  const addresses = await run.stage("resolve", async (signal, limitMs) => {
    const literal = literalAddress(at.host);
    if (literal !== undefined) return [literal];
    const settings = await run.network.resolver();
    const looking = resolve(at.host, settings, { clock: run.clock, signal, limitMs });
    return proxy === undefined ? looking : looking.catch((error: unknown) => blame(proxy, error));
  });
  return run.stage("connect", async (signal) => {
    if (proxy !== undefined) forbidLiteral(run, host);
    run.know({ ip: addresses[0] ?? "", address: endpoint(addresses[0] ?? at.host, at.port) });
    const { policy } = run.network;
    const options = { host: at.host, port: at.port, addresses, policy, clock: run.clock, signal };
    if (proxy !== undefined) return throughProxy(run, proxy, endpoint(host, port), options);
    const { socket, ip, findings } = await connectFirst(options, (seen) => run.find(...seen));
    run.own(socket);
    run.find(...findings);
    run.know({ ip, address: endpoint(ip, port), egress: socket.localAddress ?? "" });
    return socket;
  });
}

/** The proxy, unless its variable cannot be read: then no connection is made around it either. */
async function usable(run: Run, proxy: Target["proxy"]): Promise<Proxy | undefined> {
  if (proxy === undefined || "host" in proxy) return proxy;
  const failure = new Failure("connect", "proxy_refused", { proxyVariable: proxy.variable });
  return run.stage("connect", () => Promise.reject(failure));
}

/** What failed is the proxy's own name or address, not the target's. */
function blame(proxy: Proxy, error: unknown): never {
  if (!(error instanceof Failure)) throw error;
  const { stage, reason, evidence } = error;
  throw new Failure(stage, reason, { ...evidence, host: proxy.host, proxy: proxy.label }, error);
}

function forbidLiteral(run: Run, host: string): void {
  const ip = literalAddress(host);
  const kind = ip === undefined ? undefined : run.network.policy(ip);
  if (ip !== undefined && kind !== undefined) throw forbidden(host, ip, kind);
}

async function throughProxy(
  run: Run,
  proxy: Proxy,
  target: string,
  options: Parameters<typeof connectFirst>[0],
): Promise<Socket> {
  const { socket } = await connectFirst(options, () => {}).catch((error: unknown) =>
    proxyFailure(proxy, target, error),
  );
  run.own(socket);
  if (socket.destroyed) throw trouble(proxy, target, PROXY_TROUBLES.connection_reset, socket.errored);
  const way = proxy.tls ? await secureProxy(run, proxy, target, socket, options.signal) : socket;
  await tunnel(way, proxy, target, options.signal);
  run.know({ address: target, egress: proxy.label, ip: "" });
  run.find({ subject: "proxy", verdict: "passed", text: `${proxy.label} made the connection to ${target}` });
  return way;
}

const PROXY_TROUBLES = {
  connection_refused: "it refused the connection itself",
  connection_reset: "it reset the connection",
  network_unreachable: "there is no route to it",
} as const;

function proxyFailure(proxy: Proxy, target: string, error: unknown): never {
  const what =
    error instanceof Failure
      ? Object.entries(PROXY_TROUBLES).find(([reason]) => reason === error.reason)
      : undefined;
  if (what !== undefined) throw trouble(proxy, target, what[1], error);
  return blame(proxy, error);
}

async function secureProxy(
  run: Run,
  proxy: Proxy,
  target: string,
  socket: Socket,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const context = await run.network.trust();
  try {
    const { clock } = run;
    const secured = await secure({ socket, serverName: proxy.host, context, verify: true, clock, signal });
    return run.own(secured.socket);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw trouble(proxy, target, `its TLS failed with ${error.reason}`, error);
  }
}

/** How TLS is wanted: `ca` is a file that counts besides the system's roots. */
export interface TlsWish {
  readonly mode: "require" | "verify";
  readonly ca?: string | undefined;
  readonly serverName?: string | undefined;
}

/** Walks the stage tls over a dialled socket. The TLS socket belongs to the run. */
export function handshake(run: Run, socket: Socket, host: string, wish: TlsWish): Promise<Secured> {
  return run.stage("tls", (signal) => secureTarget(run, socket, host, wish, signal));
}

/** The handshake inside a stage tls that somebody else runs, for protocols that ask for TLS first. */
export async function secureTarget(
  run: Run,
  socket: Socket,
  host: string,
  wish: TlsWish,
  signal: AbortSignal,
): Promise<Secured> {
  const serverName = wish.serverName ?? literalAddress(host) ?? host.replace(/\.$/, "");
  run.know({ serverName });
  assertStanding(socket);
  const context = await run.network.trust(wish.ca);
  const verify = wish.mode === "verify";
  const secured = await secure({ socket, serverName, context, verify, clock: run.clock, signal });
  run.own(secured.socket);
  if (!verify) run.warn("tls", "tls_unverified", {});
  return secured;
}

/** Milliseconds until the certificate expires, or undefined where it does not say. */
export function certificateLeft(certificate: Secured["certificate"], now: number): number | undefined {
  const at = Date.parse(certificate.valid_to);
  return Number.isNaN(at) ? undefined : at - now;
}
