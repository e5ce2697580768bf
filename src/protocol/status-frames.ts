import { z } from "zod";
import { idText, integrationName, timeText } from "./envelope.ts";
import { CONDITIONS, STATES } from "./stages.ts";

const text = z.string().max(1024);
const count = z.number().int().nonnegative();

/**
 * Stages and reasons are open: a newer connector may have more of them, and renders their words itself.
 * States and conditions are closed: another one would be another version of the protocol.
 */
const codeWord = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/);
const state = z.enum(STATES);
const condition = z.enum(CONDITIONS).nullable();
const stage = codeWord.nullable();
const reason = codeWord.nullable();
const stageNames = z.array(codeWord).max(32);

/** A stage that was walked, as the wire has it. */
export const wireStage = z.object({
  stage: codeWord,
  ok: z.boolean(),
  ms: z.number().nonnegative(),
  reason: codeWord.optional(),
});
export type WireStage = z.infer<typeof wireStage>;

/** The report of a checked integration as it is read from the wire: bounded, and open to newer codes. */
export const wireReport = z.object({
  name: integrationName,
  type: z.string().min(1).max(64),
  state,
  condition,
  stage,
  reason,
  message: text,
  cause: text.nullable(),
  remedy: z.array(z.object({ text, command: z.string().max(4096).nullable() })).max(32),
  coverage: z.array(text).max(32),
  address: z.string().max(1024),
  blockedBy: z
    .object({ kind: z.enum(["secret", "connector", "integration"]), id: z.string().max(512) })
    .nullable(),
  findings: z
    .array(
      z.object({
        subject: z.string().max(256),
        verdict: z.enum(["passed", "failed", "not_checked"]).catch("not_checked"),
        text,
      }),
    )
    .max(64),
  path: stageNames,
  stages: z.array(wireStage).max(32),
});
export type WireReport = z.infer<typeof wireReport>;

/** Where an integration is configured. */
export const SOURCES = ["file", "crd", "remote"] as const;
export type SourceKind = (typeof SOURCES)[number];
const source = z.enum(SOURCES).catch("file");

/** The codes of a state, without words. */
export const codes = z.object({ state, condition, stage, reason });
export type Codes = z.infer<typeof codes>;

/** A report with when it was seen and where the integration is configured. */
export const observedReport = wireReport.extend({ source, observedAt: timeText });
export type ObservedReport = z.infer<typeof observedReport>;

/** An integration became another state. `subject` is `integrations/{name}`. */
export const statusChanged = observedReport.extend({
  /** What it was before, or null for the first state of this process. */
  previous: codes.nullable().default(null),
  /** How many earlier changes that were never sent this one stands for. */
  coalesced: count.default(0),
});
export type StatusChanged = z.infer<typeof statusChanged>;

/** An integration that this process has not looked at yet: the control plane keeps its last state. */
export const pendingItem = z.object({
  pending: z.literal(true),
  name: integrationName,
  type: z.string().min(1).max(64),
  source,
  address: z.string().max(1024),
  path: stageNames,
});
export type PendingItem = z.infer<typeof pendingItem>;

export const snapshotItem = z.union([pendingItem, observedReport]);
export type SnapshotItem = z.infer<typeof snapshotItem>;

/** One page of all that is true. The pages of a snapshot follow one another in the stream. */
export const statusSnapshot = z.object({
  snapshotId: idText,
  /** From 1 to `pages`. */
  page: z.number().int().positive(),
  pages: z.number().int().positive().max(5000),
  items: z.array(snapshotItem).max(200),
  /** `stateDigest` of the items of all pages; the same on each page. */
  digest: z.string().max(100),
});
export type StatusSnapshot = z.infer<typeof statusSnapshot>;

/** The control plane asks for a whole snapshot. */
export const statusResync = z.object({ reason: z.string().max(200) });
export type StatusResync = z.infer<typeof statusResync>;
