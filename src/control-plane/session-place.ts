import type { Sha256 } from "../protocol/digest.ts";
import type { Profile, Timings } from "../protocol/limits.ts";
import type { Clock, Random } from "./clock.ts";
import type { Commands } from "./commands.ts";
import type { Hub } from "./hub.ts";
import type { Log } from "./log.ts";
import type { Notify } from "./notify.ts";
import type { Samples } from "./samples.ts";
import type { Store } from "./store/store.ts";

/** Text frames to one connector. */
export interface Transport {
  /** Resolves when the frame was handed to the network; rejects when the socket ended. */
  send(frame: string): Promise<void>;
  /** Says why, then ends, at the latest after five seconds. */
  close(code: number, reason: string): void;
  /** Ends at once. */
  terminate(): void;
  /** Bytes that wait to be handed to the network. */
  bufferedBytes(): number;
}

/** Who was authenticated at the upgrade. */
export interface Credential {
  readonly connectorId: string;
  readonly connector: string;
  readonly keyId: string;
}

/** What sessions count. */
export interface SessionCounters {
  ackSeconds(seconds: number): void;
  ignored(what: "type" | "attribute"): void;
  refused(what: string): void;
}

/** What every session shares. */
export interface SessionPlace {
  readonly controlPlaneId: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly profile: Profile;
  readonly timings: Timings;
  readonly sha256: Sha256;
  readonly hub: Hub;
  readonly commands: Commands;
  readonly samples: Samples;
  readonly notify: Notify;
  readonly counters: SessionCounters;
  readonly log: Log;
}
