import { z } from "zod";
import type { Target } from "../../dial/dial.ts";
import { proxyFromEnvironment } from "../../dial/proxy.ts";
import { namedProxy, proxy, verifyingTls } from "../../dial/target-config.ts";

/** A status or a span of them, as it is written: "404" or "200-299". */
const status = z
  .union([z.string(), z.int()])
  .transform(String)
  .refine(isStatusRange, 'must be a status such as "404" or a span such as "200-299"');

function isStatusRange(text: string): boolean {
  const match = /^(\d{3})(?:-(\d{3}))?$/.exec(text);
  if (match === null) return false;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from >= 100 && to <= 599 && from <= to;
}

/** Headers that belong to the connection, or that would hold a secret. */
const OWN_HEADERS = [
  "connection",
  "content-length",
  "transfer-encoding",
  "upgrade",
  "te",
  "trailer",
  "expect",
];
const SECRET_HEADERS = ["authorization", "proxy-authorization", "cookie"];

const headers = z
  .record(
    z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is not a header's name")
      .refine((name) => !OWN_HEADERS.includes(name.toLowerCase()), "is set by Mooring itself; leave it out")
      .refine(
        (name) => !SECRET_HEADERS.includes(name.toLowerCase()),
        "holds a secret, and this file may not; name the secret under secret:",
      ),
    z.string().regex(/^[\t\u0020-\u007e\u0080-\u00ff]*$/, "holds a character that no header can carry"),
  )
  .describe("request headers; none that holds a secret");

function urlTrouble(text: string): string | undefined {
  if (!URL.canParse(text)) return "is not a URL; write http://HOST/ or https://HOST/";
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") return "must begin with http:// or https://";
  if (url.username !== "" || url.password !== "") return "holds a login; name the secret under secret:";
  if (url.port === "0") return "names port 0, which nothing can listen on; write the server's port";
  return undefined;
}

const url = z
  .string("must be a URL that begins with http:// or https://")
  .superRefine((text, context) => {
    const trouble = urlTrouble(text);
    if (trouble !== undefined) context.addIssue(trouble);
  })
  .meta({ pattern: "^https?://" }) // For editors; the words for what breaks it are above.
  .describe("http:// or https:// URL, without a login");

export const config = z.strictObject({
  url,
  method: z
    .string("must be a method such as GET")
    .regex(/^[A-Z]{1,20}$/, "must be a method in capitals, such as GET")
    .refine(
      (method) => method !== "CONNECT" && method !== "TRACE",
      "cannot be used for a check; use GET or HEAD",
    )
    .optional()
    .describe("the request's method; default GET"),
  headers: headers.optional(),
  expect: z
    .strictObject({
      status: z
        .array(status)
        .min(1, "must name at least one status")
        .optional()
        .describe('statuses and spans that pass; default ["200-299"]'),
      body: z
        .string()
        .min(1, "must be a text that the body contains")
        .optional()
        .describe("a text that the body contains"),
    })
    .optional()
    .describe("what passes"),
  tls: verifyingTls.optional(),
  proxy: proxy.optional(),
});
export type Config = z.infer<typeof config>;

export const DEFAULT_STATUS: readonly string[] = ["200-299"];

export function expectedStatus(config: Config): readonly string[] {
  return config.expect?.status ?? DEFAULT_STATUS;
}

export function isExpected(status: number, ranges: readonly string[]): boolean {
  return ranges.some((range) => {
    const [from, to = from] = range.split("-").map(Number);
    return from !== undefined && to !== undefined && status >= from && status <= to;
  });
}

export interface HttpTarget {
  readonly url: URL;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

const targets = new WeakMap<Config, HttpTarget>();

/** Where a configuration points. Each look asks for it many times, so its URL is read once. */
export function targetOf(config: Config): HttpTarget {
  const known = targets.get(config);
  if (known !== undefined) return known;
  const url = new URL(config.url);
  const tls = url.protocol === "https:";
  const port = url.port === "" ? (tls ? 443 : 80) : Number(url.port);
  const target = { url, host: url.hostname.replace(/^\[|\]$/g, ""), port, tls };
  targets.set(config, target);
  return target;
}

/** The URL as it may be shown: a query can hold a key. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** The proxy that the item names, else the one of the environment. */
export function proxyOf(
  config: Config,
  target: HttpTarget,
  environment: Readonly<Record<string, string | undefined>>,
): Target["proxy"] {
  if (config.proxy !== undefined) return namedProxy(config.proxy);
  return proxyFromEnvironment(environment, { scheme: target.tls ? "https" : "http", ...target });
}
