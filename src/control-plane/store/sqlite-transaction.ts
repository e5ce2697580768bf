import type { Database } from "./database.ts";
import type {
  AuditRow,
  BucketRow,
  CommandRow,
  ConnectorRow,
  IdentityRow,
  IntegrationRow,
  JoinTokenRow,
  SecretRow,
  StreamRow,
  TransitionRow,
} from "./rows.ts";
import type { Transaction } from "./store.ts";
import {
  AUDITS,
  BUCKETS,
  COMMANDS,
  CONNECTORS,
  IDENTITIES,
  INTEGRATIONS,
  JOIN_TOKENS,
  SECRETS,
  STREAMS,
  TRANSITIONS,
} from "./tables.ts";

/** Streams of one connector whose marks are kept. */
const STREAMS_KEPT = 8;

/** The statements of one transaction. They answer at once; the promises are the contract's. */
export class SqliteTransaction implements Transaction {
  readonly #database: Database;
  constructor(database: Database) {
    this.#database = database;
  }

  async connector(id: string): Promise<ConnectorRow | undefined> {
    return this.#database.find(CONNECTORS, "id = ?", id);
  }
  async connectorByName(name: string): Promise<ConnectorRow | undefined> {
    return this.#database.find(CONNECTORS, "name = ?", name);
  }
  async putConnector(row: ConnectorRow): Promise<void> {
    this.#database.put(CONNECTORS, row);
  }
  async removeConnector(id: string): Promise<void> {
    this.#database.run("delete from connector where id = ?", id);
  }

  async stream(connectorId: string, streamId: string): Promise<StreamRow | undefined> {
    return this.#database.find(STREAMS, "connector_id = ? and stream_id = ?", connectorId, streamId);
  }
  async putStream(row: StreamRow): Promise<void> {
    this.#database.put(STREAMS, row);
    this.#database.run(
      `delete from stream where connector_id = ?1 and stream_id not in (
         select stream_id from stream where connector_id = ?1 order by used_at desc, stream_id desc limit ?2)`,
      row.connectorId,
      STREAMS_KEPT,
    );
  }
  async doubtOtherStreams(connectorId: string, streamId: string): Promise<void> {
    const sql = "update stream set snapshot_pending = 1 where connector_id = ? and stream_id <> ?";
    this.#database.run(sql, connectorId, streamId);
  }

  async integration(connectorId: string, name: string): Promise<IntegrationRow | undefined> {
    return this.#database.find(INTEGRATIONS, "connector_id = ? and name = ?", connectorId, name);
  }
  async integrations(connectorId: string): Promise<readonly IntegrationRow[]> {
    return this.#database.list(INTEGRATIONS, "where connector_id = ? order by name", connectorId);
  }
  async countOf(connectorId: string): Promise<number> {
    const sql = "select count(*) as n from integration where connector_id = ?";
    return Number(this.#database.one(sql, connectorId)?.["n"]);
  }
  async putIntegration(row: IntegrationRow): Promise<void> {
    this.#database.put(INTEGRATIONS, row);
  }
  async removeIntegration(connectorId: string, name: string): Promise<void> {
    this.#database.run("delete from integration where connector_id = ? and name = ?", connectorId, name);
  }

  async secrets(connectorId: string): Promise<readonly SecretRow[]> {
    return this.#database.list(SECRETS, "where connector_id = ? order by id", connectorId);
  }
  async putSecret(row: SecretRow): Promise<void> {
    this.#database.put(SECRETS, row);
  }
  async removeSecret(connectorId: string, id: string): Promise<void> {
    this.#database.run("delete from secret where connector_id = ? and id = ?", connectorId, id);
  }
  async addTransition(row: TransitionRow): Promise<void> {
    this.#database.put(TRANSITIONS, row);
  }

  async command(id: string): Promise<CommandRow | undefined> {
    return this.#database.find(COMMANDS, "id = ?", id);
  }
  async commandByIdempotency(hash: string): Promise<CommandRow | undefined> {
    return this.#database.find(COMMANDS, "idempotency = ?", hash);
  }
  async putCommand(row: CommandRow): Promise<void> {
    this.#database.put(COMMANDS, row);
  }

  async joinTokenByHash(hash: string): Promise<JoinTokenRow | undefined> {
    return this.#database.find(JOIN_TOKENS, "hash = ?", hash);
  }
  async putJoinToken(row: JoinTokenRow): Promise<void> {
    this.#database.put(JOIN_TOKENS, row);
  }
  async removeJoinToken(id: string): Promise<boolean> {
    return this.#database.run("delete from join_token where id = ?", id) === 1;
  }
  async keepTokenId(jti: string, expiresAt: number): Promise<boolean> {
    const sql = "insert into token_id (jti, expires_at) values (?, ?) on conflict do nothing";
    return this.#database.run(sql, jti, expiresAt) === 1;
  }

  async identity(id: string): Promise<IdentityRow | undefined> {
    return this.#database.find(IDENTITIES, "id = ?", id);
  }
  async identitiesOf(issuer: string, subject: string): Promise<readonly IdentityRow[]> {
    return this.#database.list(IDENTITIES, "where issuer = ? and subject = ? order by id", issuer, subject);
  }
  async putIdentity(row: IdentityRow): Promise<void> {
    this.#database.put(IDENTITIES, row);
  }
  async removeIdentity(id: string): Promise<boolean> {
    return this.#database.run("delete from identity where id = ?", id) === 1;
  }

  async addAudit(row: AuditRow): Promise<void> {
    this.#database.put(AUDITS, row);
  }
  async putBucket(row: BucketRow): Promise<void> {
    this.#database.put(BUCKETS, row);
  }
  async putSetting(name: string, value: string): Promise<void> {
    const sql = "insert into setting values (?, ?) on conflict (name) do update set value = excluded.value";
    this.#database.run(sql, name, value);
  }
  async setting(name: string): Promise<string | undefined> {
    const found = this.#database.one("select value from setting where name = ?", name);
    return found === undefined ? undefined : String(found["value"]);
  }
}
