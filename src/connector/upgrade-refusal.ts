import type { ClientRequest, IncomingMessage } from "node:http";
import { problem } from "../protocol/enrolment.ts";
import { codeOf } from "./failure.ts";
import { Refusal, type RefusalWord } from "./refusal.ts";

const MOST_BODY_BYTES = 8_192;

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MOST_BODY_BYTES) break;
    }
  } catch {
    // What came is enough to judge by.
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The member `error` of a problem+json body. */
export function errorWordOf(body: string): string | undefined {
  try {
    return problem.parse(JSON.parse(body)).error;
  } catch {
    return undefined;
  }
}

/** Milliseconds of a Retry-After: seconds, or a date by the answer's own clock. At most an hour. */
export function retryAfterMs(headers: IncomingMessage["headers"]): number | undefined {
  const text = headers["retry-after"]?.trim() ?? "";
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - (dateOf(headers) ?? Number.NaN);
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), 3_600_000) : undefined;
}

/** Epoch milliseconds of the answer's Date. */
export function dateOf(headers: IncomingMessage["headers"]): number | undefined {
  const ms = Date.parse(headers.date ?? "");
  return Number.isNaN(ms) ? undefined : ms;
}

const STOP: ReadonlySet<string> = new Set(["no_subprotocol", "version", "revoked", "unknown_key"]);
const SAYS: Partial<Record<RefusalWord, string>> = {
  no_subprotocol: "speaks no version of the protocol that this connector knows",
  bad_request: "was not asked for a WebSocket: a proxy on the way may have changed the request",
  bad_token: "cannot read the token by which the connector says who it is",
  expired: "says that the connector's token has expired: one of the two clocks is wrong",
  clock_skew: "says that the connector's clock is ahead of its own",
  unknown_key:
    "does not know the connector's key: it must enrol again, by a new join token or its ServiceAccount's token",
  bad_audience:
    "is known by another address than the one that the connector was given: write its --public-url as --control-plane",
  replayed: "has seen the connector's token before",
  revoked:
    "has revoked this connector: to let it come back, give it a new join token (mooring token create NAME)",
  version: "does not speak this version",
  admission: "takes no more connections at the moment",
  draining: "is about to restart",
  rate_limited: "asks to be tried later",
};

/** What an answer means that is no upgrade. Reads at most a little of it, for at most two seconds. */
export async function refusalOf(
  request: ClientRequest,
  response: IncomingMessage,
  host: string,
): Promise<Refusal> {
  const status = response.statusCode ?? 0;
  const giveUp = setTimeout(() => response.destroy(), 2_000);
  const error = errorWordOf(await bodyOf(response)) ?? "";
  clearTimeout(giveUp);
  request.destroy();
  const { headers } = response;
  const serverTime = dateOf(headers);
  const word = wordOf(status, error);
  const says = SAYS[word];
  if (says !== undefined) {
    const after = STOP.has(word) ? "stop" : "backoff";
    return new Refusal(word, `The control plane at ${host} ${says}.`, {
      after,
      retryAfterMs: retryAfterMs(headers),
      serverTime,
    });
  }
  return new Refusal(word, strangerWords(word, status, host), { retryAfterMs: retryAfterMs(headers) });
}

function wordOf(status: number, error: string): RefusalWord {
  if (Object.hasOwn(SAYS, error)) return error as RefusalWord;
  if (status === 426) return "version";
  if (status === 403) return "revoked";
  if (status === 401) return "bad_token";
  if (status === 429) return "rate_limited";
  if (status === 503) return "admission";
  if (status === 404) return "not_a_control_plane";
  return status >= 200 && status < 400 ? "captive_proxy" : "unexpected_status";
}

function strangerWords(word: RefusalWord, status: number, host: string): string {
  if (word === "captive_proxy")
    return `Something between the connector and ${host} answered ${status} instead of opening the session: a proxy or a sign-in page.`;
  if (word === "not_a_control_plane") return `What answers at ${host} is not a control plane (404).`;
  return `${host} answered ${status} to the upgrade.`;
}

