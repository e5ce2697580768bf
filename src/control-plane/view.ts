import type { Clock } from "./clock.ts";
import { iso, isoOrNull } from "./clock.ts";
import { connectorWords, isRevoked, type ConnectorWords } from "./connector-words.ts";
import type { Samples } from "./samples.ts";
import type { ShownCommand, ShownConnector, ShownIntegration, ShownSecret } from "./shown.ts";
import type { CommandRow, ConnectorRow, IntegrationRow, SecretRow } from "./store/rows.ts";
import { type Reads, SILENT } from "./store/store.ts";

export interface ViewPlace {
  readonly reads: Reads;
  readonly clock: Clock;
  readonly samples: Samples;
  readonly publicUrl: string;
  readonly chart: string;
  readonly duplicateMemoryMs: number;
  /** How often a connector is asked to beat, milliseconds. */
  readonly heartbeatMs: number;
  /** Epoch milliseconds of the last frame, where this process had one. */
  lastSeenAt(connectorId: string): number | undefined;
}

/** What the API, its events and the page show: the stored rows, with what silence makes of them. */
export class View {
  readonly #place: ViewPlace;

  constructor(place: ViewPlace) {
    this.#place = place;
  }

  words(row: ConnectorRow): ConnectorWords {
    const { clock, publicUrl, chart, duplicateMemoryMs } = this.#place;
    const lastHeartbeatAt = this.#place.lastSeenAt(row.id) ?? row.lastHeartbeatAt;
    return connectorWords(row, { now: clock.now(), publicUrl, chart, duplicateMemoryMs, lastHeartbeatAt });
  }

  async connector(row: ConnectorRow): Promise<ShownConnector> {
    const integrations = { online: 0, warning: 0, error: 0, unknown: 0 };
    const isSilent = SILENT.includes(row.state);
    for (const { state, count } of await this.#place.reads.countIntegrations(row.id))
      integrations[isSilent ? "unknown" : (state as keyof typeof integrations)] += count;
    const words = this.words(row);
    return {
      name: row.name,
      id: row.id,
      state: row.state,
      condition: row.state === "unreachable" ? "connector_unreachable" : null,
      reason: words.reason,
      reasonSince: isoOrNull(words.reasonSince),
      since: iso(row.since),
      revokedAt: isRevoked(row) ? iso(row.revokedAt) : null,
      heartbeatMs: Math.round(this.#place.heartbeatMs),
      lastHeartbeatAt: isoOrNull(this.#place.lastSeenAt(row.id) ?? row.lastHeartbeatAt),
      version: row.version,
      install: row.install,
      message: words.message,
      cause: words.cause,
      remedy: [...words.remedy],
      integrations,
    };
  }

  integration(row: IntegrationRow, connector: ConnectorRow): ShownIntegration {
    const look = this.#place.samples.lastLook(connector.id, row.name);
    const shown = {
      ...row.report,
      connector: connector.name,
      source: row.source,
      since: iso(row.since),
      checkedAt: isoOrNull(look?.checkedAt ?? row.checkedAt),
      nextCheckAt: isoOrNull(look?.nextCheckAt ?? row.nextCheckAt),
      blocks: [],
      lastKnown: null,
    };
    return SILENT.includes(connector.state) ? this.#behind(shown, row, connector) : shown;
  }

  /** Nothing is known behind a silent connector: neither that it works nor that it does not. */
  #behind(shown: ShownIntegration, row: IntegrationRow, connector: ConnectorRow): ShownIntegration {
    const words = this.words(connector);
    const at = iso(row.since);
    return {
      ...shown,
      state: "unknown",
      condition: null,
      stage: null,
      reason: connector.state === "never_connected" ? "never_connected" : "heartbeat_missed",
      message: `Integration ${row.name} is unknown (last known: ${row.state} at ${at}).`,
      cause: words.message,
      remedy: [...words.remedy],
      blockedBy: { kind: "connector", id: connector.id },
      findings: [],
      stages: [],
      since: iso(connector.since),
      nextCheckAt: null,
      lastKnown: { state: row.state, reason: row.reason, at },
    };
  }

  secret(row: SecretRow, connector: ConnectorRow): ShownSecret {
    const { item } = row;
    const { clock, samples } = this.#place;
    const readAt = samples.lastRead(connector.id, row.id);
    const age = item.createdAt === null ? null : clock.now() - Date.parse(item.createdAt);
    const shown: ShownSecret = {
      ...item,
      connector: connector.name,
      age: age === null ? null : Math.max(0, Math.floor(age / 1000)),
      lastReadAt: readAt === undefined ? item.lastReadAt : iso(readAt),
      blockedBy: null,
      lastKnown: null,
    };
    if (!SILENT.includes(connector.state)) return shown;
    const words = this.words(connector);
    return {
      ...shown,
      state: "unknown",
      condition: null,
      stage: null,
      reason: connector.state === "never_connected" ? "never_connected" : "heartbeat_missed",
      message: `Secret ${item.name} is unknown (last known: ${item.state} at ${item.since}).`,
      cause: words.message,
      remedy: [...words.remedy],
      findings: [],
      since: iso(connector.since),
      blockedBy: { kind: "connector", id: connector.id },
      lastKnown: { state: item.state, reason: item.reason, at: item.since },
    };
  }

  async command(row: CommandRow): Promise<ShownCommand> {
    const connector = await this.#place.reads.connector(row.connectorId);
    const [, integration = null] = /^(?:integrations|tests)\/(.+)$/.exec(row.resourceKey) ?? [];
    return {
      id: row.id,
      kind: row.kind,
      connector: connector?.name ?? null,
      integration,
      state: row.state,
      attempt: row.attempt,
      createdAt: iso(row.createdAt),
      deadlineAt: iso(row.deadlineAt),
      endedAt: isoOrNull(row.endedAt),
      stages: [...row.stages],
      result: row.result,
      refreshed: row.refreshed,
      reason: row.reason,
      message: row.message,
    };
  }
}
