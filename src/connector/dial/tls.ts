import { isIP, type Socket } from "node:net";
import { connect as connectTls, type PeerCertificate, type SecureContext, type TLSSocket } from "node:tls";
import { printable } from "../../protocol/words.ts";
import type { Clock } from "../clock.ts";
import { assertStanding } from "./connect.ts";
import { codeOf, Failure, wantsClientCertificate } from "../failure.ts";

export interface SecureOptions {
  readonly socket: Socket;
  /** The name that the certificate must have: a DNS name or an IP address. */
  readonly serverName: string;
  readonly context: SecureContext;
  /** false: whoever answers is taken (`tls.mode: require`). */
  readonly verify: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly alpn?: readonly string[];
}

export interface Secured {
  readonly socket: TLSSocket;
  /** What the server's certificate says of its end. */
  readonly certificate: Pick<PeerCertificate, "valid_to">;
}

/** Codes of OpenSSL's verification; anything else that is not listed is untrusted too. */
const VERIFY_REASONS: Readonly<
  Record<string, "certificate_expired" | "certificate_not_yet_valid" | "certificate_name_mismatch">
> = {
  CERT_HAS_EXPIRED: "certificate_expired",
  CERT_NOT_YET_VALID: "certificate_not_yet_valid",
  ERR_TLS_CERT_ALTNAME_INVALID: "certificate_name_mismatch",
  HOSTNAME_MISMATCH: "certificate_name_mismatch",
  IP_ADDRESS_MISMATCH: "certificate_name_mismatch",
};

/** Records that are not TLS at all, as OpenSSL calls them. */
const NOT_TLS = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_RECORD_TOO_SMALL",
  "ERR_SSL_HTTP_REQUEST",
  "ERR_SSL_HTTPS_PROXY_REQUEST",
  "ERR_SSL_BAD_RECORD_TYPE",
  "ERR_SSL_UNKNOWN_PROTOCOL",
]);

/** After this long without word from the server, its silence is taken for consent. Milliseconds. */
const SETTLE = { least: 20, most: 250 } as const;

/**
 * The handshake over a connected socket. The certificate is judged here, before a byte of ours is sent, so that
 * what is wrong with it can be told. Throws Failure("tls", …).
 */
export async function secure(options: SecureOptions): Promise<Secured> {
  const { socket: raw, serverName, context, clock, signal } = options;
  await assertQuiet(raw);
  const started = clock.tick();
  const socket = connectTls({
    socket: raw,
    secureContext: context,
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    ...(options.alpn === undefined ? {} : { ALPNProtocols: [...options.alpn] }),
    // Where the name is not sent (an IP address), the certificate must still be for it.
    host: serverName,
  });
  // Never getPeerX509Certificate: it takes the certificates out of OpenSSL's chain without freeing them, some 5 kB a
  // handshake wherever a server sends an issuer too (nodejs/node#65579).
  const leafOf = socket.getPeerCertificate.bind(socket, false);
  let certificate: PeerCertificate | undefined;
  // Node has the whole chain read for its check of the name, which needs the leaf alone: a sixth of a handshake's CPU.
  Object.assign(socket, { getPeerCertificate: () => (certificate ??= leafOf()) });
  await handshake(socket, signal);
  Reflect.deleteProperty(socket, "getPeerCertificate");
  certificate ??= leafOf();
  if (options.verify) judge(socket, certificate, serverName, clock);
  if (socket.getProtocol() === "TLSv1.3") await settle(socket, clock.tick() - started, clock, signal);
  return { socket, certificate };
}

/**
 * TLS takes over the socket's handle. What was read before that it does not see: an end would be waited for in
 * vain. And a socket that ends by itself below TLS crashes Node. So both are told here.
 */
async function assertQuiet(raw: Socket): Promise<void> {
  assertStanding(raw);
  raw.read(0); // Has an end told that nobody has read yet.
  await new Promise(setImmediate);
  if (raw.readableEnded) throw new Failure("tls", "tls_handshake_failed", { how: "closed" });
  assertStanding(raw);
  // In TLS the client speaks first.
  if (raw.readableLength > 0) throw new Failure("tls", "tls_unsupported");
}

function handshake(socket: TLSSocket, signal: AbortSignal): Promise<void> {
  let agreed = false; // Version and cipher are: the keys were made.
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      socket.destroy();
      reject(new Failure("tls", "tls_timeout"));
    };
    const close = (): void => end();
    const end = (error?: unknown): void => {
      signal.removeEventListener("abort", stop);
      socket.destroy();
      reject(handshakeFailure(error, agreed));
    };
    signal.addEventListener("abort", stop, { once: true });
    socket.once("keylog", () => (agreed = true));
    socket.once("secureConnect", () => {
      signal.removeEventListener("abort", stop);
      socket.off("close", close);
      resolve();
    });
    socket.on("error", end);
    socket.once("close", close);
    if (signal.aborted) stop();
  });
}

