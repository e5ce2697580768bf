import type { CommandResult, Outcome } from "../protocol/command-frames.ts";
import type { CommandRow, CommandState } from "./store/rows.ts";

/** What is asked of a connector. */
export interface CommandRequest {
  readonly connectorId: string;
  readonly kind: CommandRow["kind"];
  /** One of a key is in flight at a time. */
  readonly resourceKey: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly actor: string;
  /** SHA-256 of the Idempotency-Key with its actor, or null. */
  readonly idempotency: string | null;
}

const ENDED: Readonly<Record<Outcome, CommandState>> = {
  succeeded: "succeeded",
  failed: "failed",
  unsupported: "failed",
  expired: "expired",
  cancelled: "cancelled",
  unknown: "unknown",
};

/** A new row, queued. `id` is handed in; times are epoch milliseconds. */
export function queued(
  request: CommandRequest,
  id: string,
  at: { now: number; deadlineAt: number },
): CommandRow {
  return {
    ...request,
    id,
    state: "queued",
    attempt: 0,
    createdAt: at.now,
    deadlineAt: at.deadlineAt,
    endedAt: null,
    stages: [],
    outcome: null,
    reason: null,
    message: null,
    result: null,
    refreshed: null,
  };
}

/** The row with the connector's result. */
export function withResult(row: CommandRow, data: CommandResult, now: number): CommandRow {
  const reason = data.outcome === "unsupported" ? (data.reason ?? "unsupported") : data.reason;
  return {
    ...row,
    state: ENDED[data.outcome],
    endedAt: now,
    outcome: data.outcome,
    reason,
    message: data.message,
    result: data.report,
    refreshed: data.refreshed,
    stages: data.report?.stages ?? row.stages,
  };
}

/** The row that nobody answered: never sent or never taken is `expired`, taken is `unknown`. */
export function unanswered(row: CommandRow, now: number): CommandRow {
  const taken = row.state === "accepted";
  const message = taken
    ? "The connector took the command and never told how it ended."
    : "The connector did not take the command before its deadline.";
  const state = taken ? "unknown" : "expired";
  return { ...row, state, outcome: state, endedAt: now, reason: "request_expired", message };
}

/** Whether a second request under one Idempotency-Key asks for the same. */
export function asksTheSame(row: CommandRow, request: CommandRequest): boolean {
  return (
    row.connectorId === request.connectorId &&
    row.kind === request.kind &&
    row.resourceKey === request.resourceKey &&
    JSON.stringify(row.args) === JSON.stringify(request.args)
  );
}
