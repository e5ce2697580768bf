import type { Report, StageResult } from "../../../protocol/report.ts";
import type { State } from "../../../protocol/stages.ts";

/** The states of a connector, as the control plane tells them. */
export type ConnectorState =
  | "never_connected"
  | "connected"
  | "stale"
  | "disconnected"
  | "restarting"
  | "offline"
  | "unreachable";

/** One thing to do, with at most one command. */
export interface RemedyStep {
  readonly text: string;
  readonly command: string | null;
}

/** How a connector was installed, where it said so. */
export interface Install {
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string | null;
  readonly release: string | null;
}

/** `GET /connectors/{name}`. */
export interface Connector {
  readonly name: string;
  readonly id: string;
  readonly state: ConnectorState;
  readonly condition: string | null;
  readonly reason: string | null;
  /** Since when the reason stands; `since` is the state's. */
  readonly reasonSince: string | null;
  readonly since: string;
  readonly revokedAt: string | null;
  /** A heartbeat is expected at least this often. */
  readonly heartbeatMs: number;
  readonly lastHeartbeatAt: string | null;
  readonly version: string | null;
  readonly install: Install | null;
  readonly message: string;
  readonly cause: string | null;
  readonly remedy: readonly RemedyStep[];
  readonly integrations: Readonly<Record<State, number>>;
}

/** A stage that was walked, and the one fact that is worth a line beside it. */
export type Walked = Pick<StageResult, "ok" | "ms"> & {
  readonly stage: string;
  readonly reason?: string | undefined;
  readonly fact?: string | undefined;
};

/** `GET /integrations/{connector}/{name}`. Stages and reasons are open: a connector may be newer than this page. */
export interface Integration extends Omit<Report, "stage" | "reason" | "path" | "stages"> {
  readonly stage: string | null;
  readonly reason: string | null;
  readonly path: readonly string[];
  readonly stages: readonly Walked[];
  readonly connector: string;
  readonly source: string;
  readonly since: string;
  readonly checkedAt: string | null;
  readonly nextCheckAt: string | null;
  /** Names of integrations of the same connector that wait for it. */
  readonly blocks: readonly string[];
  readonly lastKnown: { readonly state: State; readonly reason: string | null; readonly at: string } | null;
}

/** `GET /secrets/{connector}/{id}`. Never a value. */
export interface Secret extends Pick<
  Integration,
  | "connector"
  | "name"
  | "state"
  | "condition"
  | "stage"
  | "reason"
  | "message"
  | "cause"
  | "remedy"
  | "findings"
  | "lastKnown"
> {
  readonly id: string;
  readonly store: string;
  readonly storeType: string;
  /** Names of integrations: the first of them, and how many there are. */
  readonly usedBy: readonly string[];
  readonly users: number;
  readonly version: string | null;
  readonly createdAt: string | null;
  readonly expiresAt: string | null;
  readonly lastReadAt: string | null;
  readonly since: string;
}

/** What a test or a refresh found: a report, without the standing that the control plane adds. */
export type Outcome = Pick<
  Integration,
  | "name"
  | "type"
  | "state"
  | "condition"
  | "stage"
  | "reason"
  | "message"
  | "cause"
  | "remedy"
  | "coverage"
  | "address"
  | "blockedBy"
  | "findings"
  | "path"
  | "stages"
>;

/** `GET /commands/{id}`. */
export interface Command {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly stages: readonly Walked[];
  readonly result: Outcome | null;
  /** How many integrations a refresh of a whole connector looked at. */
  readonly refreshed?: number | null;
  readonly reason?: string | null;
  readonly message?: string | null;
}

/** One bucket of `…/samples` or `…/heartbeats`, five minutes long. */
export interface Sample {
  readonly at: string;
  readonly count?: number;
  readonly state: string;
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** One transition of `…/history`. */
export interface Transition {
  readonly at: string;
  readonly from: State | null;
  readonly to: State | null;
  readonly condition: string | null;
  readonly stage: string | null;
  readonly reason: string | null;
  readonly message: string;
  readonly observed: string;
}

/** One row of `GET /tokens`. */
export interface JoinToken {
  readonly id: string;
  readonly connector: string;
  readonly createdBy?: string | null;
  readonly createdAt?: string | null;
  readonly expiresAt: string;
  readonly usedAt: string | null;
}

/** `GET /session`: who looks, and what "add a connector" names. */
export interface Session {
  readonly role: "operator" | "viewer";
  readonly version?: string;
  readonly controlPlane?: string;
  readonly chart?: string | null;
}

/** A list's page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}
