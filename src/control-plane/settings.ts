import { PROFILES, type ProfileName } from "../protocol/limits.ts";
import type { Log } from "./log.ts";
import { isLoopback } from "../protocol/loopback.ts";

/** Where a listener listens. `host` is an address or a name, without brackets; port 0 is any free one. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** Where a Pod finds the API server of its cluster, and its own ServiceAccount's files. */
export interface ClusterPlace {
  readonly host: string;
  readonly port: number;
  /** Holds `token` and `ca.crt`, which the kubelet replaces. */
  readonly directory: string;
}

/** Everything that a control plane is started with. */
export interface Settings {
  readonly listen: Listen;
  /** Undefined: on the main listener where that is loopback, else off. */
  readonly healthListen?: Listen | undefined;
  readonly dataDir: string;
  /** Both are read again when they change. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** TLS ends in front of us. */
  readonly behindTlsProxy?: boolean | undefined;
  readonly publicUrl?: string | undefined;
  readonly liveness: ProfileName;
  /** 0.01 … 1; below 1 for tests, on loopback alone. */
  readonly timeScale?: number | undefined;
  /** Upgrades a second. */
  readonly admissionRate?: number | undefined;
  /** Tokens that are given; else they are made and written to the data directory. */
  readonly operatorToken?: string | undefined;
  readonly viewerToken?: string | undefined;
  /** The chart that "add a connector" names. */
  readonly chart?: string | undefined;
  /** The cluster that it runs in, if it runs in one: asked about tokens of ServiceAccounts. */
  readonly cluster?: ClusterPlace | undefined;
  readonly version: string;
  readonly log: Log;
}

/** A setting that cannot be meant: exit code 2. `message` is one line fit for a person. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** Something that stands in the way of the start: exit code 2. `message` is one line fit for a person. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** Throws a SettingsError that names the flag and what to do. */
export function checkSettings(settings: Settings): void {
  checkListeners(settings);
  checkPublicUrl(settings);
  const { timeScale = 1, admissionRate = 1, liveness } = settings;
  if (!Object.hasOwn(PROFILES, liveness))
    throw new SettingsError(`--liveness: ${liveness} is neither standard nor fast.`);
  if (!(timeScale >= 0.01 && timeScale <= 1))
    throw new SettingsError(`MOORING_TIME_SCALE: ${timeScale} is not between 0.01 and 1.`);
  if (!(admissionRate > 0)) throw new SettingsError(`--admission-rate: ${admissionRate} is not above 0.`);
  for (const [name, token] of [
    ["operator", settings.operatorToken],
    ["viewer", settings.viewerToken],
  ] as const)
    if (token !== undefined && token.length < 16)
      throw new SettingsError(`The ${name} token has ${token.length} characters; give it at least 16.`);
  if (settings.operatorToken !== undefined && settings.operatorToken === settings.viewerToken)
    throw new SettingsError(
      "The operator and the viewer token are the same: a viewer could touch everything.",
    );
}

function checkListeners(settings: Settings): void {
  const { listen, healthListen, tls, behindTlsProxy = false, timeScale = 1 } = settings;
  if (tls !== undefined && behindTlsProxy)
    throw new SettingsError("--tls-cert and --behind-tls-proxy exclude each other: say where TLS ends.");
  if (!isLoopback(listen.host) && tls === undefined && !behindTlsProxy)
    throw new SettingsError(
      `--listen ${written(listen)} is not loopback: give --tls-cert and --tls-key, or --behind-tls-proxy where a proxy in front ends TLS.`,
    );
  const isAllLoopback =
    isLoopback(listen.host) && (healthListen === undefined || isLoopback(healthListen.host));
  if (timeScale !== 1 && !isAllLoopback)
    throw new SettingsError("MOORING_TIME_SCALE is for tests: every listener must be loopback.");
}

function checkPublicUrl({ publicUrl, tls, behindTlsProxy = false }: Settings): void {
  if (publicUrl === undefined) return;
  const url = URL.parse(publicUrl);
  if (
    url === null ||
    !["http:", "https:"].includes(url.protocol) ||
    url.pathname !== "/" ||
    url.search !== ""
  )
    throw new SettingsError(
      `--public-url: ${publicUrl} is not an origin such as https://mooring.example.com.`,
    );
  if (url.username !== "" || url.password !== "")
    throw new SettingsError("--public-url: leave the user name and password out.");
  const isPlain = url.protocol === "http:";
  if (isPlain && !isLoopback(url.hostname.replaceAll(/[[\]]/g, "")))
    throw new SettingsError(
      `--public-url: ${url.origin} is plain; connectors speak TLS to any but a loopback address.`,
    );
  if (isPlain && (tls !== undefined || behindTlsProxy))
    throw new SettingsError(`--public-url: ${url.origin} is plain, but TLS is on: write https.`);
}

/** HOST:PORT, as flags have it. */
export function written({ host, port }: Listen): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Reads HOST:PORT, `[::1]:7480` included. Throws a SettingsError that names the flag. */
export function parseListen(text: string, flag: string): Listen {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined || Number(port) > 65_535)
    throw new SettingsError(`${flag}: ${text} is not HOST:PORT, such as 127.0.0.1:7480.`);
  return { host, port: Number(port) };
}
