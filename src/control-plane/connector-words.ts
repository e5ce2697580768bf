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
  if (row.revokedAt !== null && row.nextKey === null)
    return {
      reason: null,
      message: `Connector ${name} is revoked.`,
      cause: `Its key was revoked at ${iso(row.revokedAt)}.`,
      remedy: remedyOf("never_connected", evidenceOf(row, place)),
    };
  const message = CALM[row.state](name);
  if (row.state === "unreachable") return { message, ...told("heartbeat_missed", evidenceOf(row, place)) };
  if (row.state === "never_connected") return { message, ...told("never_connected", evidenceOf(row, place)) };
  if (row.state === "offline")
    return { reason: null, message, cause: `It said goodbye at ${iso(row.since)}.`, remedy: [] };
  const trouble = troubleOf(row, place);
  if (trouble === undefined) return { reason: null, message, cause: null, remedy: [] };
  return { message, ...told(trouble.reason, { ...evidenceOf(row, place), ...trouble.evidence }) };
}

function told(reason: ReasonCode, evidence: Evidence): Omit<ConnectorWords, "message"> {
  const hasWords = reasonRow(reason).says !== undefined;
  return { reason, cause: hasWords ? causeOf(reason, evidence) : null, remedy: remedyOf(reason, evidence) };
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
