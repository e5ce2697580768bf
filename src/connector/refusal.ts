import type { AfterClose } from "../protocol/close-codes.ts";

/** Why there is no session: the word that logs, metrics and `doctor` use. */
export type RefusalWord =
  // on the way
  | "name_not_found"
  | "connection_refused"
  | "network_unreachable"
  | "connection_reset"
  | "timeout"
  | "proxy_refused"
  | "certificate_expired"
  | "certificate_not_yet_valid"
  | "certificate_untrusted"
  | "certificate_name_mismatch"
  | "tls_failed"
  | "captive_proxy"
  | "not_a_control_plane"
  | "wrong_subprotocol"
  | "unexpected_status"
  // the control plane's answer to the upgrade
  | "no_subprotocol"
  | "bad_request"
  | "bad_token"
  | "expired"
  | "clock_skew"
  | "unknown_key"
  | "bad_audience"
  | "replayed"
  | "revoked"
  | "version"
  | "admission"
  | "draining"
  | "rate_limited"
  // enrolment
  | "join_token_missing"
  | "join_token_unreadable"
  | "token_unknown"
  | "token_expired"
  | "token_used"
  | "token_rejected"
  | "account_revoked"
  | "bad_proof"
  | "unavailable"
  | "account_token_unreadable"
  | "enrolment_refused"
  | "state_unwritable"
  | "state_unreadable";

/** An attempt that led to no session. `message` is fit for a person; no token, key or body is in it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly word: RefusalWord;
  /** `once`: again at once, but not twice in a row. */
  readonly after: AfterClose | "once";
  readonly retryAfterMs: number | undefined;
  /** The peer's clock, epoch milliseconds, where its answer had a Date. */
  readonly serverTime: number | undefined;

  constructor(
    word: RefusalWord,
    message: string,
    more: {
      readonly after?: AfterClose | "once" | undefined;
      readonly retryAfterMs?: number | undefined;
      readonly serverTime?: number | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.word = word;
    this.after = more.after ?? "backoff";
    this.retryAfterMs = more.retryAfterMs;
    this.serverTime = more.serverTime;
  }
}
