import { isIP } from "node:net";
import { z } from "zod";
import { parseDuration } from "../duration.ts";
import { literalAddress } from "./address.ts";
import { parseProxy, type Proxy } from "./proxy.ts";

/** Members that several types' configurations share. Their words end up in messages: `PATH: MESSAGE`. */

function isHost(text: string): boolean {
  if (literalAddress(text) !== undefined || isIP(text) !== 0) return true;
  const name = text.replace(/\.$/, "");
  return (
    name.length <= 253 && name.split(".").every((label) => /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/.test(label))
  );
}

export const host = z
  .string("must be a host name or an address")
  .refine(isHost, "is not a host name or an address; leave out scheme, port and path")
  .describe("host name or IP address");

export const port = z
  .int("must be a whole number from 1 to 65535")
  .min(1, "must be a whole number from 1 to 65535")
  .max(65_535, "must be a whole number from 1 to 65535")
  .describe("TCP port, 1 to 65535");

export const caFile = z
  .string("must be the path of a PEM file")
  .min(1, "must be the path of a PEM file")
  .describe("PEM file whose certificates are trusted besides the system's roots, relative to this file");

export const serverName = host.describe("the name that the certificate must have, where it is not the host");

/** How the certificate is judged, for types that always verify. */
export const verifyingTls = z
  .strictObject({ ca: caFile.optional(), serverName: serverName.optional() })
  .describe("how the server's certificate is judged");

/** `none`, or the URL of a proxy that is asked by CONNECT. */
export const proxy = z
  .string("must be none or the URL of a proxy")
  .refine(
    (text) => text === "none" || parseProxy(text) !== undefined,
    "is not a proxy's URL; write http://HOST:PORT, https://HOST:PORT or none",
  )
  .describe("none, or the URL of a forward proxy that is asked by CONNECT");

/** The proxy that a configuration names: undefined for none. */
export function namedProxy(text: string | undefined): Proxy | undefined {
  return text === undefined || text === "none" ? undefined : parseProxy(text);
}

/** A duration in milliseconds, of `500ms`, `10s`, `5m`, `2h`, `14d`. */
export function duration(bounds: {
  readonly least: string;
  readonly most: string;
}): z.ZodType<number, string> {
  const least = parseDuration(bounds.least) ?? 0;
  const most = parseDuration(bounds.most) ?? Number.POSITIVE_INFINITY;
  const wanted = `must be a duration from ${bounds.least} to ${bounds.most}, such as ${bounds.least}`;
  return z
    .string({ error: ({ input }) => unitWords(input) ?? wanted })
    .regex(/^\d{1,9}(ms|s|m|h|d)$/, {
      error: ({ input }) =>
        unitWords(input) ?? "is not a duration; write a number and a unit: 500ms, 10s, 5m, 2h, 14d",
    })
    .transform((text) => parseDuration(text) ?? Number.NaN)
    .refine((ms) => Number.isNaN(ms) || (ms >= least && ms <= most), wanted)
    .describe(`a duration from ${bounds.least} to ${bounds.most}`);
}

/** `60` is meant as seconds: what most tools take it for. */
function unitWords(input: unknown): string | undefined {
  const text = String(input);
  return /^\d{1,9}$/.test(text) ? `has no unit; write ${text}s for seconds` : undefined;
}

/** Whether a host is this machine itself: there a store may be spoken to in plain text, for tests. */
function isLoopback(host: string): boolean {
  return host === "localhost" || /^127(\.\d{1,3}){3}$/.test(host) || host === "[::1]";
}

function storeUrlTrouble(text: string): string | undefined {
  if (!URL.canParse(text)) return "is not a URL; write https://HOST";
  const url = new URL(text);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname)))
    return "must begin with https:// (http:// is for loopback addresses alone)";
  if (url.username !== "" || url.password !== "") return "holds a login; leave it out";
  if (url.search !== "" || url.hash !== "")
    return "holds more than an address; leave out what follows ? or #";
  return undefined;
}

/** Where a secret store or what gives an identity for it is: https, or plain http on this machine. */
export const storeUrl = z
  .string("must be a URL that begins with https://")
  .superRefine((text, context) => {
    const trouble = storeUrlTrouble(text);
    if (trouble !== undefined) context.addIssue(trouble);
  })
  .meta({ pattern: "^https?://" })
  .describe("https:// URL; http:// is for loopback addresses alone");

/** A file of this machine that is read when it is needed, never at load. */
export const pathText = z
  .string("must be a path")
  .min(1, "must be a path")
  .describe("path of a file, relative to this file");
