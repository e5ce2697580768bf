import { z } from "zod";
import { LIMITS, STANDARD, TIMINGS } from "./limits.ts";
import { idText, integrationName, timeText } from "./envelope.ts";
import { secretRead } from "./secret-frames.ts";
import { STATES } from "./stages.ts";

const count = z.number().int().nonnegative();
const milliseconds = z.number().nonnegative();
const word = z.string().max(200);
/** "sha256:" and 64 hexadecimal digits. */
const digest = z.string().max(100);
const capabilities = z.array(z.string().max(64)).max(64).default([]);

/** Which desired configuration is in use. `{generation: 0, digest: ""}` where there is none. */
const configMark = z.object({ generation: count, digest }).default({ generation: 0, digest: "" });

/** What runs: one pod, or one process outside of a cluster. */
export const instance = z.object({
  /** The same while this pod lives: the pod's uid, else a UUID of the process. Two ids are two instances. */
  id: idText.default("unknown"),
  podUid: word.nullable().default(null),
  podName: word.nullable().default(null),
  leaseUid: word.nullable().default(null),
  leaseTransitions: count.nullable().default(null),
});
export type Instance = z.infer<typeof instance>;

/** What tells one instance from another: its id, else its pod's. */
export function instanceKey({ id, podUid }: Instance): string {
  return id === "unknown" ? (podUid ?? id) : id;
}

/** How it was installed, for commands that look at this very connector. */
export const install = z.object({
  kind: z.enum(["helm", "manifest", "process"]).catch("process"),
  namespace: word.nullable().default(null),
  name: word.nullable().default(null),
  release: word.nullable().default(null),
});
export type Install = z.infer<typeof install>;

export const hello = z.object({
  /** The version of the connector's program. */
  version: z.string().max(64).default("unknown"),
  capabilities,
  instance,
  install: install.nullable().default(null),
  stream: z.object({
    /** A UUID per process, and a new one whenever the outbox overflowed. Also named by `source`. */
    id: idText,
    /** The lowest sequence that can still be sent; `next` where all that was sent is acked. From 1. */
    first: z.number().int().positive(),
    /** The sequence that the next new event will have. From 1. */
    next: z.number().int().positive(),
    /** The highest sequence that was acked, or 0. */
    acked: count.default(0),
  }),
  /** `stateDigest` of all that is true now, or null while status events wait to be sent or acked. */
  stateDigest: digest.nullable().default(null),
  config: configMark,
  wallClock: timeText,
});
export type Hello = z.infer<typeof hello>;

export const welcome = z.object({
  connector: z.object({ id: z.string().max(128), name: word }).catch({ id: "", name: "" }),
  /** Of those in `hello`, the ones that the control plane has too. */
  capabilities,
  /** To be repeated in `ready`. */
  nonce: z.string().max(100),
  resume: z.object({
    /** resume: send what comes after `last`. snapshot: the same, then a whole snapshot. */
    mode: z.enum(["resume", "snapshot"]),
    last: count,
  }),
  heartbeat: z
    .object({
      intervalMs: milliseconds.default(STANDARD.heartbeatMs),
      answerMs: milliseconds.default(STANDARD.answerMs),
      unreachableMs: milliseconds.default(STANDARD.unreachableMs),
    })
    .prefault({}),
  reconnect: z
    .object({
      initialSpreadMs: milliseconds.default(STANDARD.spreadMs),
      capMs: milliseconds.default(TIMINGS.backoffCapMs),
    })
    .prefault({}),
  limits: z
    .object({
      frameBytes: count.default(LIMITS.frameBytes),
      eventBytes: count.default(LIMITS.eventBytes),
      windowEvents: count.default(LIMITS.windowEvents),
      windowBytes: count.default(LIMITS.windowBytes),
      eventsPerSecond: z.number().positive().default(LIMITS.eventsPerSecond),
      eventsBurst: count.default(LIMITS.eventsBurst),
      snapshotPageItems: count.default(LIMITS.snapshotPageItems),
      snapshotItems: count.default(LIMITS.snapshotItems),
      commandsInFlight: count.default(LIMITS.commandsInFlight),
    })
    .prefault({}),
  maxAgeMs: milliseconds.default(TIMINGS.maxAgeMs),
  serverTime: timeText,
  /**
   * When `hello` came, by the same clock: with `wallClock` and the two local times, the clocks' offset. Absent:
   * the welcome was sent at once.
   */
  receivedTime: timeText.optional(),
  config: configMark,
  /** The digest of the secrets that are stored, where both ends have the capability `secrets`. */
  secretsDigest: digest.nullable().optional(),
});
export type Welcome = z.infer<typeof welcome>;

export const ready = z.object({ nonce: z.string().max(100) });
export type Ready = z.infer<typeof ready>;

/** One look at one integration. Lossy by design: what a heartbeat does not carry is not sent later. */
export const sample = z.object({
  name: integrationName,
  at: timeText,
  /** How long the look took. */
  ms: milliseconds,
  state: z.enum(STATES).catch("unknown"),
  /** When the next look is due, or null. */
  next: timeText.nullable(),
});
export type Sample = z.infer<typeof sample>;

export const heartbeat = z.object({
  /** Counts the session's heartbeats, from 1. */
  n: z.number().int().positive(),
  epoch: count.default(0),
  outbox: z.object({ events: count, bytes: count }).catch({ events: 0, bytes: 0 }),
  /** How late the event loop was at worst since the last heartbeat. */
  lagMs: milliseconds.default(0),
  /** How long the last answer took, or null before the first. */
  rttMs: milliseconds.nullable().default(null),
  config: configMark,
  /** The states of the integrations, and whether the last reload of the configuration was refused. */
  checks: z
    .object({ online: count, warning: count, error: count, unknown: count })
    .catch({ online: 0, warning: 0, error: 0, unknown: 0 }),
  /** Why the last reload of the configuration was refused, or null. Words without secrets. */
  configInvalid: z.string().max(1024).nullable().default(null),
  samples: z.array(sample).max(256).default([]),
  /** Secrets that were read since the last heartbeat, where both ends have the capability `secrets`. */
  reads: z.array(secretRead).max(256).optional(),
});
export type Heartbeat = z.infer<typeof heartbeat>;

/** Answers `ready` (that is when the session is ready), each heartbeat (with its `n`), and what was committed. */
export const ack = z.object({
  epoch: count,
  n: z.number().int().positive().optional(),
  /** Everything of this stream up to here is stored. */
  applied: count,
});
export type Ack = z.infer<typeof ack>;

export const goaway = z.object({
  reason: word,
  reconnectAfterMs: milliseconds.default(0),
  makeBeforeBreak: z.boolean().default(false),
});
export type Goaway = z.infer<typeof goaway>;

export const bye = z.object({
  reason: z.enum(["restart", "shutdown", "leader-lost"]),
  /** When it expects to be back; null for `shutdown`. */
  expectedReturnMs: milliseconds.nullable().default(null),
});
export type Bye = z.infer<typeof bye>;

/** What one end thinks of one frame of the other. Ends nothing by itself. */
export const sessionError = z.object({
  /** tooLarge and invalid: that event is dropped and counted as applied. */
  code: z.string().max(64),
  refId: z.string().max(128).nullable().default(null),
  message: z.string().max(1024).default(""),
});
export type SessionError = z.infer<typeof sessionError>;
