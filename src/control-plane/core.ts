import { uuidv7 } from "../protocol/envelope.ts";
import {
  type Profile,
  type ProfileName,
  PROFILES,
  scaled,
  type Timings,
  TIMINGS,
} from "../protocol/limits.ts";
import type { Clock, Random } from "./clock.ts";
import { Commands } from "./commands.ts";
import { Feed } from "./feed.ts";
import { Hub } from "./hub.ts";
import { Liveness } from "./liveness.ts";
import type { Log } from "./log.ts";
import { Publisher } from "./publisher.ts";
import { Samples } from "./samples.ts";
import type { Store } from "./store/store.ts";
import { View } from "./view.ts";

export interface CorePlace {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly liveness: ProfileName;
  readonly timeScale: number;
  readonly publicUrl: string;
  readonly chart: string;
}

/** The control plane without its sockets. */
export interface Core {
  readonly store: Store;
  readonly profile: Profile;
  readonly timings: Timings;
  /** How often the hub is swept, milliseconds. */
  readonly sweepMs: number;
  readonly liveness: Liveness;
  readonly hub: Hub;
  readonly commands: Commands;
  readonly samples: Samples;
  readonly view: View;
  readonly feed: Feed;
  readonly publisher: Publisher;
}

/** Wires the parts; nothing runs yet. */
export function createCore(place: CorePlace): Core {
  const { store, clock, random, log, timeScale, publicUrl, chart } = place;
  const timings = scaled(TIMINGS, timeScale);
  const profile = scaled(PROFILES[place.liveness], timeScale);
  const sweepMs = Math.max(20, 250 * timeScale);
  const newId = (): string => uuidv7(clock.now(), random.bytes);
  const samples = new Samples();
  const liveness = new Liveness({ profile, timings, sweepMs }, () => clock.tick());
  const { duplicateMemoryMs } = timings;
  const lastSeenAt = (id: string): number | undefined => hub.lastSeenAt(id);
  const { heartbeatMs } = profile;
  const words = { publicUrl, chart, duplicateMemoryMs, heartbeatMs };
  const view = new View({ reads: store, clock, samples, ...words, lastSeenAt });
  const feed = new Feed(newId());
  const publisher = new Publisher({ reads: store, view, feed, log });
  const hub: Hub = new Hub({ store, clock, timings, liveness, notify: publisher, log });
  const commands = new Commands({
    store,
    clock,
    timings,
    notify: publisher,
    log,
    newId,
    isConnected: (id) => hub.has(id),
    send: (id, dispatch, expiresAt) => hub.dispatch(id, dispatch, expiresAt),
  });
  return { store, profile, timings, sweepMs, liveness, hub, commands, samples, view, feed, publisher };
}