function handshakeFailure(error: unknown, agreed: boolean): Failure {
  const code = codeOf(error);
  if (code !== undefined && NOT_TLS.has(code)) return new Failure("tls", "tls_unsupported", {}, error);
  // TLS 1.2 has no alert of its own for a missing client certificate: it is a failure after the agreement.
  const refusedAfterwards = agreed && code?.endsWith("_ALERT_HANDSHAKE_FAILURE") === true;
  if (refusedAfterwards || wantsClientCertificate(error)) {
    return new Failure("tls", "client_certificate_required", {}, error);
  }
  if (code?.startsWith("ERR_SSL_") === true)
    return new Failure("tls", "tls_handshake_failed", { code }, error);
  const how = code === "ECONNRESET" && isReset(error) ? "reset" : "closed";
  return new Failure("tls", "tls_handshake_failed", { how }, error);
}

/** Node gives the code ECONNRESET to a plain close during the handshake too; a real reset has a syscall. */
function isReset(error: unknown): boolean {
  return typeof error === "object" && error !== null && "syscall" in error && error.syscall === "read";
}

function judge(
  socket: TLSSocket,
  certificate: Partial<PeerCertificate>,
  serverName: string,
  clock: Clock,
): void {
  const trouble: unknown = socket.authorizationError;
  if (trouble === null || trouble === undefined) return;
  // Documented as Error, in truth the code as a string.
  const code = typeof trouble === "string" ? trouble : (codeOf(trouble) ?? "CERT_REJECTED");
  const reason = VERIFY_REASONS[code] ?? "certificate_untrusted";
  const selfSigned = code === "DEPTH_ZERO_SELF_SIGNED_CERT";
  socket.destroy();
  throw new Failure("tls", reason, {
    serverName,
    notAfter: isoDate(certificate.valid_to),
    notBefore: isoDate(certificate.valid_from),
    now: new Date(clock.now()).toISOString(),
    names: namesOf(certificate),
    ...(selfSigned ? {} : { issuer: nameOf(certificate.issuer), code }),
  });
}

/** An RFC 3339 time of what a certificate says as "Nov 22 00:00:00 2026 GMT". */
export function isoDate(text: string | undefined): string {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? "" : new Date(at).toISOString().replace(".000Z", "Z");
}

function nameOf(subject: PeerCertificate["issuer"] | undefined): string {
  const name = subject?.CN ?? subject?.O ?? subject?.OU;
  return printable(String(Array.isArray(name) ? name[0] : (name ?? "an issuer without a name")), 100);
}

function namesOf(certificate: Partial<PeerCertificate>): string {
  const names = (certificate.subjectaltname ?? "")
    .split(", ")
    .filter((name) => name !== "")
    .map((name) => name.replace(/^(DNS|IP Address|URI|email):/, ""));
  const known = names.length > 0 ? names : [nameOf(certificate.subject)];
  const shown = known.slice(0, 5).join(", ");
  return printable(known.length > 5 ? `${shown} and ${known.length - 5} more` : shown);
}

/**
 * In TLS 1.3 the server judges the client after the client's handshake is over. Its first word afterwards (a
 * session ticket) is its consent; an alert is its refusal, and must be read before anything is sent, because
 * what is sent to a closed socket can destroy it unread. A server that issues no ticket says nothing: then
 * twice the handshake's time is enough.
 */
async function settle(
  socket: TLSSocket,
  handshakeMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { promise: heard, resolve: hear } = Promise.withResolvers<void>();
  let trouble: unknown;
  const onError = (error: unknown): void => {
    trouble = error;
    hear();
  };
  // Not at once: Node leaves lying what is written while it still reads the ticket.
  const onWord = (): void => void setImmediate(hear);
  const over = (): void => hear();
  if (signal.aborted) hear();
  signal.addEventListener("abort", over, { once: true });
  socket.once("session", onWord);
  socket.once("error", onError);
  socket.once("close", onWord);
  const cancel = clock.after(Math.min(SETTLE.most, Math.max(SETTLE.least, 2 * handshakeMs)), hear);
  await heard;
  cancel();
  signal.removeEventListener("abort", over);
  socket.off("session", onWord);
  socket.off("error", onError);
  socket.off("close", onWord);
  // An end without an alert is no refusal of the handshake: the next stage finds it.
  if (codeOf(trouble)?.startsWith("ERR_SSL_") === true || wantsClientCertificate(trouble)) {
    throw handshakeFailure(trouble, false);
  }
}
