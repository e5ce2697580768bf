import type { Gauge } from "prom-client";
import { type Condition, STATES } from "../protocol/stages.ts";
import type { Stand } from "./standing.ts";

/** The conditions that a connector can know. */
const OWN_CONDITIONS = [
  "integration_unreachable",
  "secret_unreachable",
  "secret_invalid",
  "discovery_failed",
] as const satisfies readonly Condition[];

/** With more integrations than this, the rest are told as one, `_other`. */
export const MOST_INTEGRATIONS = 1_000;
export const OTHER = "_other";

/** The last look at an integration. Times are epoch milliseconds, 0 where there was none yet. */
export interface Look {
  readonly at: number;
  readonly ms: number;
  readonly secretReadAt?: number;
}

export type MakeGauge = <L extends string>(name: string, help: string, labels?: readonly L[]) => Gauge<L>;

type Gauges = ReturnType<typeof makeGauges>;

function makeGauges(gauge: MakeGauge) {
  const of = ["integration"] as const;
  return {
    info: gauge("integration_info", "What the integration is.", [...of, "type", "source"]),
    up: gauge("integration_up", "1 where the integration is online or works with a gap.", of),
    state: gauge("integration_state", "1 for the state that the integration is in.", [...of, "state"]),
    condition: gauge("integration_condition", "1 for the condition that the integration is in.", [
      ...of,
      "condition",
    ]),
    blocked: gauge(
      "integration_blocked",
      "1 where the trouble is that of a secret which another integration shares and tells already.",
      of,
    ),
    lookedAt: gauge("probe_last_timestamp_seconds", "When it was last looked at.", of),
    took: gauge("probe_last_duration_seconds", "How long the last look took.", of),
    readAt: gauge("secret_last_read_timestamp_seconds", "When its secret was last read.", of),
  };
}

/** The gauges of what stands. Gives what fills them: they are emptied first, so that no series outlives its integration. */
export function standingGauges(
  gauge: MakeGauge,
  stands: () => Iterable<Stand>,
  lookOf: (name: string) => Look | undefined,
): () => void {
  const gauges = makeGauges(gauge);
  const overflow = gauge(
    "metrics_overflow",
    "1 where there are more integrations than have series: the rest are told as one, _other.",
  );
  return () => {
    for (const each of Object.values(gauges)) each.reset();
    const all = [...stands()];
    overflow.set(all.length > MOST_INTEGRATIONS ? 1 : 0);
    const named = all.slice(0, MOST_INTEGRATIONS);
    for (const stand of named) fill(gauges, stand, lookOf(stand.item.name));
    fillBlocked(gauges, named);
    if (all.length > MOST_INTEGRATIONS) fillOther(gauges, all.slice(MOST_INTEGRATIONS));
  };
}

/** One trouble, one alert: of the integrations that a secret keeps from working the first alone is not blocked. */
function fillBlocked(gauges: Gauges, stands: readonly Stand[]): void {
  const told = new Set<string>();
  for (const { item, status } of stands) {
    const id = status.told?.blockedBy?.id;
    gauges.blocked.set({ integration: item.name }, id !== undefined && told.has(id) ? 1 : 0);
    if (id !== undefined) told.add(id);
  }
}

/** What any of them is in: an alert must not be lost because there are many. */
function fillOther(gauges: Gauges, stands: readonly Stand[]): void {
  const integration = OTHER;
  const states = new Set(stands.map(({ status: { told } }) => told?.state ?? "unknown"));
  const conditions = new Set(stands.map(({ status: { told } }) => told?.condition));
  gauges.up.set({ integration }, states.has("error") || states.has("unknown") ? 0 : 1);
  for (const state of STATES) gauges.state.set({ integration, state }, states.has(state) ? 1 : 0);
  for (const condition of OWN_CONDITIONS)
    gauges.condition.set({ integration, condition }, conditions.has(condition) ? 1 : 0);
}

function fill(gauges: Gauges, { item, status: { told } }: Stand, look: Look | undefined): void {
  const integration = item.name;
  const now = told?.state ?? "unknown";
  gauges.info.set({ integration, type: item.type.type, source: item.source }, 1);
  gauges.up.set({ integration }, now === "online" || now === "warning" ? 1 : 0);
  for (const state of STATES) gauges.state.set({ integration, state }, state === now ? 1 : 0);
  for (const condition of OWN_CONDITIONS)
    gauges.condition.set({ integration, condition }, told?.condition === condition ? 1 : 0);
  if (look !== undefined && look.at > 0) {
    gauges.lookedAt.set({ integration }, look.at / 1000);
    gauges.took.set({ integration }, look.ms / 1000);
  }
  if (look?.secretReadAt !== undefined) gauges.readAt.set({ integration }, look.secretReadAt / 1000);
}
