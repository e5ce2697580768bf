import type { Stage } from "../../../protocol/stages.ts";
import { codeOf, type Explain, Failure } from "../../failure.ts";

/** What a PostgreSQL error carries besides its SQLSTATE in `code`. */
interface Details {
  readonly severity: string;
  readonly routine: string;
  readonly message: string;
}

function detailsOf(error: unknown): Details {
  const text = (name: string): string => {
    const value: unknown = typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined;
    return typeof value === "string" ? value : "";
  };
  return { severity: text("severity"), routine: text("routine"), message: text("message") };
}

/**
 * PostgreSQL's errors by SQLSTATE (documentation, appendix A), and where one code has several meanings by the
 * routine that raised it, which no server language changes. Measured against PostgreSQL 15 and 18:
 *
 * | SQLSTATE | raised when | told as |
 * |---|---|---|
 * | 28P01 | wrong password, unknown user, expired password | credentials_rejected |
 * | 28000 InitializeSessionUserId | the role exists but may not log in (NOLOGIN) | account_locked |
 * | 28000 ClientAuthentication, naming pg_hba.conf | it has no line for this, or rejects it | source_address_denied, or tls_required where the message names missing encryption (without encryption, a second look decides: see turned-away.ts) |
 * | 28000 ClientAuthentication, not naming it | a client certificate is missing | client_certificate_required |
 * | 28000 of another routine | GSSAPI, peer or the like failed | credentials_rejected |
 * | 3D000 | no such database | database_not_found |
 * | 42501, 55000 | no CONNECT right on the database; the database takes no connections | permission_denied |
 * | 53300 | all slots taken, or the role's or the database's limit | too_many_connections |
 * | 57P03, 57P01, 57P02 | starting, stopping, in recovery | server_starting |
 */
export const explain: Explain = (error) => {
  if (unsupportedMethod(error))
    return new Failure("authenticate", "auth_method_unsupported", { method: NO_SCRAM }, error);
  if (brokenProtocol(error)) return new Failure("respond", "protocol_mismatch", {}, error);
  const code = codeOf(error);
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  const told = (at: Stage, reason: Failure["reason"]): Failure => new Failure(at, reason, { code }, error);
  switch (code) {
    case "28P01":
      return told("authenticate", "credentials_rejected");
    case "28000":
      return invalidAuthorization(error, code);
    case "3D000":
      return told("authorize", "database_not_found");
    case "42501":
    case "55000": // allow_connections false: while logging in, nothing else raises it.
      return new Failure("authorize", "permission_denied", { code, right: "CONNECT" }, error);
    case "53300":
      return told("respond", "too_many_connections");
    case "57P01":
    case "57P02":
    case "57P03":
      return told("respond", "server_starting");
    case "08P01":
      return told("respond", "protocol_mismatch");
    default:
      if (code.startsWith("53")) return told("respond", "server_overloaded");
      if (code.startsWith("XX") || code.startsWith("58")) return told("respond", "server_error");
      return undefined;
  }
};

function invalidAuthorization(error: unknown, code: string): Failure {
  const { routine, message } = detailsOf(error);
  if (routine === "InitializeSessionUserId") {
    return new Failure("authenticate", "account_locked", { code }, error);
  }
  if (routine !== "ClientAuthentication") {
    return new Failure("authenticate", "credentials_rejected", { code }, error);
  }
  // The file's name stands in the message in every language of the server.
  if (!message.includes("pg_hba.conf")) {
    return new Failure("tls", "client_certificate_required", { code }, error);
  }
  // PostgreSQL 14 and newer say the one, up to 13 the other.
  if (/no encryption|SSL off/.test(message)) return new Failure("tls", "tls_required", { code }, error);
  return new Failure("authenticate", "source_address_denied", { code }, error);
}

/** Whether the server's list of who may come from where (pg_hba.conf) let nobody log in. */
export function isTurnedAway(error: unknown): boolean {
  return codeOf(error) === "28000" && detailsOf(error).routine === "ClientAuthentication";
}

/** The SQLSTATE of an answer that refuses one query; undefined where the session ended with it. */
export function refusedQuery(error: unknown): string | undefined {
  const code = codeOf(error);
  const isServers = detailsOf(error).severity !== ""; // Node's EPIPE looks like a SQLSTATE too.
  return isServers && code !== undefined && /^(?!57P|08)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

const NO_SCRAM = "SASL without SCRAM-SHA-256";

/** The driver says it only in words: none of the offered SASL mechanisms is one that it has. */
function unsupportedMethod(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("SASL: Only mechanism");
}

/** In words alone too: SCRAM that is not SCRAM (the server does not know the password either), wrong order. */
function brokenProtocol(error: unknown): boolean {
  return error instanceof Error && /^SASL: |^Received unexpected /.test(error.message);
}
