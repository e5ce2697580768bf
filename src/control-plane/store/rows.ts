import type { Install } from "../../protocol/session-frames.ts";
import type { Outcome } from "../../protocol/command-frames.ts";
import type { SecretItem } from "../../protocol/secret-frames.ts";
import type { Condition, State } from "../../protocol/stages.ts";
import type { SourceKind, WireReport, WireStage } from "../../protocol/status-frames.ts";

/** All times are epoch milliseconds of the control plane's clock, unless a field says "observed". */

export const CONNECTOR_STATES = [
  "never_connected",
  "connected",
  "stale",
  "disconnected",
  "restarting",
  "offline",
  "unreachable",
] as const;
export type ConnectorState = (typeof CONNECTOR_STATES)[number];

/** A key that may sign a connector's tokens. */
export interface Key {
  /** The JWK thumbprint (RFC 7638). */
  readonly id: string;
  /** `x` of the Ed25519 JWK. */
  readonly x: string;
}

/** A trouble of the connector itself, beside its state. */
export interface ConnectorTrouble {
  readonly reason: "duplicate_identity" | "clock_skew" | "config_invalid" | "connector_too_old";
  readonly evidence: Readonly<Record<string, string | number>>;
  readonly at: number;
}

export interface ConnectorRow {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly revokedAt: number | null;
  readonly key: Key | null;
  /** Replaces `key` at the next `ready`. */
  readonly nextKey: Key | null;
  readonly epoch: number;
  readonly state: ConnectorState;
  readonly since: number;
  readonly troubles: readonly ConnectorTrouble[];
  readonly version: string | null;
  readonly install: Install | null;
  readonly instanceId: string | null;
  readonly lastHeartbeatAt: number | null;
  /** The Lease by which its replicas agree on who works, and which term of it was seen last. */
  readonly lease: { readonly uid: string; readonly transitions: number } | null;
}

/** How far the events of one process of a connector are applied. */
export interface StreamRow {
  readonly connectorId: string;
  readonly streamId: string;
  readonly mark: number;
  /** A snapshot was asked for or begun, and is not swapped in yet. */
  readonly snapshotPending: boolean;
  readonly usedAt: number;
}

export interface IntegrationRow {
  readonly connectorId: string;
  readonly name: string;
  readonly type: string;
  readonly source: SourceKind;
  readonly state: State;
  readonly condition: Condition | null;
  readonly stage: string | null;
  readonly reason: string | null;
  readonly report: WireReport;
  /** Since when it has these codes, observed by the connector. */
  readonly since: number;
  readonly observedAt: number;
  readonly checkedAt: number | null;
  readonly nextCheckAt: number | null;
  /** The connector's process has not looked yet: the rest is what an earlier one told. */
  readonly pending: boolean;
}

/** A secret that integrations of a connector need. */
export interface SecretRow {
  readonly connectorId: string;
  readonly id: string;
  readonly store: string;
  readonly state: State;
  readonly item: SecretItem;
  readonly observedAt: number;
}

/** One change of an integration's codes. */
export interface TransitionRow {
  readonly connectorId: string;
  readonly name: string;
  /** Observed by the connector. */
  readonly at: number;
  readonly from: State | null;
  readonly to: State | null;
  readonly condition: Condition | null;
  readonly stage: string | null;
  readonly reason: string | null;
  readonly message: string;
  /** event: told as it happened; diff: found when a snapshot was compared. */
  readonly observed: "event" | "diff";
  /** How many changes that were never sent it stands for. */
  readonly coalesced: number;
}

export const COMMAND_STATES = [
  "queued",
  "dispatched",
  "accepted",
  "succeeded",
  "failed",
  "expired",
  "cancelled",
  "unknown",
] as const;
export type CommandState = (typeof COMMAND_STATES)[number];

export interface CommandRow {
  readonly id: string;
  readonly connectorId: string;
  readonly kind: "refresh" | "integration.test";
  readonly resourceKey: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly state: CommandState;
  readonly attempt: number;
  readonly createdAt: number;
  readonly deadlineAt: number;
  readonly endedAt: number | null;
  /** Who asked. */
  readonly actor: string;
  /** SHA-256 of the Idempotency-Key with its actor, or null. */
  readonly idempotency: string | null;
  readonly stages: readonly WireStage[];
  readonly outcome: Outcome | null;
  readonly reason: string | null;
  readonly message: string | null;
  readonly result: WireReport | null;
  readonly refreshed: number | null;
}

export interface JoinTokenRow {
  readonly id: string;
  /** SHA-256 of the token. */
  readonly hash: string;
  readonly connector: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Thumbprint of the key that it was used with, or null. */
  readonly usedKeyId: string | null;
  readonly usedAt: number | null;
  readonly connectorId: string | null;
}

/** A public key of a cluster, as a JSON Web Key: only the members that a verification needs. */
export type PublicJwk = Readonly<Record<string, string>> & { readonly kty: string };

/** A ServiceAccount whose tokens enrol a connector in place of a join token. */
export interface IdentityRow {
  readonly id: string;
  readonly connectorId: string;
  /** The connector's name. */
  readonly connector: string;
  /** `iss` of the tokens, exactly. */
  readonly issuer: string;
  /** `sub` of the tokens: system:serviceaccount:NAMESPACE:NAME. */
  readonly subject: string;
  /** The keys that may sign them. Null: the control plane's own cluster is asked, by TokenReview. */
  readonly jwks: { readonly keys: readonly PublicJwk[] } | null;
  readonly createdAt: number;
  /** When it was last enrolled by. */
  readonly usedAt: number | null;
}

export interface AuditRow {
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly outcome: string;
}

/** What one bucket of time saw: `name` is an integration's, or "" for the connector's heartbeats. */
export interface BucketRow {
  readonly connectorId: string;
  readonly name: string;
  /** When the bucket begins. */
  readonly at: number;
  readonly state: string;
  readonly count: number;
  readonly minMs: number;
  readonly medianMs: number;
  readonly maxMs: number;
}
