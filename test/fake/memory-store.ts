import { pageOf, readCursor } from "../../src/control-plane/store/cursor.ts";
import type * as Rows from "../../src/control-plane/store/rows.ts";
import {
  type IntegrationCount,
  type IntegrationFilter,
  type Page,
  type Paging,
  type Retention,
  type SecretFilter,
  SILENT,
  type Store,
  type Transaction,
} from "../../src/control-plane/store/store.ts";

interface Tables {
  settings: Map<string, string>;
  connectors: Map<string, Rows.ConnectorRow>;
  streams: Map<string, Rows.StreamRow>;
  integrations: Map<string, Rows.IntegrationRow>;
  secrets: Map<string, Rows.SecretRow>;
  transitions: Map<number, Rows.TransitionRow>;
  commands: Map<string, Rows.CommandRow>;
  tokens: Map<string, Rows.JoinTokenRow>;
  identities: Map<string, Rows.IdentityRow>;
  jtis: Map<string, number>;
  audits: Map<number, Rows.AuditRow>;
  buckets: Map<string, Rows.BucketRow>;
}

function empty(): Tables {
  return {
    settings: new Map(),
    connectors: new Map(),
    streams: new Map(),
    integrations: new Map(),
    secrets: new Map(),
    transitions: new Map(),
    commands: new Map(),
    tokens: new Map(),
    identities: new Map(),
    jtis: new Map(),
    audits: new Map(),
    buckets: new Map(),
  };
}

const keyOf = (...parts: readonly (string | number)[]): string => JSON.stringify(parts);
const byName = <T extends { name: string }>(a: T, b: T): number => (a.name < b.name ? -1 : 1);

/**
 * The store's contract in memory, for simulations: works run one at a time, one that throws is undone.
 * `crash` makes it forget what is not committed; `snapshot` and `restore` are a backup.
 */
export class MemoryStore implements Store {
  #tables = empty();
  #undo: (() => void)[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #numbers = 0;
  #closed = false;
  trouble: string | undefined;
  /** Set by a test: the next commits fail with it. */
  failing: Error | undefined;

  transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      if (this.#closed) throw new Error("The store is closed.");
      this.#undo = [];
      try {
        const value = await work(this.#tx);
        if (this.failing !== undefined) throw this.failing;
        return value;
      } catch (error) {
        for (const undo of this.#undo.toReversed()) undo();
        throw error;
      }
    };
    const result = this.#last.then(run, run);
    this.#last = result.catch(() => {});
    return result;
  }

  /** A copy of everything, as a backup has it. */
  snapshot(): unknown {
    return structuredClone(this.#tables);
  }

  restore(backup: unknown): void {
    this.#tables = structuredClone(backup) as Tables;
  }

  #put<K, V>(map: Map<K, V>, key: K, value: V): void {
    const before = map.get(key);
    this.#undo.push(() => (before === undefined ? map.delete(key) : map.set(key, before)));
    map.set(key, value);
  }

  #delete<K, V>(map: Map<K, V>, key: K): boolean {
    const before = map.get(key);
    if (before === undefined) return false;
    this.#undo.push(() => map.set(key, before));
    return map.delete(key);
  }

