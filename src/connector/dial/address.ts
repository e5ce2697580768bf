import { isIP, isIPv4 } from "node:net";

interface Range {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** The four bytes of an IPv4 address in dotted form. */
function ipv4Bytes(text: string): Uint8Array {
  return Uint8Array.from(text.split("."), Number);
}

/** The 16 bytes of an IPv6 address without a zone. */
function ipv6Bytes(text: string): Uint8Array {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  let hex = text;
  if (dotted?.[1] !== undefined && dotted[2] !== undefined) {
    const [a = 0, b = 0, c = 0, d = 0] = ipv4Bytes(dotted[2]);
    hex = `${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [head = "", tail] = hex.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array.from({ length: zeros }, () => "0"), ...right];
  return Uint8Array.from(
    groups.flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}

function withoutZone(ip: string): string {
  const percent = ip.indexOf("%");
  return percent === -1 ? ip : ip.slice(0, percent);
}

/** 4 or 16 bytes. The text must be an IP address (`net.isIP`), a zone is dropped. */
function bytesOf(ip: string): Uint8Array {
  return isIPv4(ip) ? ipv4Bytes(ip) : ipv6Bytes(withoutZone(ip));
}

/** Prefixes before an IPv4 address: mapped, translated (RFC 2765) and NAT64 (RFC 6052), 96 bits each. */
const BEFORE_IPV4 = ["::ffff:0:0", "::ffff:0:0:0", "64:ff9b::"].map((text) => ({
  bytes: ipv6Bytes(text),
  bits: 96,
}));
const LOCAL_NAT64 = { bytes: ipv6Bytes("64:ff9b:1::"), bits: 48 };
const SIX_TO_FOUR = { bytes: ipv6Bytes("2002::"), bits: 16 };
const TEREDO = { bytes: ipv6Bytes("2001::"), bits: 32 };

/**
 * The IPv4 addresses that an IPv6 one may stand for: those above, a compatible one, NAT64's local prefix (RFC 8215,
 * of 48 or 96 bits), 6to4 (RFC 3056) and Teredo's client (RFC 4380, inverted).
 */
function embeddedIpv4(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length !== 16) return [];
  const last = bytes.subarray(12, 16);
  const compatible =
    bytes.subarray(0, 12).every((byte) => byte === 0) && last.subarray(0, 3).some((byte) => byte !== 0);
  if (compatible || BEFORE_IPV4.some((prefix) => contains(prefix, bytes))) return [last];
  if (contains(LOCAL_NAT64, bytes)) {
    // RFC 6052 §2.2: byte 8 is left out of the address.
    return [last, Uint8Array.of(...bytes.subarray(6, 8), ...bytes.subarray(9, 11))];
  }
  if (contains(SIX_TO_FOUR, bytes)) return [bytes.subarray(2, 6)];
  return contains(TEREDO, bytes) ? [last.map((byte) => byte ^ 0xff)] : [];
}

function range(text: string): Range {
  const [ip = "", length] = text.split("/");
  const bytes = bytesOf(ip);
  return { bytes, bits: length === undefined ? bytes.length * 8 : Number(length) };
}

function contains(within: Range, bytes: Uint8Array): boolean {
  if (within.bytes.length !== bytes.length) return false;
  for (let bit = 0; bit < within.bits; bit += 8) {
    const left = Math.min(8, within.bits - bit);
    const mask = (0xff << (8 - left)) & 0xff;
    if (((within.bytes[bit >> 3] ?? 0) & mask) !== ((bytes[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}

/**
 * Metadata services by their vendors' documents: AWS (169.254.169.254, fd00:ec2::254, containers
 * 169.254.170.2 and .23), Google (fd20:ce::254), Alibaba (100.100.100.200), Azure's wire server
 * (168.63.129.16), Oracle (192.0.0.192).
 */
const FORBIDDEN: readonly (readonly [kind: string, ranges: readonly Range[]])[] = [
  [
    "a metadata",
    [
      "169.254.169.254",
      "169.254.170.2",
      "169.254.170.23",
      "fd00:ec2::254",
      "fd00:ec2::23",
      "fd20:ce::254",
      "100.100.100.200",
      "168.63.129.16",
      "192.0.0.192",
    ].map(range),
  ],
  ["a link-local", ["169.254.0.0/16", "fe80::/10"].map(range)],
  ["an unspecified", ["0.0.0.0/8", "::"].map(range)],
  ["a multicast", ["224.0.0.0/4", "ff00::/8"].map(range)],
  ["a broadcast", ["255.255.255.255"].map(range)],
];

/** Whether a text is an address or a range that `policy.addresses.allow` can hold. */
export function isAddressRange(text: string): boolean {
  const [ip = "", length, ...rest] = text.split("/");
  if (rest.length > 0 || ip.includes("%") || isIP(ip) === 0) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (isIPv4(ip) ? 32 : 128));
}

/** Whether an IP address is in a range as `isAddressRange` takes it; a mapped IPv4 address is one of both kinds. */
export function inRange(ip: string, text: string): boolean {
  const bytes = bytesOf(ip);
  const within = range(text);
  return [bytes, ...embeddedIpv4(bytes)].some((form) => contains(within, form));
}

/** Says of an address whether it may be dialled: undefined, or the kind that forbids it ("a metadata"). */
export type AddressPolicy = (ip: string) => string | undefined;

/** The policy with the ranges that the local configuration allows on top. */
export function addressPolicy(allow: readonly string[]): AddressPolicy {
  const allowed = allow.map(range);
  return (ip) => {
    const bytes = bytesOf(ip);
    const forms = [bytes, ...embeddedIpv4(bytes)];
    if (forms.some((form) => allowed.some((within) => contains(within, form)))) return undefined;
    for (const [kind, ranges] of FORBIDDEN) {
      if (forms.some((form) => ranges.some((within) => contains(within, form)))) return kind;
    }
    return undefined;
  };
}

/** One part of an IPv4 address as the C library reads it: decimal, 0x hexadecimal, 0 octal. */
function legacyPart(text: string): number {
  if (/^0[xX][0-9a-fA-F]+$/.test(text)) return Number.parseInt(text.slice(2), 16);
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  return /^(0|[1-9]\d*)$/.test(text) ? Number(text) : Number.NaN;
}

/**
 * The address that a host literal means, in its plain form, or undefined where the host is a name.
 * Reads what `inet_aton` reads too (2852039166, 0xa9.254.43518), so that no way of writing an address gets
 * past the policy by being looked up as a name.
 */
export function literalAddress(host: string): string | undefined {
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  if (isIP(bare) !== 0) return bare;
  const parts = bare.replace(/\.$/, "").split(".");
  const numbers = parts.map(legacyPart);
  if (parts.length > 4 || numbers.some(Number.isNaN)) return undefined;
  const last = numbers.pop() ?? 0;
  if (numbers.some((part) => part > 255) || last >= 256 ** (4 - numbers.length)) return undefined;
  const value = numbers.reduce((sum, part, index) => sum + part * 256 ** (3 - index), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** `address:port`, with an IPv6 address in brackets. */
export function endpoint(host: string, port: number): string {
  return isIP(withoutZone(host)) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}
