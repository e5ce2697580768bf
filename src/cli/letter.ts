import type { Finding, Report, StageResult } from "../protocol/report.ts";
import type { SecretItem } from "../protocol/secret-frames.ts";
import type { Stage, State } from "../protocol/stages.ts";
import { printableLine } from "../protocol/words.ts";
import type { Paint } from "./paint.ts";

/** A report as a good doctor would write it: what was found, why, and what to do. Ends with an empty line. */
export function letter(report: Report, paint: Paint): string {
  const { state, cause, remedy, findings, coverage } = report;
  const lines = [head(report, paint)];
  if (state === "online") {
    lines.push(`  ${paint.quiet(walked(report))}`);
  } else {
    lines.push("", `  ${paint.strong(printableLine(report.message))}`);
    if (cause !== null) lines.push(`  ${printableLine(cause)}`);
    if (report.stages.length > 0) lines.push("", ...stageLines(report, paint));
    if (remedy.length > 0) lines.push("", "  What to do", ...remedyLines(report, paint));
  }
  const seen = state === "online" ? findings.filter(({ verdict }) => verdict !== "passed") : findings;
  if (seen.length > 0)
    lines.push("", "  What was seen", ...seen.map((finding) => findingLine(finding, paint)));
  if (state === "online" || state === "warning") {
    lines.push(...coverage.map((text) => `  ${paint.quiet(`not tested: ${printableLine(text)}`)}`));
  }
  return `${lines.join("\n")}\n\n`;
}

/** A secret the same way: where it is, who needs it, and what is wrong with it. */
export function secretLetter(secret: SecretItem, paint: Paint): string {
  const { state, cause, findings, usedBy, users } = secret;
  const [mark, kind] = MARKS[state];
  const name = paint.strong(printableLine(secret.name));
  const lines = [
    `${paint[kind](mark)} ${name}  ${paint.quiet(printableLine(secret.store))}  ${paint[kind](state)}`,
  ];
  if (state !== "online") {
    lines.push("", `  ${paint.strong(printableLine(secret.message))}`);
    if (cause !== null) lines.push(`  ${printableLine(cause)}`);
    if (secret.remedy.length > 0) lines.push("", "  What to do", ...remedyLines(secret, paint), "");
    lines.push(...findings.map((finding) => findingLine(finding, paint)));
  }
  const more = users - usedBy.length;
  lines.push(
    `  ${paint.quiet(`needed by ${usedBy.join(", ")}${more > 0 ? ` and ${more} more` : ""}${ageOf(secret)}`)}`,
  );
  return `${lines.join("\n")}\n\n`;
}

function ageOf({ version, createdAt, expiresAt }: SecretItem): string {
  const parts = [
    version === null ? "" : `version ${printableLine(version)}`,
    createdAt === null ? "" : `made ${createdAt.slice(0, 10)}`,
    expiresAt === null ? "" : `ends ${expiresAt.slice(0, 10)}`,
  ];
  return parts.map((part) => (part === "" ? "" : ` · ${part}`)).join("");
}

const MARKS: Readonly<Record<State, readonly [mark: string, kind: "good" | "gap" | "bad" | "quiet"]>> = {
  online: ["✓", "good"],
  warning: ["!", "gap"],
  error: ["✗", "bad"],
  unknown: ["?", "quiet"],
};

function head({ name, type, address, state }: Report, paint: Paint): string {
  const [mark, kind] = MARKS[state];
  const place = printableLine(`${type}  ${address}`);
  return `${paint[kind](mark)} ${paint.strong(printableLine(name))}  ${paint.quiet(place)}  ${paint[kind](state)}`;
}

function milliseconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Math.round(ms / 100) / 10} s`;
}

function walked({ stages }: Report): string {
  return stages.map(({ stage, ms }) => `${stage} ${milliseconds(ms)}`).join(" · ");
}

function stageLines({ path, stages }: Report, paint: Paint): string[] {
  const reached = new Map(stages.map((result) => [result.stage, result]));
  return path.map((stage: Stage) => {
    const result = reached.get(stage);
    if (result === undefined) return `  ${paint.quiet(`· ${stage.padEnd(13)} not reached`)}`;
    return stageLine(result, paint);
  });
}

/** A stage that was walked, on one line. */
export function stageLine({ stage, ok, ms, reason }: StageResult, paint: Paint): string {
  const mark = ok ? paint.good("✓") : paint.bad("✗");
  const why = reason === undefined ? "" : `  ${paint.bad(reason)}`;
  return `  ${mark} ${stage.padEnd(13)}${milliseconds(ms).padStart(9)}${why}`;
}

function remedyLines({ remedy }: Pick<Report, "remedy">, paint: Paint): string[] {
  return remedy.flatMap(({ text, command }, index) => {
    const step = `  ${index + 1}. ${printableLine(text)}`;
    return command === null ? [step] : [step, `       ${paint.strong(printableLine(command))}`];
  });
}

const VERDICTS: Readonly<Record<Finding["verdict"], readonly [string, "good" | "bad" | "quiet"]>> = {
  passed: ["✓", "good"],
  failed: ["✗", "bad"],
  not_checked: ["·", "quiet"],
};

/** What was looked at, on one line. */
export function findingLine({ subject, verdict, text }: Finding, paint: Paint): string {
  const [mark, kind] = VERDICTS[verdict];
  return `  ${paint[kind](mark)} ${printableLine(`${subject}: ${text}`)}`;
}

/** `6 checked in 2.1 s: 3 online, 1 warning, 2 in error.` */
export function summary(reports: readonly Report[], ms: number, paint: Paint): string {
  const count = (state: State): number => reports.filter((report) => report.state === state).length;
  const words: readonly (readonly [State, string, "good" | "gap" | "bad" | "quiet"])[] = [
    ["online", "online", "good"],
    ["warning", "with a gap", "gap"],
    ["error", "in error", "bad"],
    ["unknown", "not checked", "quiet"],
  ];
  const parts = words
    .filter(([state]) => count(state) > 0)
    .map(([state, text, kind]) => paint[kind](`${count(state)} ${text}`));
  if (parts.length === 0) return "Nothing to check: the file names no integration.\n";
  return `${reports.length} checked in ${milliseconds(Math.round(ms))}: ${parts.join(", ")}.\n`;
}
