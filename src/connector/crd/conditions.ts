import type { Report } from "../../protocol/report.ts";
import type { Condition as Sentence, Stage } from "../../protocol/stages.ts";
import { printableLine } from "../../protocol/words.ts";

/** One of a resource's conditions, without its times: metav1.Condition, all of them better when True. */
export interface Said {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

type Telling = Pick<
  Report,
  "state" | "condition" | "stage" | "reason" | "message" | "cause" | "path" | "stages"
>;

/** Events take no more than this. */
const MOST_WORDS = 1024;

/** `connection_refused` as ConnectionRefused: the codes in CamelCase, mechanically. */
export function camelCase(code: string): string {
  return code
    .split("_")
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join("");
}

export function words(text: string): string {
  const line = printableLine(text);
  return line.length <= MOST_WORDS ? line : `${line.slice(0, MOST_WORDS - 1)}…`;
}

/**
 * What a report says of a resource: Ready is the whole, the others are its parts. SecretReady is there where a secret
 * is needed, Discovered where the type discovers. What was not reached is Unknown: a skipped check is no pass.
 */
export function conditionsOf(report: Telling, discovers: boolean): Said[] {
  const said = [readyOf(report), partOf(report, REACHABLE)];
  if (report.path.includes("secret")) said.push(partOf(report, SECRET_READY));
  if (discovers || report.condition === "discovery_failed") said.push(partOf(report, DISCOVERED));
  return said;
}

/** A resource whose spec is wrong. It stays so until somebody edits it: whoever waits for Ready need not wait. */
export function invalidOf(problems: string): Said[] {
  const why = { reason: camelCase("config_invalid"), message: words(problems) };
  return [
    { type: "Ready", status: "False", ...why },
    { type: "Stalled", status: "True", ...why },
  ];
}

function readyOf({ state, reason, message, cause }: Telling): Said {
  const status = ({ online: "True", warning: "True", error: "False", unknown: "Unknown" } as const)[state];
  const text = cause === null ? message : `${message} ${cause}`;
  return { type: "Ready", status, reason: camelCase(reason ?? state), message: words(text) };
}

/** A part of the whole: the stages that prove it, and the sentences that deny it. */
interface Part {
  readonly type: string;
  readonly stages: readonly Stage[];
  readonly sentences: readonly Sentence[];
}
const REACHABLE: Part = {
  type: "Reachable",
  stages: ["resolve", "connect", "tls", "respond"],
  sentences: ["integration_unreachable"],
};
const SECRET_READY: Part = {
  type: "SecretReady",
  stages: ["secret", "authenticate"],
  sentences: ["secret_unreachable", "secret_invalid"],
};
const DISCOVERED: Part = { type: "Discovered", stages: ["discover"], sentences: ["discovery_failed"] };

function partOf(report: Telling, { type, stages, sentences }: Part): Said {
  const { state, condition, stage, reason, cause, message, path } = report;
  const own = stages.filter((each) => path.includes(each));
  const why = { reason: camelCase(reason ?? state), message: words(cause ?? message) };
  if (condition !== null && sentences.includes(condition)) return { type, status: "False", ...why };
  if (state === "unknown") return { type, status: "Unknown", ...why };
  if (state === "warning" && stage !== null && own.includes(stage)) return { type, status: "True", ...why };
  const passed = (each: Stage): boolean =>
    state !== "error" || report.stages.some((walked) => walked.stage === each && walked.ok);
  if (own.length > 0 && own.every(passed))
    return { type, status: "True", reason: "Passed", message: `Passed: ${own.join(", ")}.` };
  return {
    type,
    status: "Unknown",
    reason: "NotChecked",
    message: words(notCheckedWords(report, own, passed)),
  };
}

function notCheckedWords(
  { stage, reason, state }: Telling,
  own: readonly Stage[],
  passed: (stage: Stage) => boolean,
): string {
  if (own.length === 0) return "Not checked: it was not tried.";
  const good = own.filter(passed);
  const rest = own.filter((each) => !passed(each));
  const until = stage === null ? "" : `: the check ended at ${stage} (${reason ?? state})`;
  return `${good.length === 0 ? "" : `Passed: ${good.join(", ")}. `}Not checked: ${rest.join(", ")}${until}.`;
}
