import { canonicalSecrets, type SecretsChanged } from "../protocol/secret-frames.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { Sha256 } from "../protocol/digest.ts";
import type { StatusPlace } from "./status.ts";
import type { Transaction } from "./store/store.ts";

/**
 * Stores what a connector told of its secrets, within one transaction: those that are listed by name alone stay as
 * they are, those that are missing from a list of all are gone. Gives the ids that it touched.
 */
export async function applySecrets(
  { tx, connectorId, now }: StatusPlace,
  { all, items }: SecretsChanged,
): Promise<readonly string[]> {
  const touched: string[] = [];
  const listed = all === null ? null : new Set([...all, ...items.map(({ id }) => id)]);
  const before = await tx.secrets(connectorId);
  for (const { id } of before) {
    if (listed === null || listed.has(id)) continue;
    await tx.removeSecret(connectorId, id);
    touched.push(id);
  }
  let room = LIMITS.secrets - (before.length - touched.length);
  const known = new Set(before.map(({ id }) => id));
  for (const item of items) {
    if (!known.has(item.id) && --room < 0) continue;
    const { id, store, state } = item;
    await tx.putSecret({ connectorId, id, store, state, item, observedAt: now });
    touched.push(id);
  }
  return touched;
}

/** What the connector compares its own secrets with, so that it tells them again only where they differ. */
export async function secretsDigestOf(tx: Transaction, connectorId: string, sha256: Sha256): Promise<string> {
  const rows = await tx.secrets(connectorId);
  return `sha256:${sha256(canonicalSecrets(rows.map(({ item }) => item)))}`;
}
