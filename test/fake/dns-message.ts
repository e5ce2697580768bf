import net from "node:net";

/** What a DNS client asked: the name in lower case without the last dot; a type we do not know is "TYPEn". */
export interface Question {
  name: string;
  type: string;
}

/** A parsed query message. */
export interface Query extends Question {
  id: number;
  /** the query's flags word, for the RD bit */
  flags: number;
  /** the question section's bytes, to be sent back as they came */
  question: Uint8Array;
  /** most bytes of an answer over UDP: 512, or what the client's OPT record allows */
  mostBytes: number;
}

/** DNS response codes (RFC 1035 §4.1.1). */
export const RCODE = { noError: 0, servfail: 2, nxdomain: 3, refused: 5 } as const;

/** One of the response codes' numbers. */
export type Rcode = (typeof RCODE)[keyof typeof RCODE];

const TYPES = new Map([
  [1, "A"],
  [5, "CNAME"],
  [6, "SOA"],
  [16, "TXT"],
  [28, "AAAA"],
  [33, "SRV"],
]);
const OPT = 41;
const HEADER_BYTES = 12;
const TTL_SECONDS = 1;

/** Reads a query with one question. Throws a RangeError if it is cut short. */
export function readQuery(message: Buffer): Query {
  const { labels, end } = readName(message);
  const type = message.readUInt16BE(end);
  return {
    id: message.readUInt16BE(0),
    flags: message.readUInt16BE(2),
    name: labels.join(".").toLowerCase(),
    type: TYPES.get(type) ?? `TYPE${type}`,
    question: message.subarray(HEADER_BYTES, end + 4),
    mostBytes: readMostBytes(message, end + 4),
  };
}

/** Writes the answer to a query; `addresses` are IPv4 for a question of type A, IPv6 for AAAA. */
export function writeAnswer(query: Query, rcode: Rcode, addresses: string[]): Buffer {
  const records = addresses.map((address) => addressRecord(address));
  return Buffer.concat([header(query, { rcode, count: records.length }), query.question, ...records]);
}

/** Writes the answer that says "too long for UDP, ask again over TCP". */
export function writeTruncated(query: Query): Buffer {
  return Buffer.concat([header(query, { rcode: RCODE.noError, count: 0, truncated: true }), query.question]);
}

function header(query: Query, answer: { rcode: Rcode; count: number; truncated?: boolean }): Buffer {
  const isAnswer = 0x8000;
  const recursionDesired = query.flags & 0x0100;
  const recursionAvailable = 0x0080;
  const truncated = answer.truncated === true ? 0x0200 : 0;
  const flags = isAnswer | recursionDesired | recursionAvailable | truncated | answer.rcode;
  return words(query.id, flags, 1, answer.count, 0, 0);
}

/** A record for the question's name (a pointer to byte 12, where the name stands). */
function addressRecord(address: string): Buffer {
  const data = addressBytes(address);
  const type = data.length === 4 ? 1 : 28;
  return Buffer.concat([words(0xc00c, type, 1, 0, TTL_SECONDS, data.length), data]);
}

function addressBytes(address: string): Buffer {
  if (net.isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  if (!net.isIPv6(address)) throw new Error(`${address} is no IP address`);
  const [head = [], tail = []] = new URL(`http://[${address}]`).hostname
    .slice(1, -1)
    .split("::")
    .map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return words(...[...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16)));
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

function readName(message: Buffer): { labels: string[]; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { labels, end: at + 1 };
}

/** The OPT record, if any, is the first additional record: root name, type 41, then the size as its class. */
function readMostBytes(message: Buffer, at: number): number {
  const hasAdditional = message.readUInt16BE(10) > 0 && message.length >= at + 5;
  if (!hasAdditional || message.readUInt16BE(at + 1) !== OPT) return 512;
  return Math.max(512, message.readUInt16BE(at + 3));
}
