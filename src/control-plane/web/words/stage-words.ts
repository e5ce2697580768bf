import type { Integration, Outcome, Walked } from "../api/shapes.ts";
import { millis } from "./ages.ts";
import { spoken, type Shape } from "./names.ts";

/** One knot of the mooring line. `rope` is what runs from it to the next. */
export interface Knot {
  readonly stage: string;
  readonly shape: Shape;
  readonly rope: "taut" | "frayed" | "slack" | "moving";
  readonly word: string;
  readonly ms: string | null;
  readonly fact: string | null;
}

/** What was seen, in one word, from the reason's code. */
export function failedWord(reason: string | undefined): string {
  if (reason === undefined) return "failed";
  if (reason.endsWith("_timeout")) return "timed out";
  if (/refused|forbidden|denied/.test(reason)) return "refused";
  if (/rejected|locked|untrusted/.test(reason)) return "rejected";
  if (/expired/.test(reason)) return "expired";
  if (/not_found/.test(reason)) return "not found";
  if (/missing/.test(reason)) return "missing";
  if (/empty/.test(reason)) return "empty";
  return "failed";
}

function reached(walked: Walked, warned: boolean): Knot {
  const { stage, ms } = walked;
  const fact = walked.fact ?? (walked.ok || walked.reason === undefined ? null : spoken(walked.reason));
  if (!walked.ok)
    return { stage, shape: "error", rope: "frayed", word: failedWord(walked.reason), ms: millis(ms), fact };
  return warned
    ? { stage, shape: "warning", rope: "taut", word: "with a gap", ms: millis(ms), fact }
    : { stage, shape: "online", rope: "taut", word: "passed", ms: millis(ms), fact };
}

/** The line of an integration, or of what a test found. */
export function knotsOf(item: Integration | Outcome): Knot[] {
  const walked = new Map(item.stages.map((stage) => [stage.stage, stage]));
  const path = item.path.length > 0 ? item.path : item.stages.map((stage) => stage.stage);
  const unknown = item.state === "unknown";
  const failedAt = path.findIndex((stage) => walked.get(stage)?.ok === false);
  return path.map((stage, index) => {
    const result = walked.get(stage);
    if (result !== undefined && !unknown)
      return reached(result, item.state === "warning" && item.stage === stage);
    const blocked =
      failedAt >= 0 && index > failedAt && (stage === "discover" || stage === "grant" || stage === "revoke");
    if (blocked) return { stage, shape: "blocked", rope: "slack", word: "blocked", ms: null, fact: null };
    const word = unknown
      ? "unknown"
      : failedAt < 0 && item.state === "error" && stage === item.stage
        ? "failed"
        : "not reached";
    if (word === "failed") return { stage, shape: "error", rope: "frayed", word, ms: null, fact: null };
    return { stage, shape: unknown ? "unseen" : "hollow", rope: "slack", word, ms: null, fact: null };
  });
}

/** The line while a command runs: what has passed, the stage that runs now, what comes. */
export function runningKnots(path: readonly string[], stages: readonly Walked[]): Knot[] {
  const walked = new Map(stages.map((stage) => [stage.stage, stage]));
  const names = path.length > 0 ? path : stages.map((stage) => stage.stage);
  const failed = stages.some((stage) => !stage.ok);
  let running = !failed;
  return names.map((stage) => {
    const result = walked.get(stage);
    if (result !== undefined) return reached(result, false);
    const isRunning = running;
    running = false;
    return isRunning
      ? { stage, shape: "running", rope: "moving", word: "running", ms: null, fact: null }
      : {
          stage,
          shape: "hollow",
          rope: "slack",
          word: failed ? "not reached" : "next",
          ms: null,
          fact: null,
        };
  });
}

/** The whole time of the stages that were walked, in ms. */
export function totalMs(stages: readonly Walked[]): number {
  return stages.reduce((sum, stage) => sum + stage.ms, 0);
}
