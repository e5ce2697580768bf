import type { ConnectorRow, ConnectorTrouble } from "./store/rows.ts";

/** A connector's clock may be this far off before it is told, milliseconds. */
export const SKEW_TOLD_MS = 30_000;

/** The row with that trouble, once of a reason. */
export function withTrouble(row: ConnectorRow, trouble: ConnectorTrouble): ConnectorRow {
  return { ...row, troubles: [...withoutTrouble(row, trouble.reason).troubles, trouble] };
}

export function withoutTrouble(row: ConnectorRow, reason: ConnectorTrouble["reason"]): ConnectorRow {
  return { ...row, troubles: row.troubles.filter((trouble) => trouble.reason !== reason) };
}

/** The trouble of a clock that is `skewMs` ahead of ours (behind where negative), or undefined for a good one. */
export function skewTrouble(connector: string, skewMs: number, now: number): ConnectorTrouble | undefined {
  if (Math.abs(skewMs) <= SKEW_TOLD_MS) return undefined;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const skew = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  const direction = skewMs > 0 ? "ahead of" : "behind";
  return { reason: "clock_skew", evidence: { connector, skew, direction }, at: now };
}
