/** Every duration of a session, in milliseconds. The control plane sets them, `welcome` carries them. */
export interface Profile {
  /** One heartbeat at least this often; a connector beats every U(0.9, 1) of it. */
  readonly heartbeatMs: number;
  /** A heartbeat that is not answered within this time: the connector ends the socket and reconnects. */
  readonly answerMs: number;
  /** Silence after which the connector is called unreachable. */
  readonly unreachableMs: number;
  /** Silence after which it is called stale: a hint, no verdict. */
  readonly staleMs: number;
  /** A connector gives up an attempt to connect after this time. */
  readonly connectMs: number;
  /** What the invariant counts for the attempt to connect: rarely longer, though it may be. */
  readonly connectBudgetMs: number;
  /** The most that a reconnect may be spread over. */
  readonly spreadMs: number;
  /** Faster heartbeats than this are refused with 4429. */
  readonly leastHeartbeatMs: number;
}

/** For any fleet. */
export const STANDARD: Profile = {
  heartbeatMs: 15_000,
  answerMs: 10_000,
  unreachableMs: 45_000,
  staleMs: 30_000,
  connectMs: 10_000,
  connectBudgetMs: 5_000,
  spreadMs: 15_000,
  leastHeartbeatMs: 5_000,
};

/** For small fleets that want to know sooner. */
export const FAST: Profile = {
  heartbeatMs: 5_000,
  answerMs: 4_000,
  unreachableMs: 16_000,
  staleMs: 10_667,
  connectMs: 3_000,
  connectBudgetMs: 3_000,
  spreadMs: 4_000,
  leastHeartbeatMs: 5_000,
};

export const PROFILES = { standard: STANDARD, fast: FAST } as const;
export type ProfileName = keyof typeof PROFILES;

/** The other durations of the protocol, in milliseconds. */
export interface Timings {
  /** From the upgrade to `hello`, and from `welcome` to `ready`. */
  readonly handshakeMs: number;
  /** Applied events are acked at the latest this long after they were received and committed. */
  readonly ackMs: number;
  /** A session is ended (4430) at this age, ± 10 %. */
  readonly maxAgeMs: number;
  /** A write that the connector has not taken for this long ends the session (4413). */
  readonly writeMs: number;
  readonly backoffFirstMs: number;
  readonly backoffCapMs: number;
  readonly backoffFloorMs: number;
  /** A session that lasted this long resets the backoff. */
  readonly stableMs: number;
  /** The least wait after 1013, 4409, 4413 and 4429. */
  readonly refusedWaitMs: number;
  /** How often a connector that was told to stop (4500–4507) asks again, ± 20 %. */
  readonly stoppedRetryMs: number;
  /** A first boot connects within this time. */
  readonly firstSpreadMs: number;
  /** The longest that `bye restart` may announce. */
  readonly restartMs: number;
  /** After a start of the control plane: no verdict on connectors that were connected before. */
  readonly startGraceMs: number;
  /** How long the mass guard holds verdicts. */
  readonly massHoldMs: number;
  /** Two instances that take turns within this time are told as a duplicate identity. */
  readonly duplicateWindowMs: number;
  /** How long an instance that was refused as a duplicate stays refused while another one is connected. */
  readonly duplicateMemoryMs: number;
  /** A command without `accepted` is dispatched again after this time. */
  readonly redispatchMs: number;
  /** From the request to the end of a refresh or a test. */
  readonly commandMs: number;
  /** At most one refresh and one test of an integration in this time. */
  readonly commandSpacingMs: number;
  /** Three gaps within this time: a new stream and a snapshot. */
  readonly gapWindowMs: number;
}

