import { isLoopback } from "../protocol/loopback.ts";
import { hostname, networkInterfaces } from "node:os";

/** Where the control plane is reached: what Host, Origin and the tokens' audience may be. */
export interface Origins {
  /** The first is the one that is told. */
  readonly audiences: readonly [string, ...string[]];
  isHost(host: string | undefined): boolean;
  isOrigin(origin: string): boolean;
}

/** An origin's host as URLs write it. */
export function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/**
 * Exactly the public URL, or, without one, the listener's own names: all of loopback where it listens there,
 * all of the machine's addresses where it listens everywhere.
 */
export function originsOf(
  publicUrl: string | undefined,
  listener: { readonly scheme: "http" | "https"; readonly host: string; readonly port: number },
): Origins {
  const names = publicUrl === undefined ? namesOf(listener.host) : [];
  const own = names.map((name) => `${listener.scheme}://${urlHost(name)}:${listener.port}`);
  const first = new URL(publicUrl ?? own[0] ?? "http://localhost").origin;
  const rest = own.map((origin) => new URL(origin).origin).filter((origin) => origin !== first);
  const audiences: readonly [string, ...string[]] = [first, ...new Set(rest)];
  const hosts = new Set(audiences.map((origin) => new URL(origin).host));
  return {
    audiences,
    isHost: (host) => host !== undefined && hosts.has(hostOf(host, new URL(first).protocol)),
    isOrigin: (origin) => audiences.includes(origin),
  };
}

const LOOPBACK = ["127.0.0.1", "localhost", "::1"];

/** What a listener is called; the first is the one to tell. */
function namesOf(host: string): string[] {
  if (isLoopback(host)) return [host, ...LOOPBACK];
  if (host !== "0.0.0.0" && host !== "::") return [host];
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const usable = addresses.map(({ address }) => address).filter((address) => !address.startsWith("fe80:"));
  return [hostname(), ...LOOPBACK, ...usable];
}

/** The Host header without its scheme's own port, in lower case. */
function hostOf(header: string, protocol: string): string {
  try {
    return new URL(`${protocol}//${header}`).host;
  } catch {
    return "";
  }
}
