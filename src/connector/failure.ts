import type { ReasonCode } from "../protocol/reasons.ts";
import type { Stage } from "../protocol/stages.ts";
import type { Evidence } from "../protocol/words.ts";

/**
 * The one error that a check may throw. `evidence` is safe to show; `cause` is the driver's own error, which
 * stays in the local log.
 */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly stage: Stage;
  readonly reason: ReasonCode;
  readonly evidence: Evidence;

  constructor(stage: Stage, reason: ReasonCode, evidence: Evidence = {}, cause?: unknown) {
    super(`${stage}: ${reason}`, cause === undefined ? undefined : { cause });
    this.stage = stage;
    this.reason = reason;
    this.evidence = evidence;
  }
}

/** Names the reason for a driver's error, or undefined if it does not know. The stage is the one that ran. */
export type Explain = (error: unknown, stage: Stage) => Failure | undefined;

/** Codes as they stand on errors of Node and of drivers (OpenSSL's have a slash); what is no code is dropped. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  const { code } = error;
  return typeof code === "string" && /^[A-Za-z0-9_/-]{1,64}$/.test(code) ? code : undefined;
}

const CLIENT_CERTIFICATE_ALERTS = new Set([
  "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
  "ERR_SSL_TLSV1_ALERT_CERTIFICATE_REQUIRED",
  "ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REQUIRED",
  "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE",
  "ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE",
]);

/** An alert by which a server says, during or after the handshake, that it wants a client certificate. */
export function wantsClientCertificate(error: unknown): boolean {
  return CLIENT_CERTIFICATE_ALERTS.has(codeOf(error) ?? "");
}

/** What the system's own error codes mean in a stage, whoever passes them on. */
export const explainSystem: Explain = (error, stage) => {
  if (wantsClientCertificate(error)) return new Failure("tls", "client_certificate_required", {}, error);
  const code = codeOf(error);
  if (code === undefined) return undefined;
  switch (code) {
    case "ECONNREFUSED":
      return stage === "connect" ? new Failure(stage, "connection_refused", {}, error) : undefined;
    case "ETIMEDOUT":
      return stage === "connect" ? new Failure(stage, "connect_timeout", {}, error) : undefined;
    case "ENETUNREACH":
    case "EHOSTUNREACH":
    case "ENETDOWN":
    case "EHOSTDOWN":
    case "EADDRNOTAVAIL":
      return new Failure("connect", "network_unreachable", { code }, error);
    case "ECONNRESET":
    case "EPIPE":
    case "ECONNABORTED":
      return stage === "tls"
        ? new Failure(stage, "tls_handshake_failed", { how: "reset" }, error)
        : new Failure(
            stage === "connect" ? "connect" : "respond",
            "connection_reset",
            { how: "reset" },
            error,
          );
    default:
      return undefined;
  }
};
