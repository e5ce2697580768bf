import type { Evidence } from "../../protocol/words.ts";

/**
 * Why a call of the Kubernetes API brought nothing:
 * - `no_identity`: nobody to be, or nowhere to ask: neither a Pod's account nor a usable kubeconfig (`trouble`)
 * - `unreachable`: no answer (`endpoint`, `dialReason`, `trouble`)
 * - `timeout`: no whole answer in time (`endpoint`)
 * - `not_kubernetes`: an answer that no API server gives (`endpoint`, `trouble`)
 * - `refused`: the API server said no: `status`, and `code` where it gave one
 */
export type ApiTrouble = "no_identity" | "unreachable" | "timeout" | "not_kubernetes" | "refused";

/** What the API server says of a refusal, as far as it is made of codes and names. */
export interface Refusal {
  readonly status: number;
  /** `reason` of its Status object: NotFound, Forbidden, Expired, Conflict, AlreadyExists … Empty where it gave none. */
  readonly code: string;
  /** How long it wants to be left alone, milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** Its own clock, epoch milliseconds. */
  readonly serverTime?: number | undefined;
}

/** The one error of the Kubernetes client. Evidence and message hold no prose of the server, and no token. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
  readonly trouble: ApiTrouble;
  readonly evidence: Evidence;
  /** Only where it was refused. */
  readonly refusal: Refusal | undefined;

  constructor(trouble: ApiTrouble, evidence: Evidence, more: { cause?: unknown; refusal?: Refusal } = {}) {
    const { cause, refusal } = more;
    const said = refusal === undefined ? "" : ` ${refusal.status} ${refusal.code}`;
    super(`kubernetes: ${trouble}${said}`, cause === undefined ? undefined : { cause });
    this.trouble = trouble;
    this.evidence = evidence;
    this.refusal = refusal;
  }

  /** Whether the API server refused with this status. */
  is(status: number): boolean {
    return this.refusal?.status === status;
  }
}

/** Whether a call was refused with this status: 404 not there, 409 somebody was faster, 410 too old to go on from. */
export function isRefusal(error: unknown, status: number): error is ApiFailure & { refusal: Refusal } {
  return error instanceof ApiFailure && error.is(status);
}
