/**
 * What a connector does after a close:
 * `done`: nothing; `spread`: reconnects after U(0, initial spread), or what `goaway` said;
 * `backoff`: after the backoff; `wait`: no sooner than 30 s; `now`: at once;
 * `stop`: asks again hourly ± 20 %, and is not ready until then.
 */
export type AfterClose = "done" | "spread" | "backoff" | "wait" | "now" | "stop";

export interface CloseRow {
  readonly code: number;
  readonly name: string;
  readonly says: string;
  readonly after: AfterClose;
}

/** Every code that either end sends, or that a library reports (1006: the socket ended without a close frame). */
export const CLOSES = {
  bye: { code: 1000, name: "bye", says: "goodbye answered", after: "done" },
  goingAway: { code: 1001, name: "goingAway", says: "the control plane is going away", after: "spread" },
  binary: { code: 1003, name: "binary", says: "a binary frame", after: "backoff" },
  abnormal: {
    code: 1006,
    name: "abnormal",
    says: "the socket ended without a close frame",
    after: "backoff",
  },
  badUtf8: { code: 1007, name: "badUtf8", says: "text that is not UTF-8", after: "backoff" },
  tooBig: { code: 1009, name: "tooBig", says: "a frame above 256 KiB", after: "backoff" },
  internal: { code: 1011, name: "internal", says: "the control plane failed", after: "backoff" },
  restart: { code: 1012, name: "restart", says: "the control plane restarts", after: "spread" },
  tryLater: { code: 1013, name: "tryLater", says: "the control plane is overloaded", after: "wait" },
  protocolError: { code: 4400, name: "protocolError", says: "protocol error", after: "backoff" },
  unauthorized: {
    code: 4401,
    name: "unauthorized",
    says: "the credential is no longer accepted",
    after: "backoff",
  },
  handshakeTimeout: { code: 4408, name: "handshakeTimeout", says: "no hello in time", after: "backoff" },
  superseded: {
    code: 4409,
    name: "superseded",
    says: "another session of this connector is ready",
    after: "wait",
  },
  gap: { code: 4410, name: "gap", says: "a sequence number is missing", after: "now" },
  slow: { code: 4413, name: "slow", says: "frames are not read in time", after: "wait" },
  rate: { code: 4429, name: "rate", says: "more frames than the limits allow", after: "wait" },
  maxAge: { code: 4430, name: "maxAge", says: "the session reached its age", after: "now" },
  versionUnsupported: {
    code: 4500,
    name: "versionUnsupported",
    says: "this version is not spoken here",
    after: "stop",
  },
  revoked: { code: 4503, name: "revoked", says: "the connector was revoked", after: "stop" },
  duplicateIdentity: {
    code: 4504,
    name: "duplicateIdentity",
    says: "another instance uses this identity",
    after: "stop",
  },
  mustEnrol: { code: 4507, name: "mustEnrol", says: "the connector must enrol again", after: "stop" },
} as const satisfies Record<string, CloseRow>;

export type CloseName = keyof typeof CLOSES;

/** The row of a code. Unknown codes from 4500 to 4999 stop, all other unknown ones back off. */
export function closeRow(code: number): CloseRow {
  const known = Object.values<CloseRow>(CLOSES).find((row) => row.code === code);
  if (known !== undefined) return known;
  const after = code >= 4500 && code <= 4999 ? "stop" : "backoff";
  return { code, name: "unknown", says: `close code ${code}`, after };
}
