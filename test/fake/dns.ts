import dgram from "node:dgram";
import { once } from "node:events";
import { type Query, type Question, RCODE, readQuery, writeAnswer } from "./dns-message.ts";
import { type Answer, bind, bindBoth, close, type Send } from "./dns-sockets.ts";

export { resolvConf } from "./resolv-conf.ts";

/**
 * What the server says about one name: addresses (a type it lacks gets an empty NOERROR), an error, nothing at
 * all, or the addresses only after `delayMs` milliseconds.
 */
export type DnsRecord =
  | { a?: string[]; aaaa?: string[]; delayMs?: number }
  | "nxdomain"
  | "servfail"
  | "refused"
  | "silent";

/** A place to send DNS queries to. */
export interface Nameserver extends AsyncDisposable {
  host: "127.0.0.1";
  /** UDP port (and TCP port, where it answers), 1–65535 */
  port: number;
  /** "host:port", as the nameserver line of resolvConf takes it */
  address: string;
  /** the queries that have come, oldest first, over UDP and TCP */
  queries(): Question[];
}

/** A name server that answers, and whose records may change while it runs. */
export interface DnsServer extends Nameserver {
  /** sets what it says about a name from now on */
  set(name: string, record: DnsRecord): void;
}

const HOST = "127.0.0.1";

/**
 * A DNS server over UDP and, on the same port, TCP. A name it does not know is NXDOMAIN. An answer that does
 * not fit into the client's UDP size is truncated, so that the client asks again over TCP.
 */
export async function dnsServer(records: Record<string, DnsRecord> = {}): Promise<DnsServer> {
  const known = new Map<string, DnsRecord>();
  const seen: Question[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const answer: Answer = (message, send) => {
    const query = readQuery(message);
    seen.push(questionOf(message));
    respond(query, { record: known.get(query.name) ?? "nxdomain", send, timers });
  };
  const set = (name: string, record: DnsRecord) => void known.set(plain(name), record);
  for (const [name, record] of Object.entries(records)) set(name, record);
  const { udp, tcp } = await bindBoth(answer);
  return {
    ...nameserver(udp, seen),
    set,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearTimeout(timer);
      await Promise.all([close(udp), tcp[Symbol.asyncDispose]()]);
    },
  };
}

/** A UDP socket that takes queries and never answers (its queries are recorded; nothing listens on TCP). */
export async function deadDns(): Promise<Nameserver> {
  const udp = dgram.createSocket("udp4");
  const seen: Question[] = [];
  udp.on("message", (message) => seen.push(questionOf(message)));
  await bind(udp, 0);
  return nameserver(udp, seen);
}

/** A UDP port where nothing listens: a query is answered by "port unreachable". */
export async function closedDns(): Promise<Nameserver> {
  const udp = dgram.createSocket("udp4");
  await bind(udp, 0);
  // a connected UDP socket keeps its port, and to everyone but its peer that port is closed
  udp.connect(1, HOST);
  await once(udp, "connect");
  return nameserver(udp, []);
}

function respond(query: Query, to: { record: DnsRecord; send: Send; timers: Set<NodeJS.Timeout> }): void {
  const { record, send, timers } = to;
  if (record === "silent") return;
  if (typeof record === "string") return send(query, writeAnswer(query, RCODE[record], []));
  const addresses = { A: record.a, AAAA: record.aaaa }[query.type] ?? [];
  const answer = writeAnswer(query, RCODE.noError, addresses);
  if (record.delayMs === undefined) return send(query, answer);
  const timer = setTimeout(() => {
    timers.delete(timer);
    send(query, answer);
  }, record.delayMs);
  timers.add(timer);
}

function nameserver(udp: dgram.Socket, seen: Question[]): Nameserver {
  const { port } = udp.address();
  return {
    host: HOST,
    port,
    address: `${HOST}:${port}`,
    queries: () => [...seen],
    [Symbol.asyncDispose]: () => close(udp),
  };
}

function questionOf(message: Buffer): Question {
  const { name, type } = readQuery(message);
  return { name, type };
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
