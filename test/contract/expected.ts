import { expect } from "vitest";
import type { ReasonCode } from "../../src/protocol/reasons.ts";
import type { Report } from "../../src/protocol/report.ts";
import type { Condition, Stage } from "../../src/protocol/stages.ts";
import { type Looked, NAME, SECRET } from "./look.ts";

/** What must come of a look: online, or a trouble by its three codes. */
export type Expected = "online" | readonly [condition: Condition, stage: Stage, reason: ReasonCode];

/** A trouble that stands under "Integration NAME is unreachable." */
export function unreachable(stage: Stage, reason: ReasonCode): Expected {
  return ["integration_unreachable", stage, reason];
}

/** The product's sentences, word for word; those that a connector can say. */
const SENTENCES: Partial<Readonly<Record<Condition, string>>> = {
  integration_unreachable: `Integration ${NAME} is unreachable.`,
  secret_unreachable: `Secret ${SECRET} is unreachable.`,
  secret_invalid: `Secret ${SECRET} is invalid.`,
  discovery_failed: "Discovery of resources failed.",
};

const STAGE_ORDER = ["resolve", "connect", "tls", "secret", "respond", "authenticate", "authorize"];

const UNFILLED = /\{[a-zA-Z]+\}/;

/** How late a check may end. Milliseconds. */
const GRACE_MS = 250;

/** What every report must be like, and what this one must say. */
export function expectLook(looked: Looked, expected: Expected, timeoutMs: number): void {
  const { report, elapsedMs, unknown } = looked;
  if (expected === "online") expectOnline(report);
  else expectTrouble(report, expected);
  expectWalk(report);
  expect(unknown).toEqual([]);
  expect(elapsedMs).toBeLessThan(timeoutMs + GRACE_MS);
}

function expectOnline(report: Report): void {
  const { state, condition, stage, reason, message, cause } = report;
  expect({ state, condition, stage, reason, cause }).toEqual({
    state: "online",
    condition: null,
    stage: null,
    reason: null,
    cause: null,
  });
  expect(message).toBe(`Integration ${NAME} is online.`);
  expect(report.stages.map(({ stage }) => stage)).toEqual(report.path);
}

function expectTrouble(
  report: Report,
  [condition, stage, reason]: readonly [Condition, Stage, ReasonCode],
): void {
  expect([report.condition, report.stage, report.reason], report.cause ?? "").toEqual([
    condition,
    stage,
    reason,
  ]);
  expect(report.state).toBe("error");
  expect(report.message).toBe(SENTENCES[condition]);
  expectWords(report);
}

/** A cause and at least one step, all of their names filled in. */
export function expectWords(report: Report): void {
  expect(report.cause).toMatch(/^[A-Z0-9[a-z].{10,}[.).]$/);
  expect(report.remedy.length).toBeGreaterThan(0);
  const texts = [report.cause, ...report.remedy.flatMap(({ text, command }) => [text, command ?? ""])];
  for (const text of texts) expect(text).not.toMatch(UNFILLED);
}

/** The stages stand in their order, on the declared path, and only the one that names the trouble failed. */
function expectWalk({ stages, path, stage, reason, state }: Report): void {
  const walked = stages.map((one) => one.stage);
  for (const list of [walked, path]) {
    expect(list).toEqual(list.toSorted((a, b) => STAGE_ORDER.indexOf(a) - STAGE_ORDER.indexOf(b)));
  }
  expect(new Set(walked).size).toBe(walked.length);
  expect(walked.filter((one) => !path.includes(one))).toEqual([]);
  const failed = stages.filter(({ ok }) => !ok).map((one) => [one.stage, one.reason]);
  expect(failed).toEqual(state === "error" ? [[stage, reason]] : []);
  for (const { ms } of stages) expect(ms).toBeGreaterThanOrEqual(0);
}
