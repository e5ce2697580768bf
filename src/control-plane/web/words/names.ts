import type { State } from "../../../protocol/stages.ts";
import type { Connector, ConnectorState } from "../api/shapes.ts";

/** The states in the order of what needs attention. */
export const STATE_ORDER: readonly State[] = ["error", "warning", "unknown", "online"];

export const STATE_WORDS: Readonly<Record<State, string>> = {
  error: "Error",
  warning: "Warning",
  unknown: "Unknown",
  online: "Online",
};

/** A shape that stands for a state, or for a place in a line. */
export type Shape = State | "blocked" | "hollow" | "unseen" | "running" | "grey";

/** How a connector's state reads, and which shape stands before it. */
const CONNECTOR_WORDS: Readonly<Record<ConnectorState, readonly [word: string, shape: Shape]>> = {
  never_connected: ["Never connected", "grey"],
  connected: ["Connected", "online"],
  stale: ["Silent", "warning"],
  disconnected: ["Disconnected", "warning"],
  restarting: ["Restarting", "grey"],
  offline: ["Offline", "grey"],
  unreachable: ["Unreachable", "error"],
};

/** How a connector reads: a revoked one is more than offline. */
export function connectorWord(connector: Pick<Connector, "state" | "revokedAt">): readonly [string, Shape] {
  return connector.revokedAt === null ? CONNECTOR_WORDS[connector.state] : ["Revoked", "warning"];
}

/** What ails a connector that is connected, in few words; null where nothing does. */
export function connectorGap({ state, reason }: Pick<Connector, "state" | "reason">): string | null {
  if (state !== "connected" || reason === null) return null;
  return reason === "config_invalid" ? "configuration refused" : spoken(reason);
}

const TYPES: Readonly<Record<string, string>> = {
  http: "HTTP",
  tcp: "TCP",
  tls: "TLS",
  postgresql: "PostgreSQL",
  mysql: "MySQL",
  sqlserver: "SQL Server",
  oracle: "Oracle",
  mongodb: "MongoDB",
  redis: "Redis",
  elasticsearch: "Elasticsearch",
  opensearch: "OpenSearch",
  clickhouse: "ClickHouse",
  snowflake: "Snowflake",
  rabbitmq: "RabbitMQ",
  kafka: "Kafka",
  nats: "NATS",
  ldap: "LDAP",
  ssh: "SSH",
  git: "Git",
  github: "GitHub",
  gitlab: "GitLab",
  oauth2: "OAuth 2",
  kubernetes: "Kubernetes",
  aws: "AWS",
  gcp: "Google Cloud",
  azure: "Azure",
  webhook: "Webhook",
};

/** A type's own name. */
export function typeName(type: string): string {
  return TYPES[type] ?? type;
}

/** A code in words: connection_refused → connection refused. */
export function spoken(code: string): string {
  return code.replaceAll("_", " ");
}

/** A stage and its reason, each word once: "connect: connection refused", "discover: forbidden". */
export function reasonWords(stage: string | null, reason: string): string {
  if (stage === null) return spoken(reason);
  const own = stage === "discover" ? "discovery_" : `${stage}_`;
  return `${stage}: ${spoken(reason.startsWith(own) ? reason.slice(own.length) : reason)}`;
}

/** "1 error", "2 errors". Online and unknown take no plural. */
export function counted(n: number, state: State): string {
  return state === "error" || state === "warning" ? `${n} ${state}${n === 1 ? "" : "s"}` : `${n} ${state}`;
}

/** "1 connector", "2 connectors". */
export function several(n: number, noun: string): string {
  return `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
}
