/**
 * The stages that every check, discovery, grant and revoke walks, in this order.
 * The first that fails names the trouble. A type declares which of them it has.
 */
export const STAGES = [
  "resolve",
  "connect",
  "tls",
  "secret",
  "respond",
  "authenticate",
  "authorize",
  "discover",
  "grant",
  "revoke",
] as const;
export type Stage = (typeof STAGES)[number];

/** The six sentences by their codes. The first and the last are known to the control plane alone. */
export const CONDITIONS = [
  "connector_unreachable",
  "integration_unreachable",
  "secret_unreachable",
  "secret_invalid",
  "discovery_failed",
  "requests_failing",
] as const;
export type Condition = (typeof CONDITIONS)[number];

export const STATES = ["unknown", "online", "warning", "error"] as const;
export type State = (typeof STATES)[number];

/** Sorts stages into the order in which they are walked. */
export function byStageOrder(a: Stage, b: Stage): number {
  return STAGES.indexOf(a) - STAGES.indexOf(b);
}
