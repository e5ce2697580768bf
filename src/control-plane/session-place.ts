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
  /** Calls back once, when the frame was handed to the network or the socket ended. */
  send(frame: string, left: () => void): void;
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

/** How a frame broke the protocol. All but `data` and `too_large` end the session. */
export type Breach =
  | "json"
  | "envelope"
  | "data"
  | "too_large"
  | "too_many_unreadable"
  | "foreign_source"
  | "not_from_a_connector"
  | "before_hello"
  | "before_ready"
  | "hello"
  | "ready";

/** What sessions count. */
export interface SessionCounters {
  ackSeconds(seconds: number): void;
  ignored(what: "type" | "attribute"): void;
  refused(what: Breach): void;
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
