import { z } from "zod";
import { idText, integrationName } from "./envelope.ts";
import { wireReport, wireStage } from "./status-frames.ts";

const milliseconds = z.number().nonnegative();

export const commandDispatch = z.object({
  commandId: idText,
  /** A kind that the connector does not know is answered with the outcome `unsupported`. */
  kind: z.string().max(64),
  /** One command of a key is in flight at a time: `integrations/{name}`, or `connector`. */
  resourceKey: z.string().max(200),
  /** From 1. The same commandId with a higher attempt is the same command. */
  attempt: z.number().int().positive(),
  /** Counted on the connector's monotonic clock from receipt. */
  timeoutMs: milliseconds,
  args: z.record(z.string(), z.unknown()),
});
export type CommandDispatch = z.infer<typeof commandDispatch>;

export const commandCancel = z.object({ commandId: idText });
export type CommandCancel = z.infer<typeof commandCancel>;

export const commandAccepted = z.object({ commandId: idText, attempt: z.number().int().positive() });
export type CommandAccepted = z.infer<typeof commandAccepted>;

/** A stage of the running command ended. `integration` where the command concerns several. */
export const commandProgress = z.object({
  commandId: idText,
  integration: integrationName.optional(),
  stage: wireStage,
});
export type CommandProgress = z.infer<typeof commandProgress>;

/** succeeded: it ran, whatever it found. failed: it did not run; `reason` says why. */
export const OUTCOMES = ["succeeded", "failed", "expired", "cancelled", "unsupported", "unknown"] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const commandResult = z.object({
  commandId: idText,
  outcome: z.enum(OUTCOMES).catch("unknown"),
  /**
   * Why it did not run: a code of the table (policy_forbidden, config_invalid), or `not_found`, `too_soon`,
   * `invalid`; null where it ran.
   */
  reason: z.string().max(64).nullable(),
  message: z.string().max(1024).nullable(),
  /** What the look found, for a refresh or a test of one integration; else null. */
  report: wireReport.nullable(),
  /** How many integrations a refresh of the whole connector looked at; else null. */
  refreshed: z.number().int().nonnegative().nullable(),
});
export type CommandResult = z.infer<typeof commandResult>;

/** refresh: re-reads the secrets, looks, stores the outcome. `integration` null: all of the connector's. */
export const refreshArgs = z.object({ integration: integrationName.nullable() });
/** integration.test: looks and stores nothing; one that is configured, by its name … */
export const testArgs = z.object({ integration: integrationName });
/** … or one that is not: an item of the configuration file, within the connector's own `policy.remote`. */
export const unsavedTestArgs = z.object({ item: z.record(z.string(), z.unknown()) });

export type Command =
  | { readonly kind: "refresh"; readonly integration: string | null }
  | { readonly kind: "integration.test"; readonly integration: string }
  | { readonly kind: "integration.test"; readonly item: Readonly<Record<string, unknown>> };

/** What a dispatch asks for: a command, or why it is none. */
export function parseCommand(dispatch: CommandDispatch): Command | "unsupported" | "invalid" {
  if (dispatch.kind === "refresh") {
    const args = refreshArgs.safeParse(dispatch.args);
    return args.success ? { kind: "refresh", integration: args.data.integration } : "invalid";
  }
  if (dispatch.kind !== "integration.test") return "unsupported";
  const saved = testArgs.safeParse(dispatch.args);
  if (saved.success) return { kind: "integration.test", integration: saved.data.integration };
  const unsaved = unsavedTestArgs.safeParse(dispatch.args);
  return unsaved.success ? { kind: "integration.test", item: unsaved.data.item } : "invalid";
}
