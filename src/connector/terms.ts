import { clamped, FAST, LIMITS, STANDARD } from "../protocol/limits.ts";
import type { Welcome } from "../protocol/session-frames.ts";

/** What a control plane's `welcome` comes to once every value is inside the connector's own bounds. Milliseconds. */
export interface Terms {
  readonly heartbeatMs: number;
  readonly answerMs: number;
  readonly spreadMs: number;
  /** How long the next attempt to connect may take. */
  readonly connectMs: number;
  readonly windowEvents: number;
  readonly windowBytes: number;
  readonly eventsPerSecond: number;
  readonly eventsBurst: number;
  readonly snapshotPageItems: number;
  readonly eventBytes: number;
}

/** Below this not even one report would have room. */
const LEAST_EVENT_BYTES = 16_384;

const lower = (value: number, most: number, least = 1): number => Math.max(least, Math.min(value, most));

/** Before the first `welcome`. `factor` is the time scale. */
export function firstTerms(factor: number): Terms {
  return {
    heartbeatMs: STANDARD.heartbeatMs * factor,
    answerMs: STANDARD.answerMs * factor,
    spreadMs: 0,
    connectMs: STANDARD.connectMs * factor,
    windowEvents: LIMITS.windowEvents,
    windowBytes: LIMITS.windowBytes,
    eventsPerSecond: LIMITS.eventsPerSecond,
    eventsBurst: LIMITS.eventsBurst,
    snapshotPageItems: LIMITS.snapshotPageItems,
    eventBytes: LIMITS.eventBytes,
  };
}

/** Durations inside their clamps, limits only downwards. */
export function termsOf({ heartbeat, reconnect, limits }: Welcome, factor: number): Terms {
  const unreachableMs = clamped("unreachableMs", heartbeat.unreachableMs, factor);
  const fast = unreachableMs < (FAST.unreachableMs + STANDARD.unreachableMs) * 0.5 * factor;
  return {
    heartbeatMs: clamped("heartbeatMs", heartbeat.intervalMs, factor),
    answerMs: clamped("answerMs", heartbeat.answerMs, factor),
    spreadMs: clamped("spreadMs", reconnect.initialSpreadMs, factor),
    connectMs: (fast ? FAST : STANDARD).connectMs * factor,
    windowEvents: lower(limits.windowEvents, LIMITS.windowEvents),
    windowBytes: lower(limits.windowBytes, LIMITS.windowBytes),
    eventsPerSecond: lower(limits.eventsPerSecond, LIMITS.eventsPerSecond, 0.1),
    eventsBurst: lower(limits.eventsBurst, LIMITS.eventsBurst),
    snapshotPageItems: lower(limits.snapshotPageItems, LIMITS.snapshotPageItems),
    eventBytes: lower(limits.eventBytes, LIMITS.eventBytes, LEAST_EVENT_BYTES),
  };
}
