import type { SQLInputValue } from "node:sqlite";
import { pageOf, readCursor } from "./cursor.ts";
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
  TransitionRow,
} from "./rows.ts";
import {
  type IntegrationCount,
  type IntegrationFilter,
  type Page,
  type Paging,
  type Reads,
  type SecretFilter,
  SILENT,
} from "./store.ts";
import {
  AUDITS,
  BUCKETS,
  COMMANDS,
  CONNECTORS,
  IDENTITIES,
  INTEGRATIONS,
  JOIN_TOKENS,
  SECRETS,
  type Table,
  TRANSITIONS,
} from "./tables.ts";

const SILENT_LIST = SILENT.map((state) => `'${state}'`).join(", ");
const IS_SILENT = `connector_id in (select id from connector where state in (${SILENT_LIST}))`;

/** The committed rows, read over a connection of its own. */
export class SqliteReads implements Reads {
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
  async connectors({ limit, cursor }: Paging): Promise<Page<ConnectorRow>> {
    const [after = ""] = readCursor(cursor, 1) ?? [];
    const rows = this.#database.list(CONNECTORS, "where name > ? order by name limit ?", after, limit + 1);
    return pageOf(rows, limit, { item: (row) => row, place: ({ name }) => [name] });
  }
  async allConnectors(): Promise<readonly ConnectorRow[]> {
    return this.#database.list(CONNECTORS, "order by name");
  }

  async integration(connectorId: string, name: string): Promise<IntegrationRow | undefined> {
    return this.#database.find(INTEGRATIONS, "connector_id = ? and name = ?", connectorId, name);
  }
  async integrations(filter: IntegrationFilter, { limit, cursor }: Paging): Promise<Page<IntegrationRow>> {
    const [connectorId = "", name = ""] = readCursor(cursor, 2) ?? [];
    const { where, values } = filtered(filter);
    const rest = `where (connector_id, name) > (?, ?) ${where} order by connector_id, name limit ?`;
    const rows = this.#database.list(INTEGRATIONS, rest, connectorId, name, ...values, limit + 1);
    return pageOf(rows, limit, { item: (row) => row, place: (row) => [row.connectorId, row.name] });
  }
  async countIntegrations(connectorId?: string): Promise<readonly IntegrationCount[]> {
    const where = connectorId === undefined ? "" : "where connector_id = ?";
    const values = connectorId === undefined ? [] : [connectorId];
    const rows = this.#database.all(
      `select connector_id, state, condition, count(*) as n from integration ${where}
       group by connector_id, state, condition`,
      ...values,
    );
    return rows.map((row) => ({
      connectorId: String(row["connector_id"]),
      state: String(row["state"]),
      condition: row["condition"] === null ? null : String(row["condition"]),
      count: Number(row["n"]),
    }));
  }
  async troubled(limit: number): Promise<readonly IntegrationRow[]> {
    const rest = `where state in ('error', 'warning') and not ${IS_SILENT} order by since desc limit ?`;
    return this.#database.list(INTEGRATIONS, rest, limit);
  }

  async secret(connectorId: string, id: string): Promise<SecretRow | undefined> {
    return this.#database.find(SECRETS, "connector_id = ? and id = ?", connectorId, id);
  }
  async secrets(filter: SecretFilter, { limit, cursor }: Paging): Promise<Page<SecretRow>> {
    const [connectorId = "", id = ""] = readCursor(cursor, 2) ?? [];
    const { where, values } = filtered(filter);
    const rest = `where (connector_id, id) > (?, ?) ${where} order by connector_id, id limit ?`;
    const rows = this.#database.list(SECRETS, rest, connectorId, id, ...values, limit + 1);
    return pageOf(rows, limit, { item: (row) => row, place: (row) => [row.connectorId, row.id] });
  }

  async history(
    of: { readonly connectorId: string; readonly name: string },
    between: { readonly before?: number | undefined; readonly after?: number | undefined },
    { limit, cursor }: Paging,
  ): Promise<Page<TransitionRow>> {
    const [last = Number.MAX_SAFE_INTEGER] = readCursor(cursor, 1) ?? [];
    const rows = this.#database.all(
      `select id, ${TRANSITIONS.columns} from transition
       where connector_id = ? and name = ? and id < ? and at < ? and at > ? order by id desc limit ?`,
      of.connectorId,
      of.name,
      last,
      between.before ?? Number.MAX_SAFE_INTEGER,
      between.after ?? 0,
      limit + 1,
    );
    return pageOf(rows, limit, numbered(TRANSITIONS));
  }
  async buckets(connectorId: string, name: string, since: number): Promise<readonly BucketRow[]> {
    const rest = "where connector_id = ? and name = ? and at >= ? order by at limit 288";
    return this.#database.list(BUCKETS, rest, connectorId, name, since);
  }

  async command(id: string): Promise<CommandRow | undefined> {
    return this.#database.find(COMMANDS, "id = ?", id);
  }
  async openCommands(): Promise<readonly CommandRow[]> {
    return this.#database.list(COMMANDS, "where ended_at is null order by created_at, id");
  }
  async joinTokens({ limit, cursor }: Paging): Promise<Page<JoinTokenRow>> {
    const [after = ""] = readCursor(cursor, 1) ?? [];
    const rows = this.#database.list(JOIN_TOKENS, "where id > ? order by id limit ?", after, limit + 1);
    return pageOf(rows, limit, { item: (row) => row, place: ({ id }) => [id] });
  }
  async identities({ limit, cursor }: Paging): Promise<Page<IdentityRow>> {
    const [after = ""] = readCursor(cursor, 1) ?? [];
    const rows = this.#database.list(IDENTITIES, "where id > ? order by id limit ?", after, limit + 1);
    return pageOf(rows, limit, { item: (row) => row, place: ({ id }) => [id] });
  }
  async identitiesOf(issuer: string, subject: string): Promise<readonly IdentityRow[]> {
    return this.#database.list(IDENTITIES, "where issuer = ? and subject = ? order by id", issuer, subject);
  }
  async audit({ limit, cursor }: Paging): Promise<Page<AuditRow>> {
    const [last = Number.MAX_SAFE_INTEGER] = readCursor(cursor, 1) ?? [];
    const sql = `select id, ${AUDITS.columns} from audit where id < ? order by id desc limit ?`;
    return pageOf(this.#database.all(sql, last, limit + 1), limit, numbered(AUDITS));
  }
}

function numbered<Row>(table: Table<Row>) {
  type Values = Parameters<typeof table.read>[0];
  return { item: (row: Values) => table.read(row), place: (row: Values) => [Number(row["id"])] };
}

/** The filter as the API means it: behind a silent connector everything is unknown, without a condition. */
function filtered(filter: IntegrationFilter & SecretFilter): { where: string; values: SQLInputValue[] } {
  const parts: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (part: string, value: string): void => {
    parts.push(part);
    values.push(value);
  };
  if (filter.connectorId !== undefined) add("and connector_id = ?", filter.connectorId);
  if (filter.store !== undefined) add("and store = ?", filter.store);
  if (filter.type !== undefined) add("and type = ?", filter.type);
  if (filter.state === "unknown") add(`and (state = ? or ${IS_SILENT})`, filter.state);
  else if (filter.state !== undefined) add(`and state = ? and not ${IS_SILENT}`, filter.state);
  if (filter.condition !== undefined) add(`and condition = ? and not ${IS_SILENT}`, filter.condition);
  return { where: parts.join(" "), values };
}
