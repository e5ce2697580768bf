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
  /** What was seen beside the codes when it was told last, and when that was; null before the first time. */
  readonly sights: { readonly text: string; readonly at: number } | null;
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
  /** The codes are what they were: only what was seen beside them is another. No transition. */
  readonly sightsOnly?: boolean;
}

/** The same codes with other sights are told again no sooner than this. Milliseconds. */
const SIGHTS_MS = 60_000;

const NETWORK: ReadonlySet<Stage> = new Set<Stage>(["resolve", "connect", "tls", "respond"]);

/** The status of an integration that was not looked at yet. */
export function pending(at: number): Status {
  return { told: null, since: at, checkedAt: null, doubts: 0, sights: null };
}

export function codesOf({ state, condition, stage, reason }: Report): Codes {
  return { state, condition, stage, reason };
}

/** Whether two reports say the same: codes are compared, never words. */
export function sameCodes(a: Codes, b: Codes): boolean {
  return a.state === b.state && a.condition === b.condition && a.stage === b.stage && a.reason === b.reason;
}

/** What failed of what was looked at, without its numbers: a count of restarts is no news. */
function sightsOf({ findings }: Report): string {
  const failed = findings.filter(({ verdict }) => verdict === "failed");
  return failed.map(({ subject, text }) => `${subject}: ${text.replaceAll(/\d+/g, "#")}`).join("\n");
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
  const { sights } = status;
  const next = { told: report, since: status.since, checkedAt: at, doubts: 0, sights };
  const seen = { text: sightsOf(report), at };
  if (told !== null && sameCodes(told, report)) {
    if (sights === null || sights.text === seen.text || at - sights.at < SIGHTS_MS) return [next];
    const change = { report, previous: codesOf(told), observedAt: at, sightsOnly: true };
    return [{ ...next, sights: seen }, change];
  }
  const previous = told === null ? null : codesOf(told);
  return [
    { ...next, since: at, sights: seen },
    { report, previous, observedAt: at },
  ];
}
