import { isIP, type Socket } from "node:net";
import { Failure } from "../failure.ts";
import { endpoint, inRange, isAddressRange } from "./address.ts";

/** A forward proxy that is asked by CONNECT. The login is never shown: `label` is its host and port. */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly label: string;
  /** The value of Proxy-Authorization, where the URL has a login. */
  readonly authorization?: string;
}

/** An environment variable that should name a proxy and does not. Its value may hold a login: it is not kept. */
export interface UnusableProxy {
  readonly variable: string;
}

/** A proxy's URL as a proxy, or undefined where it is not one. `host:port` alone is taken for http. */
export function parseProxy(text: string): Proxy | undefined {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(withScheme)) return undefined;
  const url = new URL(withScheme);
  if ((url.protocol !== "http:" && url.protocol !== "https:") || url.hostname === "") return undefined;
  const tls = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? (tls ? 443 : 80) : Number(url.port);
  const login = loginOf(url);
  if (login === undefined || port === 0) return undefined;
  const authorization =
    login === ":" ? {} : { authorization: `Basic ${Buffer.from(login).toString("base64")}` };
  return { host, port, tls, label: endpoint(host, port), ...authorization };
}

/** `user:password`, or undefined where its percent signs are wrong. */
function loginOf(url: URL): string | undefined {
  try {
    return `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  } catch {
    return undefined;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The variable that is set, in small letters or in capitals, and what it holds. */
function variable(environment: Environment, name: string): readonly [name: string, value: string] {
  const small = environment[name.toLowerCase()];
  return small === undefined ? [name, environment[name] ?? ""] : [name.toLowerCase(), small];
}

/**
 * Whether NO_PROXY names the target: `*`, a host or a domain with all that is below it, an address, each with
 * or without a port, or a range of addresses.
 */
export function isExempt(noProxy: string, host: string, port: number): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => names(entry, name, port));
}

function names(entry: string, name: string, port: number): boolean {
  if (entry === "*") return true;
  if (isAddressRange(entry)) return isIP(name) !== 0 && inRange(name, entry);
  const [, bracketed, plain = "", only] = /^(?:\[(.+)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  if (only !== undefined && Number(only) !== port) return false;
  const pattern = bracketed ?? plain;
  if (isIP(name) !== 0) return isAddressRange(pattern) && inRange(name, pattern);
  const domain = pattern.replace(/^\*?\./, "");
  return domain !== "" && (name === domain || name.endsWith(`.${domain}`));
}

/**
 * The proxy that the environment names for an HTTP target: HTTPS_PROXY or HTTP_PROXY by its scheme, else
 * ALL_PROXY, unless NO_PROXY names it. Small letters come first, as curl has it. What cannot be read is told by
 * the name of its variable: to go around a proxy that somebody wanted would be worse.
 */
export function proxyFromEnvironment(
  environment: Environment,
  target: { readonly scheme: "http" | "https"; readonly host: string; readonly port: number },
): Proxy | UnusableProxy | undefined {
  const own = variable(environment, `${target.scheme.toUpperCase()}_PROXY`);
  const [name, value] = own[1] === "" ? variable(environment, "ALL_PROXY") : own;
  const [, noProxy] = variable(environment, "NO_PROXY");
  if (value === "" || isExempt(noProxy, target.host, target.port)) return undefined;
  return parseProxy(value) ?? { variable: name };
}

const MOST_HEAD_BYTES = 16 * 1024;
const HTTP = Buffer.from("HTTP/");

/** Asks the proxy for a way to the target. Resolves once the socket is the target's. Throws Failure("connect", …). */
export async function tunnel(
  socket: Socket,
  proxy: Proxy,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const login = proxy.authorization === undefined ? "" : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${login}\r\n`);
  const head = await readHead(socket, proxy, target, signal);
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |\r)/.exec(head)?.[1] ?? Number.NaN);
  if (status >= 200 && status < 300) return;
  const evidence = { proxy: proxy.label, target, status };
  if (Number.isNaN(status)) throw trouble(proxy, target, "it did not answer in HTTP");
  if (status === 504) throw new Failure("connect", "connect_timeout", evidence);
  if (status === 502 || status === 503) throw new Failure("connect", "connection_refused", evidence);
  throw new Failure("connect", "proxy_refused", evidence);
}

/** A proxy that could not do its part. */
export function trouble(proxy: Proxy, target: string, what: string, cause?: unknown): Failure {
  return new Failure("connect", "proxy_refused", { proxy: proxy.label, target, trouble: what }, cause);
}

/** The proxy's answer up to the empty line; what follows it stays in the socket. */
function readHead(socket: Socket, proxy: Proxy, target: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const finish = (act: () => void): void => {
      socket.off("data", onData).off("error", onError).off("close", onClose);
      signal.removeEventListener("abort", onAbort);
      socket.pause();
      act();
    };
    const onData = (chunk: Buffer): void => {
      seen = Buffer.concat([seen, chunk]);
      const end = seen.indexOf("\r\n\r\n");
      const isHttp = seen.subarray(0, 5).equals(HTTP.subarray(0, seen.length));
      if (isHttp && end === -1 && seen.length <= MOST_HEAD_BYTES) return;
      if (!isHttp) return finish(() => reject(trouble(proxy, target, "it did not answer in HTTP")));
      if (end === -1) return finish(() => reject(trouble(proxy, target, "its answer has no end")));
      finish(() => {
        if (seen.length > end + 4) socket.unshift(seen.subarray(end + 4));
        resolve(seen.subarray(0, end + 2).toString("latin1"));
      });
    };
    const onError = (error: Error): void =>
      finish(() => reject(trouble(proxy, target, "it reset the connection", error)));
    const onClose = (): void => finish(() => reject(trouble(proxy, target, "it closed the connection")));
    const onAbort = (): void =>
      finish(() => reject(new Failure("connect", "connect_timeout", { proxy: proxy.label, target })));
    socket.on("data", onData).on("error", onError).on("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
