import type { Hello, Welcome } from "../protocol/session-frames.ts";
import { SECRETS_CAPABILITY } from "../protocol/secret-frames.ts";
import { LIMITS } from "../protocol/limits.ts";
import { iso } from "./clock.ts";
import type { Resume } from "./resume.ts";
import type { Credential, SessionPlace } from "./session-place.ts";

/** What this control plane can beyond the first version. */
const CAPABILITIES: readonly string[] = ["refresh", "integration.test", SECRETS_CAPABILITY];

/** Connectors for each of which the spread of a reconnect grows by a millisecond. */
export function initialSpreadMs(place: SessionPlace): number {
  return Math.min(place.profile.spreadMs, place.hub.size);
}

/** What the connector is told after `hello`. `receivedAt` is epoch milliseconds. */
export function welcomeOf(
  place: SessionPlace,
  of: {
    credential: Credential;
    hello: Hello;
    resume: Resume;
    nonce: string;
    receivedAt: number;
    maxAgeMs: number;
    secretsDigest: string | null;
  },
): Welcome {
  const { profile, timings } = place;
  return {
    connector: { id: of.credential.connectorId, name: of.credential.connector },
    capabilities: of.hello.capabilities.filter((name) => CAPABILITIES.includes(name)),
    nonce: of.nonce,
    resume: of.resume,
    heartbeat: {
      intervalMs: profile.heartbeatMs,
      answerMs: profile.answerMs,
      unreachableMs: profile.unreachableMs,
    },
    reconnect: { initialSpreadMs: initialSpreadMs(place), capMs: timings.backoffCapMs },
    limits: {
      frameBytes: LIMITS.frameBytes,
      eventBytes: LIMITS.eventBytes,
      windowEvents: LIMITS.windowEvents,
      windowBytes: LIMITS.windowBytes,
      eventsPerSecond: LIMITS.eventsPerSecond,
      eventsBurst: LIMITS.eventsBurst,
      snapshotPageItems: LIMITS.snapshotPageItems,
      snapshotItems: LIMITS.snapshotItems,
      commandsInFlight: LIMITS.commandsInFlight,
    },
    maxAgeMs: of.maxAgeMs,
    serverTime: iso(place.clock.now()),
    receivedTime: iso(of.receivedAt),
    config: { generation: 0, digest: "" },
    ...(of.secretsDigest === null ? {} : { secretsDigest: of.secretsDigest }),
  };
}
