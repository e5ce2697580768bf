import { z } from "zod";
import { idText, integrationName, timeText } from "./envelope.ts";
import { CONDITIONS, STATES } from "./stages.ts";
import { LIMITS } from "./limits.ts";

const text = z.string().max(1024);
const codeWord = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/);
const time = timeText.nullable().default(null);

/** The word in `capabilities` of both ends that know secrets as things of their own. */
export const SECRETS_CAPABILITY = "secrets";

/** A secret of a connector: where it is, how it stands, and who needs it. Never its value. */
export const secretItem = z.object({
  /** The same as long as store and reference are; unique within the connector. */
  id: idText,
  store: z.string().min(1).max(64),
  /** The kind of the store. */
  storeType: z.string().min(1).max(64),
  /** The NAME in the sentence. */
  name: z.string().min(1).max(1024),
  state: z.enum(STATES),
  condition: z.enum(CONDITIONS).nullable(),
  stage: codeWord.nullable(),
  reason: codeWord.nullable(),
  message: text,
  cause: text.nullable(),
  remedy: z.array(z.object({ text, command: z.string().max(4096).nullable() })).max(32),
  findings: z
    .array(
      z.object({
        subject: z.string().max(256),
        verdict: z.enum(["passed", "failed", "not_checked"]).catch("not_checked"),
        text,
      }),
    )
    .max(64)
    .default([]),
  /** The integrations that need it, by name: the first of them, and how many there are. */
  usedBy: z.array(integrationName).max(LIMITS.secretUsers),
  users: z.number().int().nonnegative(),
  /** The store's own name of the version that was read. */
  version: z.string().max(256).nullable().default(null),
  createdAt: time,
  expiresAt: time,
  /** When it was last read with success. */
  lastReadAt: time,
  /** Since when it stands as it does. */
  since: timeText,
});
export type SecretItem = z.infer<typeof secretItem>;

/** Secrets that became another state, version or set of users. Levels, not changes: the last one counts. */
export const secretsChanged = z.object({
  /** Where given, these are all secrets that there are: others are gone. */
  all: z.array(idText).max(LIMITS.secrets).nullable().default(null),
  items: z.array(secretItem).max(LIMITS.secretsPageItems),
});
export type SecretsChanged = z.infer<typeof secretsChanged>;

/** When a secret was last read with success. Lossy, as samples are. */
export const secretRead = z.object({ id: idText, at: timeText });
export type SecretRead = z.infer<typeof secretRead>;

/**
 * The text that both ends digest to know whether they say the same: one line of JSON for each secret, sorted by id:
 * `["kubernetes-1a2b3c4d5e6f","error","secret_unreachable","secret","secret_not_found",null,5]`.
 */
export function canonicalSecrets(items: Iterable<SecretItem>): string {
  return [...items]
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, state, condition, stage, reason, version, users }) =>
      JSON.stringify([id, state, condition, stage, reason, version, users]),
    )
    .map((line) => `${line}\n`)
    .join("");
}