  #deleteOf<V extends { connectorId: string }, K>(map: Map<K, V>, connectorId: string): void {
    for (const [key, row] of map) if (row.connectorId === connectorId) this.#delete(map, key);
  }

  readonly #tx: Transaction = {
    connector: async (id) => this.#tables.connectors.get(id),
    connectorByName: async (name) => this.#named(name),
    putConnector: async (row) => this.#put(this.#tables.connectors, row.id, row),
    removeConnector: async (id) => {
      this.#delete(this.#tables.connectors, id);
      const { streams, integrations, secrets, transitions, commands, buckets, identities } = this.#tables;
      for (const map of [streams, integrations, secrets, transitions, commands, buckets, identities])
        this.#deleteOf(map as Map<string, { connectorId: string }>, id);
    },
    stream: async (connectorId, streamId) => this.#tables.streams.get(keyOf(connectorId, streamId)),
    putStream: async (row) => {
      this.#put(this.#tables.streams, keyOf(row.connectorId, row.streamId), row);
      const own = [...this.#tables.streams.values()].filter((other) => other.connectorId === row.connectorId);
      own.sort((a, b) => b.usedAt - a.usedAt || (a.streamId < b.streamId ? 1 : -1));
      for (const old of own.slice(8))
        this.#delete(this.#tables.streams, keyOf(old.connectorId, old.streamId));
    },
    doubtOtherStreams: async (connectorId, streamId) => {
      for (const [key, row] of this.#tables.streams)
        if (row.connectorId === connectorId && row.streamId !== streamId)
          this.#put(this.#tables.streams, key, { ...row, snapshotPending: true });
    },
    integration: (connectorId, name) => this.integration(connectorId, name),
    integrations: async (connectorId) => this.#integrationsOf(connectorId),
    countOf: async (connectorId) => this.#integrationsOf(connectorId).length,
    putIntegration: async (row) =>
      this.#put(this.#tables.integrations, keyOf(row.connectorId, row.name), row),
    removeIntegration: async (connectorId, name) => {
      this.#delete(this.#tables.integrations, keyOf(connectorId, name));
    },
    secrets: async (connectorId) =>
      [...this.#tables.secrets.values()]
        .filter((row) => row.connectorId === connectorId)
        .sort((a, b) => (a.id < b.id ? -1 : 1)),
    putSecret: async (row) => this.#put(this.#tables.secrets, keyOf(row.connectorId, row.id), row),
    removeSecret: async (connectorId, id) => {
      this.#delete(this.#tables.secrets, keyOf(connectorId, id));
    },
    addTransition: async (row) => this.#put(this.#tables.transitions, (this.#numbers += 1), row),
    command: (id) => this.command(id),
    commandByIdempotency: async (hash) =>
      [...this.#tables.commands.values()].find(({ idempotency }) => idempotency === hash),
    putCommand: async (row) => this.#put(this.#tables.commands, row.id, row),
    joinTokenByHash: async (hash) => [...this.#tables.tokens.values()].find((row) => row.hash === hash),
    putJoinToken: async (row) => this.#put(this.#tables.tokens, row.id, row),
    removeJoinToken: async (id) => this.#delete(this.#tables.tokens, id),
    keepTokenId: async (jti, expiresAt) => {
      if (this.#tables.jtis.has(jti)) return false;
      this.#put(this.#tables.jtis, jti, expiresAt);
      return true;
    },
    identity: async (id) => this.#tables.identities.get(id),
    identitiesOf: (issuer, subject) => this.identitiesOf(issuer, subject),
    putIdentity: async (row) => this.#put(this.#tables.identities, row.id, row),
    removeIdentity: async (id) => this.#delete(this.#tables.identities, id),
    addAudit: async (row) => this.#put(this.#tables.audits, (this.#numbers += 1), row),
    putBucket: async (row) => this.#put(this.#tables.buckets, keyOf(row.connectorId, row.name, row.at), row),
    putSetting: async (name, value) => this.#put(this.#tables.settings, name, value),
    setting: async (name) => this.#tables.settings.get(name),
  };

  #named(name: string): Rows.ConnectorRow | undefined {
    return [...this.#tables.connectors.values()].find((row) => row.name === name);
  }

  #integrationsOf(connectorId: string): Rows.IntegrationRow[] {
    const rows = [...this.#tables.integrations.values()].filter((row) => row.connectorId === connectorId);
    return rows.sort(byName);
  }

  #isSilent({ connectorId }: { connectorId: string }): boolean {
    return SILENT.includes(this.#tables.connectors.get(connectorId)?.state ?? "never_connected");
  }

  async connector(id: string): Promise<Rows.ConnectorRow | undefined> {
    return this.#tables.connectors.get(id);
  }
  async connectorByName(name: string): Promise<Rows.ConnectorRow | undefined> {
    return this.#named(name);
  }
  async connectors({ limit, cursor }: Paging): Promise<Page<Rows.ConnectorRow>> {
    const [after = ""] = readCursor(cursor, 1) ?? [];
    const rows = (await this.allConnectors()).filter(({ name }) => name > String(after));
    return pageOf(rows, limit, { item: (row) => row, place: ({ name }) => [name] });
  }
  async allConnectors(): Promise<readonly Rows.ConnectorRow[]> {
    return [...this.#tables.connectors.values()].sort(byName);
  }
  async integration(connectorId: string, name: string): Promise<Rows.IntegrationRow | undefined> {
    return this.#tables.integrations.get(keyOf(connectorId, name));
  }
  async integrations(
    filter: IntegrationFilter,
    { limit, cursor }: Paging,
  ): Promise<Page<Rows.IntegrationRow>> {
    const [id = "", name = ""] = readCursor(cursor, 2) ?? [];
    const shown = (row: Rows.IntegrationRow): { state: string; condition: string | null } =>
      this.#isSilent(row) ? { state: "unknown", condition: null } : row;
    const rows = [...this.#tables.integrations.values()]
      .filter((row) => row.connectorId > String(id) || (row.connectorId === id && row.name > String(name)))
      .filter((row) => filter.connectorId === undefined || row.connectorId === filter.connectorId)
      .filter((row) => filter.type === undefined || row.type === filter.type)
      .filter((row) => filter.state === undefined || shown(row).state === filter.state)
      .filter((row) => filter.condition === undefined || shown(row).condition === filter.condition)
      .sort((a, b) =>
        a.connectorId === b.connectorId ? byName(a, b) : a.connectorId < b.connectorId ? -1 : 1,
      );
    return pageOf(rows, limit, { item: (row) => row, place: (row) => [row.connectorId, row.name] });
  }
  async secret(connectorId: string, id: string): Promise<Rows.SecretRow | undefined> {
    return this.#tables.secrets.get(keyOf(connectorId, id));
  }
  async secrets(filter: SecretFilter, { limit, cursor }: Paging): Promise<Page<Rows.SecretRow>> {
    const [after = "", id = ""] = readCursor(cursor, 2) ?? [];
    const stateOf = (row: Rows.SecretRow): string => (this.#isSilent(row) ? "unknown" : row.state);
    const rows = [...this.#tables.secrets.values()]
      .filter((row) => row.connectorId > String(after) || (row.connectorId === after && row.id > String(id)))
      .filter((row) => filter.connectorId === undefined || row.connectorId === filter.connectorId)
      .filter((row) => filter.store === undefined || row.store === filter.store)
      .filter((row) => filter.state === undefined || stateOf(row) === filter.state)
      .sort((a, b) => (keyOf(a.connectorId, a.id) < keyOf(b.connectorId, b.id) ? -1 : 1));
    return pageOf(rows, limit, { item: (row) => row, place: (row) => [row.connectorId, row.id] });
  }
  async countIntegrations(connectorId?: string): Promise<readonly IntegrationCount[]> {
    const counts = new Map<string, IntegrationCount>();
    for (const row of this.#tables.integrations.values()) {
      if (connectorId !== undefined && row.connectorId !== connectorId) continue;
      const key = keyOf(row.connectorId, row.state, row.condition ?? "");
      const { connectorId: id, state, condition } = row;
      counts.set(key, { connectorId: id, state, condition, count: (counts.get(key)?.count ?? 0) + 1 });
    }
    return [...counts.values()];
  }
  async troubled(limit: number): Promise<readonly Rows.IntegrationRow[]> {
    return [...this.#tables.integrations.values()]
      .filter((row) => (row.state === "error" || row.state === "warning") && !this.#isSilent(row))
      .sort((a, b) => b.since - a.since)
      .slice(0, limit);
  }
  async history(
    of: { connectorId: string; name: string },
    between: { before?: number | undefined; after?: number | undefined },
    { limit, cursor }: Paging,
  ): Promise<Page<Rows.TransitionRow>> {
    const [last = Number.MAX_SAFE_INTEGER] = readCursor(cursor, 1) ?? [];
    const rows = [...this.#tables.transitions]
      .filter(([id, row]) => id < Number(last) && row.connectorId === of.connectorId && row.name === of.name)
      .filter(([, { at }]) => at < (between.before ?? Number.MAX_SAFE_INTEGER) && at > (between.after ?? 0))
      .sort(([a], [b]) => b - a);
    return pageOf(rows, limit, { item: ([, row]) => row, place: ([id]) => [id] });
  }
  async buckets(connectorId: string, name: string, since: number): Promise<readonly Rows.BucketRow[]> {
    return [...this.#tables.buckets.values()]
      .filter((row) => row.connectorId === connectorId && row.name === name && row.at >= since)
      .sort((a, b) => a.at - b.at)
      .slice(0, 288);
  }
  async command(id: string): Promise<Rows.CommandRow | undefined> {
    return this.#tables.commands.get(id);
  }
  async openCommands(): Promise<readonly Rows.CommandRow[]> {
    const open = [...this.#tables.commands.values()].filter(({ endedAt }) => endedAt === null);
    return open.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }
  async joinTokens({ limit, cursor }: Paging): Promise<Page<Rows.JoinTokenRow>> {
    const [after = ""] = readCursor(cursor, 1) ?? [];
    const rows = [...this.#tables.tokens.values()].filter(({ id }) => id > String(after));
    rows.sort((a, b) => (a.id < b.id ? -1 : 1));
    return pageOf(rows, limit, { item: (row) => row, place: ({ id }) => [id] });
  }
  async identities({ limit, cursor }: Paging): Promise<Page<Rows.IdentityRow>> {
    const [after = ""] = readCursor(cursor, 1) ?? [];
    const rows = [...this.#tables.identities.values()].filter(({ id }) => id > String(after));
    rows.sort((a, b) => (a.id < b.id ? -1 : 1));
    return pageOf(rows, limit, { item: (row) => row, place: ({ id }) => [id] });
  }
  async identitiesOf(issuer: string, subject: string): Promise<readonly Rows.IdentityRow[]> {
    const rows = [...this.#tables.identities.values()];
    return rows
      .filter((row) => row.issuer === issuer && row.subject === subject)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }
  async audit({ limit, cursor }: Paging): Promise<Page<Rows.AuditRow>> {
    const [last = Number.MAX_SAFE_INTEGER] = readCursor(cursor, 1) ?? [];
    const rows = [...this.#tables.audits].filter(([id]) => id < Number(last)).sort(([a], [b]) => b - a);
    return pageOf(rows, limit, { item: ([, row]) => row, place: ([id]) => [id] });
  }

  prune(retention: Retention): Promise<boolean> {
    return this.transact(async () => {
      const { transitions, buckets, commands, tokens, jtis, audits } = this.#tables;
      const drop = <K, V>(map: Map<K, V>, isOld: (row: V, key: K) => boolean): void => {
        for (const [key, row] of map) if (isOld(row, key)) this.#delete(map, key);
      };
      drop(transitions, ({ at }) => at < retention.transitionsBefore);
      const kept = Math.max(0, ...transitions.keys()) - retention.transitionsMost;
      drop(transitions, (_, id) => id <= kept);
      drop(buckets, ({ at }) => at < retention.bucketsBefore);
      drop(commands, ({ endedAt }) => endedAt !== null && endedAt < retention.commandsBefore);
      const keptAudits = Math.max(0, ...audits.keys()) - retention.auditMost;
      drop(audits, (_, id) => id <= keptAudits);
      drop(jtis, (expiresAt) => expiresAt < retention.now);
      drop(tokens, ({ expiresAt }) => expiresAt < retention.now - 86_400_000);
      return false;
    });
  }

  async close(): Promise<void> {
    await this.#last;
    this.#closed = true;
  }
}
