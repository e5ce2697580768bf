import { z } from "zod";
import { install } from "../protocol/session-frames.ts";
import { secretItem } from "../protocol/secret-frames.ts";
import { CONDITIONS, STATES } from "../protocol/stages.ts";
import { SOURCES, wireReport, wireStage } from "../protocol/status-frames.ts";
import { COMMAND_STATES, CONNECTOR_STATES } from "./store/rows.ts";

/** What the API and its events show. Times are RFC 3339 UTC. */

const time = z.iso.datetime();
const count = z.number().int().nonnegative();
const remedy = wireReport.shape.remedy;

export const shownConnector = z.object({
  name: z.string(),
  id: z.string(),
  state: z.enum(CONNECTOR_STATES),
  condition: z.literal("connector_unreachable").nullable(),
  reason: z.string().nullable(),
  reasonSince: time.nullable().describe("since when the reason stands"),
  since: time.describe("since when the state stands"),
  revokedAt: time.nullable().describe("when its key was revoked, until it enrols again"),
  heartbeatMs: count.describe("a heartbeat is expected at least this often, milliseconds"),
  lastHeartbeatAt: time.nullable(),
  version: z.string().nullable(),
  install: install.nullable(),
  message: z.string(),
  cause: z.string().nullable(),
  remedy,
  integrations: z.object({ online: count, warning: count, error: count, unknown: count }),
});
export type ShownConnector = z.infer<typeof shownConnector>;

export const shownIntegration = wireReport.extend({
  connector: z.string(),
  source: z.enum(SOURCES),
  since: time,
  checkedAt: time.nullable(),
  nextCheckAt: time.nullable(),
  blocks: z.array(z.string()).describe("names of integrations of this connector that wait for it"),
  lastKnown: z
    .object({ state: z.enum(STATES), reason: z.string().nullable(), at: time })
    .nullable()
    .describe("behind a silent connector: what was told last"),
});
export type ShownIntegration = z.infer<typeof shownIntegration>;

export const shownSecret = secretItem.extend({
  connector: z.string(),
  age: count.nullable().describe("seconds since this version was made, where the store says when"),
  createdAt: time.nullable(),
  expiresAt: time.nullable(),
  lastReadAt: time.nullable(),
  since: time,
  blockedBy: z.object({ kind: z.literal("connector"), id: z.string() }).nullable(),
  lastKnown: shownIntegration.shape.lastKnown,
});
export type ShownSecret = z.infer<typeof shownSecret>;

export const shownTrouble = z.object({
  kind: z.enum(["connector", "secret", "integration"]),
  connector: z.string(),
  name: z.string().describe("of the connector or the integration; for a secret, of the first that needs it"),
  state: z.string(),
  condition: z.enum(CONDITIONS).nullable(),
  reason: z.string().nullable(),
  message: z.string(),
  cause: z.string().nullable(),
  remedy,
  since: time,
  explains: count.describe("integrations that do not work because of it"),
});
export type ShownTrouble = z.infer<typeof shownTrouble>;

export const shownSummary = z.object({
  connectors: z.record(z.enum(CONNECTOR_STATES), count),
  integrations: z.record(z.enum(STATES), count),
  conditions: z.record(z.enum(CONDITIONS), count),
  degraded: z.boolean().describe("most connectors fell silent at once: verdicts are held"),
  troubles: z.array(shownTrouble).describe("what explains most first, at most 100"),
});
export type ShownSummary = z.infer<typeof shownSummary>;

export const shownTransition = z.object({
  at: time,
  from: z.enum(STATES).nullable(),
  to: z.enum(STATES).nullable().describe("null: no longer configured"),
  condition: z.enum(CONDITIONS).nullable(),
  stage: z.string().nullable(),
  reason: z.string().nullable(),
  message: z.string(),
  observed: z.enum(["event", "diff"]),
  coalesced: count,
});

export const shownBucket = z.object({
  at: time,
  state: z.string(),
  count,
  min: z.number().describe("milliseconds"),
  median: z.number(),
  max: z.number(),
});

export const shownCommand = z.object({
  id: z.string(),
  kind: z.string(),
  connector: z.string().nullable(),
  integration: z.string().nullable(),
  state: z.enum(COMMAND_STATES),
  attempt: count,
  createdAt: time,
  deadlineAt: time,
  endedAt: time.nullable(),
  stages: z.array(wireStage),
  result: wireReport.nullable(),
  refreshed: count.nullable(),
  reason: z.string().nullable(),
  message: z.string().nullable(),
});
export type ShownCommand = z.infer<typeof shownCommand>;

export const shownToken = z.object({
  id: z.string(),
  connector: z.string(),
  createdAt: time,
  expiresAt: time,
  usedAt: time.nullable(),
});

export const madeToken = z.object({
  id: z.string(),
  token: z.string().describe("shown this once"),
  expiresAt: time,
});

export const shownIdentity = z.object({
  id: z.string(),
  connector: z.string(),
  issuer: z.string(),
  subject: z.string(),
  review: z.boolean().describe("its tokens are judged by the control plane's own cluster"),
  keys: z.array(z.string()).describe("kid of each key that may sign its tokens"),
  audience: z.string().describe("what its tokens must be meant for"),
  createdAt: time,
  usedAt: time.nullable().describe("when it enrolled last"),
});
export type ShownIdentity = z.infer<typeof shownIdentity>;

export const shownAudit = z.object({
  at: time,
  actor: z.string(),
  action: z.string(),
  target: z.string(),
  outcome: z.string(),
});
