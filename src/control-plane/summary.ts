import { CONDITIONS, STATES } from "../protocol/stages.ts";
import { iso } from "./clock.ts";
import type { ShownSummary, ShownTrouble } from "./shown.ts";
import { CONNECTOR_STATES, type ConnectorRow, type IntegrationRow } from "./store/rows.ts";
import { type Reads, SILENT } from "./store/store.ts";
import { isRevoked } from "./connector-words.ts";
import type { View } from "./view.ts";

/** Integrations in trouble that are looked at, and troubles that are shown. */
const LOOKED_AT = 2_000;
const SHOWN = 100;

/** Everything counted, and the troubles: what explains most first, then the newest. */
export async function summarize(
  reads: Reads,
  view: View,
  { degraded }: { degraded: boolean },
): Promise<ShownSummary> {
  const connectors = await reads.allConnectors();
  const byId = new Map(connectors.map((row) => [row.id, row]));
  const counts = zeroes(STATES);
  const behind = new Map<string, number>();
  for (const { connectorId, state, count } of await reads.countIntegrations()) {
    const isSilent = SILENT.includes(byId.get(connectorId)?.state ?? "unreachable");
    counts[isSilent ? "unknown" : (state as (typeof STATES)[number])] += count;
    if (isSilent) behind.set(connectorId, (behind.get(connectorId) ?? 0) + count);
  }
  const states = zeroes(CONNECTOR_STATES);
  for (const { state } of connectors) states[state] += 1;
  const troubles = [
    ...connectors.flatMap((row) => connectorTrouble(row, view, behind.get(row.id) ?? 0)),
    ...integrationTroubles(await reads.troubled(LOOKED_AT), byId),
  ].toSorted((a, b) => b.explains - a.explains || b.since.localeCompare(a.since));
  const conditions = zeroes(CONDITIONS);
  for (const { condition } of troubles) if (condition !== null) conditions[condition] += 1;
  return {
    connectors: states,
    integrations: counts,
    conditions,
    degraded,
    troubles: troubles.slice(0, SHOWN),
  };
}

function zeroes<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}

function connectorTrouble(row: ConnectorRow, view: View, explains: number): ShownTrouble[] {
  const words = view.words(row);
  if ((words.reason === null && !isRevoked(row)) || row.state === "never_connected") return [];
  const isUnreachable = row.state === "unreachable";
  return [
    {
      kind: "connector",
      connector: row.name,
      name: row.name,
      state: row.state,
      condition: isUnreachable ? "connector_unreachable" : null,
      reason: words.reason,
      message: words.message,
      cause: words.cause,
      remedy: [...words.remedy],
      since: iso(isRevoked(row) ? row.revokedAt : (words.reasonSince ?? row.since)),
      explains: isUnreachable ? explains : 0,
    },
  ];
}

/** A failing secret is one trouble, however many integrations need it. */
function integrationTroubles(
  rows: readonly IntegrationRow[],
  connectors: ReadonlyMap<string, ConnectorRow>,
): ShownTrouble[] {
  const troubles = new Map<string, ShownTrouble>();
  for (const row of rows) {
    const connector = connectors.get(row.connectorId)?.name ?? "";
    const isSecret = row.condition === "secret_unreachable" || row.condition === "secret_invalid";
    const key = JSON.stringify([connector, isSecret ? [row.condition, row.report.message] : row.name]);
    const before = troubles.get(key);
    if (before === undefined) troubles.set(key, troubleOf(row, connector, isSecret));
    else {
      const since = before.since < iso(row.since) ? before.since : iso(row.since);
      troubles.set(key, { ...before, since, explains: before.explains + 1 });
    }
  }
  return [...troubles.values()];
}

function troubleOf(row: IntegrationRow, connector: string, isSecret: boolean): ShownTrouble {
  return {
    kind: isSecret ? "secret" : "integration",
    connector,
    name: row.name,
    state: row.state,
    condition: row.condition,
    reason: row.reason,
    message: row.report.message,
    cause: row.report.cause,
    remedy: row.report.remedy,
    since: iso(row.since),
    explains: row.state === "error" ? 1 : 0,
  };
}
