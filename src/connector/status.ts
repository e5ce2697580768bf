import type { Report } from "../protocol/report.ts";
import type { Stage } from "../protocol/stages.ts";

/** What is known of one integration and what was told of it. Times are epoch milliseconds. */
export interface Status {
  /** The report that stands; null until the first look of this process ended. */
  readonly told: Report | null;
  /** Since when `told` says the same. */
  readonly since: number;
  /** When it was last looked at, whatever came of it. */
  readonly checkedAt: number | null;
  /** Failures of the network in a row that are not told yet. */
  readonly doubts: number;
}

/** The codes of a report: two reports with equal codes say the same. */
export type Codes = Pick<Report, "state" | "condition" | "stage" | "reason">;

/** What a look brought, and how much it counts. */
export interface Outcome {
  readonly report: Report;
  /** A scheduled look may err once; one that somebody asked for is told at once. */
  readonly scheduled: boolean;
  readonly failureThreshold: number;
}

/** A transition to tell. */
export interface Change {
  readonly report: Report;
  /** What stood before; null where nothing did. */
  readonly previous: Codes | null;
  readonly observedAt: number;
}

const NETWORK: ReadonlySet<Stage> = new Set<Stage>(["resolve", "connect", "tls", "respond"]);

/** The status of an integration that was not looked at yet. */
export function pending(at: number): Status {
  return { told: null, since: at, checkedAt: null, doubts: 0 };
}

export function codesOf({ state, condition, stage, reason }: Report): Codes {
  return { state, condition, stage, reason };
}

/** Whether two reports say the same: codes are compared, never words. */
export function sameCodes(a: Codes, b: Codes): boolean {
  return a.state === b.state && a.condition === b.condition && a.stage === b.stage && a.reason === b.reason;
}

/** Whether a failure waits for another one before it is told. */
function isDoubtful({ told, doubts }: Status, { report, scheduled, failureThreshold }: Outcome): boolean {
  if (!scheduled || report.state !== "error") return false;
  if (report.stage === null || !NETWORK.has(report.stage)) return false;
  const works = told?.state === "online" || told?.state === "warning";
  return works && doubts + 1 < failureThreshold;
}

/**
 * Folds what a look brought into the status. A change is there where the codes differ from what stood: a
 * network failure of a scheduled look only once it came `failureThreshold` times in a row, all else at once;
 * one success recovers.
 */
export function fold(status: Status, outcome: Outcome, at: number): readonly [Status, Change?] {
  if (isDoubtful(status, outcome)) return [{ ...status, checkedAt: at, doubts: status.doubts + 1 }];
  const { told } = status;
  const { report } = outcome;
  const next = { told: report, since: status.since, checkedAt: at, doubts: 0 };
  if (told !== null && sameCodes(told, report)) return [next];
  const previous = told === null ? null : codesOf(told);
  return [
    { ...next, since: at },
    { report, previous, observedAt: at },
  ];
}