export const TIMINGS: Timings = {
  handshakeMs: 10_000,
  ackMs: 250,
  maxAgeMs: 1_800_000,
  writeMs: 10_000,
  backoffFirstMs: 1_000,
  backoffCapMs: 60_000,
  backoffFloorMs: 250,
  stableMs: 60_000,
  refusedWaitMs: 30_000,
  stoppedRetryMs: 3_600_000,
  firstSpreadMs: 5_000,
  restartMs: 120_000,
  startGraceMs: 120_000,
  massHoldMs: 120_000,
  duplicateWindowMs: 600_000,
  duplicateMemoryMs: 4_500_000,
  redispatchMs: 10_000,
  commandMs: 60_000,
  commandSpacingMs: 5_000,
  gapWindowMs: 60_000,
};

/** The same durations, each multiplied: MOORING_TIME_SCALE, for tests. Throws a RangeError outside 0.01 … 1. */
export function scaled<T extends Profile | Timings>(durations: T, factor: number): T {
  if (!(factor >= 0.01 && factor <= 1)) throw new RangeError(`a time scale is 0.01 to 1, not ${factor}`);
  const entries = Object.entries(durations as unknown as Record<string, number>);
  return Object.fromEntries(entries.map(([name, ms]) => [name, ms * factor])) as unknown as T;
}

/**
 * Whether a half-open socket heals before it becomes an alarm: what is left of the silence after the beat,
 * its answer, the spread and the attempt to connect, in milliseconds. Below zero: the profile is refused.
 */
export function healingMargin(profile: Profile): number {
  const { heartbeatMs, answerMs, spreadMs, connectBudgetMs, unreachableMs } = profile;
  return unreachableMs - (heartbeatMs + answerMs + spreadMs + connectBudgetMs);
}

/** Sizes and rates. `welcome` carries those that a connector must keep; it may only lower them. */
export const LIMITS = {
  /** Bytes of one text frame; more ends the session with 1009. */
  frameBytes: 262_144,
  /** Bytes of one event; more is answered with `session.error` tooLarge, and the event is dropped. */
  eventBytes: 65_536,
  /** Events and bytes that are sent and not acked. */
  windowEvents: 256,
  windowBytes: 1_048_576,
  /** Sequenced events a second, and how many at once. */
  eventsPerSecond: 50,
  eventsBurst: 500,
  /** Items of one page of a snapshot, which is at most eventBytes as well. */
  snapshotPageItems: 200,
  /** Items and bytes of a whole snapshot. */
  snapshotItems: 5_000,
  snapshotBytes: 8_388_608,
  /** Events and bytes that a connector keeps; beyond, it starts a new stream with a snapshot. */
  outboxEvents: 10_000,
  outboxBytes: 8_388_608,
  /** Commands of one connector that are dispatched and not ended. */
  commandsInFlight: 16,
  /** Events after which the control plane acks without waiting. */
  ackEvents: 64,
  /** Samples in one heartbeat. */
  samplesPerHeartbeat: 256,
  /** Secrets of one connector, those of one event, and the users of one that are named. */
  secrets: 1_500,
  secretsPageItems: 16,
  secretUsers: 100,
  /** Finished commands whose results a connector remembers, and for how long (milliseconds). */
  ledgerCommands: 1_000,
  ledgerMs: 86_400_000,
  /** Bytes that the control plane buffers for a connector that does not read. */
  bufferedBytes: 1_048_576,
  /** Bytes of the reason in a close frame. */
  closeReasonBytes: 123,
} as const;

/** Between which bounds a connector takes what `welcome` sets. */
export const CLAMPS = {
  heartbeatMs: { least: 5_000, most: 60_000 },
  answerMs: { least: 1_000, most: 30_000 },
  unreachableMs: { least: 10_000, most: 300_000 },
  spreadMs: { least: 0, most: 60_000 },
  maxAgeMs: { least: 60_000, most: 86_400_000 },
} as const;

/** The value inside its bounds; `factor` is the time scale. */
export function clamped(name: keyof typeof CLAMPS, value: number, factor = 1): number {
  const { least, most } = CLAMPS[name];
  return Math.min(Math.max(value, least * factor), most * factor);
}
