import { Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { Clock } from "../clock.ts";
import { codeOf, Failure } from "../failure.ts";
import { literalAddress } from "./address.ts";

/** Where names are looked up, as resolv.conf(5) and hosts(5) say it. */
export interface ResolverSettings {
  /** Addresses of DNS servers, with a port where it is not 53. */
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly ndots: number;
  readonly hosts: ReadonlyMap<string, readonly string[]>;
}

/** Waits this long for the other address family once one has answered (RFC 8305 §3). */
const OTHER_FAMILY_MS = 50;

function lines(text: string, comment: RegExp): string[][] {
  return text.split("\n").map((line) => line.replace(comment, "").trim().split(/\s+/));
}

/** A DNS server as c-ares takes it: `1.1.1.1`, `127.0.0.1:5353`, `[::1]:53`. A port is our addition. */
function isServer(text: string): boolean {
  const withPort = /^(?:\[(.+)\]|([\d.]+)):(\d+)$/.exec(text);
  return isIP(withPort?.[1] ?? withPort?.[2] ?? text) !== 0;
}

function parseResolvConf(text: string): Pick<ResolverSettings, "servers" | "search" | "ndots"> {
  const servers: string[] = [];
  let search: string[] = [];
  let ndots = 1;
  for (const [keyword, ...words] of lines(text, /[#;].*/)) {
    const [word = ""] = words;
    if (keyword === "nameserver" && isServer(word) && servers.length < 3) servers.push(word);
    if (keyword === "search" || keyword === "domain") search = words;
    if (keyword !== "options") continue;
    for (const option of words) {
      const match = /^ndots:(\d+)$/.exec(option);
      if (match !== null) ndots = Math.min(15, Number(match[1]));
    }
  }
  return { servers: servers.length === 0 ? ["127.0.0.1"] : servers, search, ndots };
}

function parseHosts(text: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>();
  for (const [ip = "", ...names] of lines(text, /#.*/)) {
    if (isIP(ip) === 0) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      hosts.set(key, [...(hosts.get(key) ?? []), ip]);
    }
  }
  return hosts;
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch {
    return ""; // As the C library does: no file is an empty file.
  }
}

/** Reads both files anew: a changed one is obeyed at the next look. */
export async function readResolverSettings(files: {
  readonly resolvConf: string;
  readonly hosts: string;
}): Promise<ResolverSettings> {
  const [resolvConf, hosts] = await Promise.all([textOf(files.resolvConf), textOf(files.hosts)]);
  return { ...parseResolvConf(resolvConf), hosts: parseHosts(hosts) };
}

/** The names to ask for, in the C library's order: with `ndots` dots or more the name itself comes first. */
export function candidates(host: string, settings: Pick<ResolverSettings, "search" | "ndots">): string[] {
  if (host.endsWith(".")) return [host.slice(0, -1)];
  const searched = settings.search.map((domain) =>
    domain === "." ? host : `${host}.${domain.replace(/\.$/, "")}`,
  );
  const dots = host.split(".").length - 1;
  const order = dots >= settings.ndots ? [host, ...searched] : [...searched, host];
  return [...new Set(order)];
}

function fromHosts(host: string, settings: ResolverSettings): readonly string[] | undefined {
  const name = host.toLowerCase().replace(/\.$/, "");
  const listed = settings.hosts.get(name);
  if (listed !== undefined) return listed;
  // RFC 6761 §6.3: never asked of a DNS server.
  return name === "localhost" || name.endsWith(".localhost") ? ["127.0.0.1", "::1"] : undefined;
}

const ABSENT = new Set(["ENOTFOUND", "ENODATA"]);

interface Answer {
  readonly addresses: readonly string[];
  readonly error?: unknown;
}

/** Both families at once; the slower one is waited for only briefly once the other has an address. */
async function ask(resolver: Resolver, name: string, clock: Clock, signal: AbortSignal): Promise<Answer> {
  const enough = new AbortController();
  const query = async (answer: Promise<string[]>): Promise<Answer> => {
    try {
      const addresses = await answer;
      void clock.sleep(OTHER_FAMILY_MS, signal).then(() => enough.abort());
      return { addresses };
    } catch (error) {
      return { addresses: [], error };
    }
  };
  const none: Answer = { addresses: [] };
  const cut = new Promise<Answer>((resolve) => {
    enough.signal.addEventListener("abort", () => resolve(none), { once: true });
  });
  const both = [query(resolver.resolve6(name)), query(resolver.resolve4(name))];
  const answers = await Promise.all(both.map((answer) => Promise.race([answer, cut])));
  const addresses = interleave(answers.map((answer) => answer.addresses));
  const errors = answers.map((answer) => answer.error).filter((error) => error !== undefined);
  return { addresses, error: errors.find((error) => !ABSENT.has(codeOf(error) ?? "")) ?? errors[0] };
}

/** IPv6 first, then by turns (RFC 8305 §4). */
function interleave(families: readonly (readonly string[])[]): string[] {
  const longest = Math.max(...families.map((family) => family.length));
  return Array.from({ length: longest }, (_, index) => families.map((family) => family[index]))
    .flat()
    .filter((ip) => ip !== undefined);
}

function byFamily(ips: readonly string[]): string[] {
  return interleave([ips.filter((ip) => isIP(ip) === 6), ips.filter((ip) => isIP(ip) === 4)]);
}

const SAID: Readonly<Record<string, string>> = {
  ESERVFAIL: "SERVFAIL",
  EREFUSED: "REFUSED",
  ENOTIMP: "NOTIMP",
  EFORMERR: "FORMERR",
  ECONNREFUSED: "that its port is closed",
};

/**
 * The addresses of a host, in the order in which to try them; never empty.
 * Throws Failure("resolve", …). No name keeps another waiting: each look has a resolver of its own.
 */
export async function resolve(
  host: string,
  settings: ResolverSettings,
  limits: { readonly clock: Clock; readonly signal: AbortSignal; readonly limitMs: number },
): Promise<readonly string[]> {
  const literal = literalAddress(host);
  if (literal !== undefined) return [literal];
  const listed = fromHosts(host, settings);
  if (listed !== undefined) return byFamily(listed);
  return lookUp(host, settings, limits);
}

/**
 * `svc` is no top-level domain: once the cluster has said that it has no `orders-db.data.svc`, the world outside, which may be
 * out of reach, is not asked for it.
 */
const CLUSTER_OWN = /\.svc$/i;

async function lookUp(
  host: string,
  settings: ResolverSettings,
  { clock, signal, limitMs }: { clock: Clock; signal: AbortSignal; limitMs: number },
): Promise<readonly string[]> {
  const names = candidates(host, settings);
  // Two tries a server, the second twice as long, fill the stage's time.
  const timeout = Math.max(50, Math.floor(limitMs / (3 * settings.servers.length)));
  const resolver = new Resolver({ timeout, tries: 2 });
  resolver.setServers([...settings.servers]);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  const tried: string[] = [];
  const evidence = () => ({ servers: settings.servers.join(", "), tried: tried.join(", ") });
  let trouble: { readonly answer: string; readonly error: unknown } | undefined;
  let isAbsent = false;
  try {
    for (const name of names) {
      if (isAbsent && name === host && CLUSTER_OWN.test(host)) continue;
      tried.push(name);
      const { addresses, error } = await ask(resolver, name, clock, signal);
      if (addresses.length > 0) return addresses;
      const code = codeOf(error) ?? "ENODATA";
      isAbsent ||= ABSENT.has(code);
      if (ABSENT.has(code)) continue;
      if (code === "ETIMEOUT" || code === "ECANCELLED")
        throw new Failure("resolve", "dns_timeout", evidence(), error);
      trouble ??= { answer: SAID[code] ?? code, error };
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    resolver.cancel();
  }
  if (trouble === undefined) throw new Failure("resolve", "dns_not_found", evidence());
  throw new Failure("resolve", "dns_unavailable", { ...evidence(), answer: trouble.answer }, trouble.error);
}
