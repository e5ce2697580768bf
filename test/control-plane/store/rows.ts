import type {
  BucketRow,
  CommandRow,
  ConnectorRow,
  IdentityRow,
  IntegrationRow,
  SecretRow,
  TransitionRow,
} from "../../../src/control-plane/store/rows.ts";

export function connectorRow(id: string, changes: Partial<ConnectorRow> = {}): ConnectorRow {
  return {
    id,
    name: `name-${id}`,
    createdAt: 1,
    revokedAt: null,
    key: null,
    nextKey: { id: "k", x: "x" },
    epoch: 0,
    state: "connected",
    since: 1,
    troubles: [],
    version: null,
    install: { kind: "helm", namespace: "n", name: null, release: "r" },
    instanceId: null,
    lastHeartbeatAt: null,
    lease: null,
    ...changes,
  };
}

export function secretRow(connectorId: string, id: string, changes: Partial<SecretRow> = {}): SecretRow {
  const store = changes.store ?? "vault";
  const state = changes.state ?? "online";
  const item = {
    ...{ id, store, storeType: "vault", name: `kv/${id}`, state, condition: null, stage: null, reason: null },
    ...{ message: `Secret kv/${id} is readable.`, cause: null, remedy: [], findings: [], usedBy: ["db"] },
    ...{ users: 1, version: "3", createdAt: null, expiresAt: null, lastReadAt: null },
    since: "2026-01-02T03:04:05.000Z",
  };
  return { connectorId, id, store, state, item, observedAt: 5, ...changes };
}

export function integrationRow(
  connectorId: string,
  name: string,
  changes: Partial<IntegrationRow> = {},
): IntegrationRow {
  return {
    connectorId,
    name,
    type: "tcp",
    source: "file",
    state: "online",
    condition: null,
    stage: null,
    reason: null,
    report: {
      name,
      type: "tcp",
      state: "online",
      condition: null,
      stage: null,
      reason: null,
      message: `Integration ${name} is online.`,
      cause: null,
      remedy: [],
      coverage: [],
      address: "127.0.0.1:1",
      blockedBy: null,
      findings: [],
      path: ["resolve"],
      stages: [],
    },
    since: 5,
    observedAt: 5,
    checkedAt: 5,
    nextCheckAt: null,
    pending: false,
    ...changes,
  };
}

export function commandRow(id: string, connectorId: string, changes: Partial<CommandRow> = {}): CommandRow {
  return {
    id,
    connectorId,
    kind: "refresh",
    resourceKey: "connector",
    args: { integration: null },
    state: "queued",
    attempt: 0,
    createdAt: 10,
    deadlineAt: 20,
    endedAt: null,
    actor: "operator",
    idempotency: null,
    stages: [],
    outcome: null,
    reason: null,
    message: null,
    result: null,
    refreshed: null,
    ...changes,
  };
}

export function identityRow(
  id: string,
  connectorId: string,
  changes: Partial<IdentityRow> = {},
): IdentityRow {
  const account = { issuer: "https://cluster.example", subject: "system:serviceaccount:m:connector" };
  const keys = { jwks: null, createdAt: 1, usedAt: null };
  return { id, connectorId, connector: `name-${connectorId}`, ...account, ...keys, ...changes };
}

export function bucketRow(connectorId: string, at: number): BucketRow {
  return { connectorId, name: "db", at, state: "online", count: 1, minMs: 0.5, medianMs: 1, maxMs: 2 };
}

export function transitionRow(connectorId: string, at: number): TransitionRow {
  const nothing = { condition: null, stage: null, reason: null };
  const told = { message: `at ${at}`, observed: "event", coalesced: 0 } as const;
  return { connectorId, name: "db", at, from: "online", to: "error", ...nothing, ...told };
}
