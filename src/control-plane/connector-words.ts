import { type ReasonCode, reasonRow } from "../protocol/reasons.ts";
import {
  causeOf,
  type Evidence,
  printable,
  type RemedyStep,
  remedyOf,
  sentenceOf,
} from "../protocol/words.ts";
import { iso } from "./clock.ts";
import type { ConnectorRow, ConnectorTrouble } from "./store/rows.ts";

/** What is said of a connector. */
export interface ConnectorWords {
  readonly reason: ReasonCode | null;
  /** Since when the reason stands, where there is one; epoch milliseconds. */
  readonly reasonSince: number | null;
  readonly message: string;
  readonly cause: string | null;
  readonly remedy: readonly RemedyStep[];
}

/** What the words need beyond the row. Times are epoch milliseconds. */
export interface WordsPlace {
  readonly now: number;
  readonly publicUrl: string;
  readonly chart: string;
  readonly lastHeartbeatAt: number | null;
  /** How long a duplicate identity is told after its last refusal. */
  readonly duplicateMemoryMs: number;
}

const CALM = {
  connected: (name: string) => `Connector ${name} is connected.`,
  stale: (name: string) => `Connector ${name} has not been heard of for a while.`,
  disconnected: (name: string) => `Connector ${name} is disconnected.`,
  restarting: (name: string) => `Connector ${name} is restarting.`,
  offline: (name: string) => `Connector ${name} is offline.`,
  never_connected: (name: string) => `Connector ${name} has never connected.`,
  unreachable: (name: string) => sentenceOf("connector_unreachable", { name, secret: "" }),
} as const;

const ORDER: readonly ConnectorTrouble["reason"][] = [
  "duplicate_identity",
  "connector_too_old",
  "clock_skew",
  "config_invalid",
];

/** The sentence of a connector, its cause and its remedy. */
export function connectorWords(row: ConnectorRow, place: WordsPlace): ConnectorWords {
  const { name } = row;
  if (isRevoked(row))
    return {
      reason: null,
      reasonSince: null,
      message: `Connector ${name} is revoked.`,
      cause: `Its key was revoked at ${iso(row.revokedAt)}.`,
      remedy: remedyOf("never_connected", evidenceOf(row, place)),
    };
  const message = CALM[row.state](name);
  const calm = { reason: null, reasonSince: null, message, cause: null, remedy: [] };
  if (row.state === "unreachable")
    return { message, ...told("heartbeat_missed", row.since, evidenceOf(row, place)) };
  if (row.state === "never_connected")
    return { message, ...told("never_connected", row.since, evidenceOf(row, place)) };
  if (row.state === "offline") return { ...calm, cause: `It said goodbye at ${iso(row.since)}.` };
  const trouble = troubleOf(row, place);
  if (trouble === undefined) return calm;
  const refused = trouble.reason === "config_invalid" && row.state === "connected";
  return {
    message: refused ? `Connector ${name} refused its configuration.` : message,
    ...told(trouble.reason, trouble.at, {
      ...evidenceOf(row, place),
      ...fileOf(row, trouble),
      ...trouble.evidence,
    }),
  };
}

/** True where its key was revoked, and it did not enrol again since. */
export function isRevoked(row: ConnectorRow): row is ConnectorRow & { readonly revokedAt: number } {
  return row.revokedAt !== null && row.nextKey === null;
}

function told(reason: ReasonCode, reasonSince: number, evidence: Evidence): Omit<ConnectorWords, "message"> {
  const hasWords = reasonRow(reason).says !== undefined;
  // A problem that ends as a question needs no full stop.
  const cause = hasWords ? (causeOf(reason, evidence)?.replace(/([?!])\.$/, "$1") ?? null) : null;
  return { reason, reasonSince, cause, remedy: remedyOf(reason, evidence) };
}

/** The file of a problem told as FILE:LINE:COLUMN; within a pod its folder is none of the reader's. */
function fileOf({ install }: ConnectorRow, { evidence }: ConnectorTrouble): Evidence {
  const [, path] = /^([^:]+):\d+:\d+: /.exec(String(evidence["problem"] ?? "")) ?? [];
  if (path === undefined) return {};
  return { file: install?.kind === "process" ? path : path.slice(path.lastIndexOf("/") + 1) };
}

function troubleOf(row: ConnectorRow, { now, duplicateMemoryMs }: WordsPlace): ConnectorTrouble | undefined {
  const current = row.troubles.filter(
    ({ reason, at }) => reason !== "duplicate_identity" || now - at < duplicateMemoryMs,
  );
  return ORDER.map((reason) => current.find((trouble) => trouble.reason === reason)).find(
    (trouble) => trouble !== undefined,
  );
}

function evidenceOf(row: ConnectorRow, place: WordsPlace): Evidence {
  const { install } = row;
  const heard = place.lastHeartbeatAt;
  const evidence: Record<string, string> = {
    connector: row.name,
    controlPlane: place.publicUrl,
    chart: place.chart,
  };
  if (heard !== null) {
    evidence["lastHeartbeat"] = iso(heard);
    evidence["silence"] = duration(place.now - heard);
  }
  if (install?.namespace) evidence["namespace"] = printable(install.namespace);
  if (install?.release) evidence["release"] = printable(install.release);
  if (install?.kind === "process") evidence["process"] = "mooring.* connector";
  if (row.version !== null) evidence["version"] = printable(row.version);
  return evidence;
}

/** 48 s, 12 min, 5 h, 3 d: the largest unit of which there are two, rounded down. */
function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
