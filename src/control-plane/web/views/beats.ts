import type { Connector } from "../api/shapes.ts";
import { samplesOf } from "../fleet/samples.ts";
import { connectorHref } from "../fleet/hrefs.ts";

/** At most as many heartbeats are drawn. */
export const PINS = 18;
const BUCKET_MS = 300_000;

/** How many heartbeats a session of that age can have had, the last one among them. */
export function beatsSince(since: number, last: number, everyMs: number): number {
  return Math.max(1, Math.min(PINS, 1 + Math.floor((last - since) / everyMs)));
}

/** How many heartbeats are known to have come until the last: of a silent connector those that were counted. */
export function knownBeats(connector: Connector, last: number): number {
  if (connector.state === "connected")
    return beatsSince(Date.parse(connector.since), last, connector.heartbeatMs);
  const buckets = samplesOf(`${connectorHref(connector.name)}/heartbeats`).value ?? [];
  const from = last - PINS * connector.heartbeatMs - BUCKET_MS;
  let count = 0;
  for (const bucket of buckets) if (Date.parse(bucket.at) > from) count += bucket.count ?? 0;
  return Math.max(1, Math.min(PINS, count));
}