/** What is said, with {} for the control plane, and what to do where the sentence does not say it. */
type Words = readonly [word: RefusalWord, says: string, remedy?: string];

const UNKNOWN_CA: Words = [
  "certificate_untrusted",
  "The certificate of {} is not trusted",
  "name the CA that issued it with --ca FILE",
];
const NO_ROUTE: Words = ["network_unreachable", "There is no route to {}"];
const ENDED: Words = ["connection_reset", "The connection was ended by {}"];
const TRY_TLS = "see whether it speaks TLS at that port";
const ENDED_BEFORE_TLS: Words = [
  "connection_reset",
  "The connection was ended during the TLS handshake by {}",
  TRY_TLS,
];
const NOT_TLS: Words = ["tls_failed", "No TLS is spoken by {}", TRY_TLS];

const BY_CODE: Readonly<Record<string, Words>> = {
  ENOTFOUND: ["name_not_found", "No DNS server knows the name of {}"],
  EAI_AGAIN: ["name_not_found", "The name of {} could not be looked up"],
  ECONNREFUSED: ["connection_refused", "Nothing listens at {}"],
  ENETUNREACH: NO_ROUTE,
  EHOSTUNREACH: NO_ROUTE,
  ETIMEDOUT: ["timeout", "No answer came from {}"],
  ECONNRESET: ENDED,
  EPIPE: ENDED,
  CERT_HAS_EXPIRED: ["certificate_expired", "The certificate of {} has expired", "renew it there"],
  CERT_NOT_YET_VALID: [
    "certificate_not_yet_valid",
    "The certificate of {} is not valid yet",
    "compare the clocks of both machines",
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "certificate_name_mismatch",
    "The certificate of {} is for another name",
    "write --control-plane with a name that it has, or issue one for this name",
  ],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_CA,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_CA,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_CA,
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
};

/** What a socket's own error means. The error stays the cause, for the local log. */
export function refusalFor(error: unknown, host: string): Refusal {
  if (error instanceof Refusal) return error;
  const code = codeOf(error) ?? "";
  const known = code === "ERR_PROXY_TUNNEL" ? proxyWords(error) : BY_CODE[code];
  const [word, says, remedy] = isBeforeTls(error) ? ENDED_BEFORE_TLS : (known ?? byMessage(error, code));
  const what = `${says.replace("{}", `the control plane at ${host}`)}${code === "" ? "" : ` (${code})`}`;
  return new Refusal(word, `${what}${remedy === undefined ? "" : `: ${remedy}`}.`, { cause: error });
}

/** Node has no code of its own for it. */
function isBeforeTls(error: unknown): boolean {
  return error instanceof Error && error.message.includes("before secure TLS connection was established");
}

/** What a proxy answered to CONNECT, where it answered. */
function proxyWords(error: unknown): Words {
  const { statusCode } = error as { readonly statusCode?: unknown };
  if (statusCode === 407)
    return ["proxy_refused", "The proxy wants a login that it was not given (407) for {}"];
  const answered = typeof statusCode === "number" ? ` answered ${statusCode} and` : "";
  return ["proxy_refused", `The proxy${answered} did not open the way to {}`];
}

function byMessage(error: unknown, code: string): Words {
  const text = error instanceof Error ? error.message : "";
  if (text.includes("subprotocol"))
    return ["wrong_subprotocol", "Another subprotocol than ours was chosen by {}"];
  if (/proxy/i.test(text) || code.includes("PROXY"))
    return ["proxy_refused", "The proxy did not open the way to {}"];
  if (code.startsWith("ERR_SSL") || code === "EPROTO") return ["tls_failed", "TLS failed with {}"];
  if (code.startsWith("HPE_") || text.includes("Sec-WebSocket"))
    return ["not_a_control_plane", "What came was no answer to an upgrade from {}"];
  return ["connection_reset", "The connection failed to {}"];
}
