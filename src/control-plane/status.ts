import type {
  Codes,
  ObservedReport,
  PendingItem,
  SnapshotItem,
  WireReport,
} from "../protocol/status-frames.ts";
import { calmSentence } from "../protocol/words.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { IntegrationRow, TransitionRow } from "./store/rows.ts";
import type { Transaction } from "./store/store.ts";

/** One connector's status, written within one transaction. `now` is epoch milliseconds. */
export interface StatusPlace {
  readonly tx: Transaction;
  readonly connectorId: string;
  readonly now: number;
}

/** How it came to be known. */
export interface Told {
  readonly observed: TransitionRow["observed"];
  readonly coalesced: number;
}

/**
 * Stores what was told of one integration, and a transition where its codes changed, or where they came back to
 * what they were through changes that were merged. False: there are too many.
 */
export async function applyReport(place: StatusPlace, told: Told, item: ObservedReport): Promise<boolean> {
  const { tx, connectorId, now } = place;
  const before = await tx.integration(connectorId, item.name);
  if (before === undefined && (await tx.countOf(connectorId)) >= LIMITS.snapshotItems) return false;
  const { source, observedAt: observedText, ...rest } = item;
  const observedAt = Math.min(Date.parse(observedText), now);
  const changed = before === undefined || !sameCodes(before, item);
  await tx.putIntegration({
    connectorId,
    name: item.name,
    type: item.type,
    source,
    ...codesOf(item),
    report: reportOf(rest),
    since: changed ? observedAt : before.since,
    observedAt,
    checkedAt: observedAt,
    nextCheckAt: null,
    pending: false,
  });
  if (changed || told.coalesced > 0)
    await tx.addTransition(transition(place, { before, item, told, at: observedAt }));
  return true;
}

function transition(
  { connectorId }: StatusPlace,
  of: { before: IntegrationRow | undefined; item: ObservedReport; told: Told; at: number },
): TransitionRow {
  const { before, item, told, at } = of;
  return {
    connectorId,
    name: item.name,
    at,
    from: before?.state ?? null,
    to: item.state,
    condition: item.condition,
    stage: item.stage,
    reason: item.reason,
    message: item.message,
    ...told,
  };
}

/** An integration that its process has not looked at: what is stored stays, else it is unknown. */
async function applyPending({ tx, connectorId, now }: StatusPlace, item: PendingItem): Promise<void> {
  const before = await tx.integration(connectorId, item.name);
  const { name, type, source, address, path } = item;
  if (before !== undefined && before.type === type)
    return tx.putIntegration({
      ...before,
      source,
      pending: true,
      report: { ...before.report, address, path },
    });
  const codes: Codes = { state: "unknown", condition: null, stage: null, reason: null };
  await tx.putIntegration({
    connectorId,
    name,
    type,
    source,
    ...codes,
    report: {
      name,
      type,
      ...codes,
      message: calmSentence(name, "unknown", false),
      cause: "It has not been looked at yet.",
      remedy: [],
      coverage: [],
      address,
      blockedBy: null,
      findings: [],
      path,
      stages: [],
    },
    since: now,
    observedAt: now,
    checkedAt: null,
    nextCheckAt: null,
    pending: true,
  });
}

/** Makes the stored integrations those of a whole snapshot. Gives the names that it touched. */
export async function swapSnapshot(
  place: StatusPlace,
  items: readonly SnapshotItem[],
): Promise<readonly string[]> {
  const { tx, connectorId, now } = place;
  const listed = new Set(items.map(({ name }) => name));
  const gone = (await tx.integrations(connectorId)).filter(({ name }) => !listed.has(name));
  for (const row of gone) {
    await tx.removeIntegration(connectorId, row.name);
    await tx.addTransition(removal(row, now));
  }
  for (const item of items) {
    if ("pending" in item) await applyPending(place, item);
    else await applyReport(place, { observed: "diff", coalesced: 0 }, item);
  }
  return [...listed, ...gone.map(({ name }) => name)];
}

function removal(row: IntegrationRow, at: number): TransitionRow {
  return {
    connectorId: row.connectorId,
    name: row.name,
    at,
    from: row.state,
    to: null,
    condition: null,
    stage: null,
    reason: null,
    message: `Integration ${row.name} is no longer configured.`,
    observed: "diff",
    coalesced: 0,
  };
}

/** After a refresh: newer words for the same codes. Other codes come as `status.changed`, or not at all. */
export async function freshenReport({ tx, connectorId, now }: StatusPlace, found: WireReport): Promise<void> {
  const before = await tx.integration(connectorId, found.name);
  if (before === undefined || !sameCodes(before, found)) return;
  await tx.putIntegration({
    ...before,
    report: reportOf(found),
    checkedAt: now,
    observedAt: now,
    pending: false,
  });
}

function codesOf({ state, condition, stage, reason }: Codes): Codes {
  return { state, condition, stage, reason };
}

function sameCodes(a: Codes, b: Codes): boolean {
  return a.state === b.state && a.condition === b.condition && a.stage === b.stage && a.reason === b.reason;
}

/** The report without the members that only an event has. */
function reportOf(item: WireReport): WireReport {
  const { name, type, message, cause, remedy, coverage, address, blockedBy, findings, path, stages } = item;
  const words = { message, cause, remedy, coverage, address, blockedBy, findings, path, stages };
  return { name, type, ...codesOf(item), ...words };
}
