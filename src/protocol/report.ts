import { z } from "zod";
import { REASONS, type ReasonCode } from "./reasons.ts";
import { CONDITIONS, STAGES, STATES } from "./stages.ts";

const reasonCode = z.enum(Object.keys(REASONS) as [ReasonCode, ...ReasonCode[]]);

/** A stage that was walked: how long it took, and why it failed if it did. */
export const stageResult = z.object({
  stage: z.enum(STAGES),
  ok: z.boolean(),
  ms: z.number().nonnegative().describe("milliseconds, one decimal"),
  reason: reasonCode.optional(),
});
export type StageResult = z.infer<typeof stageResult>;

/** What was looked at beyond the stages. */
export const finding = z.object({
  subject: z.string(),
  verdict: z.enum(["passed", "failed", "not_checked"]),
  text: z.string(),
});
export type Finding = z.infer<typeof finding>;

/** A checked integration: the same words on every surface, the CLI's `--json` among them. */
export const report = z.object({
  name: z.string(),
  type: z.string(),
  state: z.enum(STATES),
  condition: z.enum(CONDITIONS).nullable(),
  stage: z.enum(STAGES).nullable(),
  reason: reasonCode.nullable(),
  message: z.string().describe("the product's sentence"),
  cause: z.string().nullable(),
  remedy: z.array(z.object({ text: z.string(), command: z.string().nullable() })),
  coverage: z.array(z.string()).describe("what a pass does not prove"),
  address: z.string(),
  blockedBy: z.object({ kind: z.enum(["secret", "connector", "integration"]), id: z.string() }).nullable(),
  findings: z.array(finding),
  path: z.array(z.enum(STAGES)).describe("the stages that this item declares"),
  stages: z.array(stageResult).describe("the stages that were reached"),
});
export type Report = z.infer<typeof report>;
