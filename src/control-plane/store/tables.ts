import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
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

type Kind = "value" | "json" | "flag";

/** How the rows of one table are written and read: columns are the members in snake case. */
export interface Table<Row> {
  readonly name: string;
  /** The columns, quoted, separated by commas. */
  readonly columns: string;
  /** Inserts a row, or replaces the one with the same key. */
  readonly put: string;
  /** The row's values in the columns' order. */
  write(row: Row): SQLInputValue[];
  read(values: Record<string, SQLOutputValue>): Row;
}

function table<Row extends object>(
  name: string,
  kinds: Readonly<Record<keyof Row & string, Kind>>,
  key: readonly (keyof Row & string)[],
): Table<Row> {
  const members = Object.keys(kinds) as (keyof Row & string)[];
  const columns = members.map((member) => `"${snake(member)}"`);
  const marks = members.map(() => "?").join(", ");
  const keyed = key.map((member) => `"${snake(member)}"`).join(", ");
  const replaced = members
    .filter((member) => !key.includes(member))
    .map((member) => `"${snake(member)}" = excluded."${snake(member)}"`);
  const insert = `insert into ${name} (${columns.join(", ")}) values (${marks})`;
  return {
    name,
    columns: columns.join(", "),
    put: key.length === 0 ? insert : `${insert} on conflict (${keyed}) do update set ${replaced.join(", ")}`,
    write: (row) => members.map((member) => written(row[member], kinds[member])),
    read: (values) =>
      Object.fromEntries(
        members.map((member) => [member, readAs(values[snake(member)], kinds[member])]),
      ) as unknown as Row,
  };
}

function snake(member: string): string {
  return member.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function written(value: unknown, kind: Kind): SQLInputValue {
  if (value === null) return null;
  if (kind === "json") return JSON.stringify(value);
  if (kind === "flag") return value === true ? 1 : 0;
  return value as SQLInputValue;
}

function readAs(value: SQLOutputValue | undefined, kind: Kind): unknown {
  if (kind === "flag") return value === 1;
  if (kind === "json" && typeof value === "string") return JSON.parse(value);
  return value ?? null;
}

export const CONNECTORS = table<ConnectorRow>(
  "connector",
  {
    id: "value",
    name: "value",
    createdAt: "value",
    revokedAt: "value",
    key: "json",
    nextKey: "json",
    epoch: "value",
    state: "value",
    since: "value",
    troubles: "json",
    version: "value",
    install: "json",
    instanceId: "value",
    lastHeartbeatAt: "value",
    lease: "json",
  },
  ["id"],
);

export const STREAMS = table<StreamRow>(
  "stream",
  { connectorId: "value", streamId: "value", mark: "value", snapshotPending: "flag", usedAt: "value" },
  ["connectorId", "streamId"],
);

export const INTEGRATIONS = table<IntegrationRow>(
  "integration",
  {
    connectorId: "value",
    name: "value",
    type: "value",
    source: "value",
    state: "value",
    condition: "value",
    stage: "value",
    reason: "value",
    report: "json",
    since: "value",
    observedAt: "value",
    checkedAt: "value",
    nextCheckAt: "value",
    pending: "flag",
  },
  ["connectorId", "name"],
);

export const SECRETS = table<SecretRow>(
  "secret",
  { connectorId: "value", id: "value", store: "value", state: "value", item: "json", observedAt: "value" },
  ["connectorId", "id"],
);

export const TRANSITIONS = table<TransitionRow>(
  "transition",
  {
    connectorId: "value",
    name: "value",
    at: "value",
    from: "value",
    to: "value",
    condition: "value",
    stage: "value",
    reason: "value",
    message: "value",
    observed: "value",
    coalesced: "value",
  },
  [],
);

export const COMMANDS = table<CommandRow>(
  "command",
  {
    id: "value",
    connectorId: "value",
    kind: "value",
    resourceKey: "value",
    args: "json",
    state: "value",
    attempt: "value",
    createdAt: "value",
    deadlineAt: "value",
    endedAt: "value",
    actor: "value",
    idempotency: "value",
    stages: "json",
    outcome: "value",
    reason: "value",
    message: "value",
    result: "json",
    refreshed: "value",
  },
  ["id"],
);

export const JOIN_TOKENS = table<JoinTokenRow>(
  "join_token",
  {
    id: "value",
    hash: "value",
    connector: "value",
    createdAt: "value",
    expiresAt: "value",
    usedKeyId: "value",
    usedAt: "value",
    connectorId: "value",
  },
  ["id"],
);

export const IDENTITIES = table<IdentityRow>(
  "identity",
  {
    id: "value",
    connectorId: "value",
    connector: "value",
    issuer: "value",
    subject: "value",
    jwks: "json",
    createdAt: "value",
    usedAt: "value",
  },
  ["id"],
);

export const AUDITS = table<AuditRow>(
  "audit",
  { at: "value", actor: "value", action: "value", target: "value", outcome: "value" },
  [],
);

export const BUCKETS = table<BucketRow>(
  "bucket",
  {
    connectorId: "value",
    name: "value",
    at: "value",
    state: "value",
    count: "value",
    minMs: "value",
    medianMs: "value",
    maxMs: "value",
  },
  ["connectorId", "name", "at"],
);
