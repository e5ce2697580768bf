import type { z } from "zod";
import type { Evidence } from "../../protocol/words.ts";
import type { Clock } from "../clock.ts";
import type { Network } from "../dial/network.ts";

/** What a store gives: a text that is a JSON object or one plain value, or named fields; and what it knows of them. */
export interface Secret {
  readonly text?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  /** The store's own name of this version, where it has one. */
  readonly version?: string;
  /** When this version was made, epoch milliseconds. */
  readonly createdAt?: number;
  /** When the store will stop giving it, or its author said that it ends, epoch milliseconds. */
  readonly expiresAt?: number;
  /** The newest version there is, where the reference pins an older one. */
  readonly newerVersion?: string;
}

/** A store that was set up. One client serves all of its secrets. */
export interface SecretStore<Ref = unknown> {
  /**
   * Reads it from the store, each time. Throws Failure("secret", …) with evidence that is safe to show: what the
   * store answers in its own words is never among it. Ends soon after the signal aborts. The value never leaves the
   * process.
   */
  read(ref: Ref, signal: AbortSignal): Promise<Secret>;
  /** Hangs up. A read after it is none of ours. */
  close?(): Promise<void>;
}

/** What a store may use of the place it runs in. */
export interface StorePlace {
  /** Paths in the configuration are relative to this folder. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /**
   * How names are looked up and whom TLS trusts. Its policy allows every address: a store and its identity are named
   * by the local file alone.
   */
  readonly network: Network;
}

/** The opt-in gate: a secret is read only where one of the keys is a tag or label of it with the value `true`. */
export interface OptIn {
  readonly required: boolean;
  /** The key and its aliases, in the order in which they are named to people. */
  readonly keys: readonly string[];
}

/** A store as it is declared, or the defaults of a built-in one. Paths are absolute. */
export interface StoreSettings<Config = unknown> {
  readonly config: Config;
  readonly optIn: OptIn;
  /** A PEM file whose certificates are trusted besides the system's. */
  readonly ca?: string | undefined;
  /** `none` or a proxy's URL; absent: what the environment says. */
  readonly proxy?: string | undefined;
}

/** One kind of secret store. */
export interface SecretStoreType<Ref = unknown, Config = unknown> {
  /** The word in the configuration. */
  readonly type: string;
  readonly summary: string;
  /** Whether a store of this name is there without a declaration. */
  readonly builtIn: boolean;
  /** Read anew at each look unless the declaration says otherwise: it costs nothing. */
  readonly local?: boolean;
  /** What marks a secret as meant for the connector, for people: `tag`, `label`; absent where it has none. */
  readonly gate?: string;
  /** false: the gate is on where the declaration says so, whatever the environment's default is. */
  readonly gateByDefault?: boolean;
  /** The members of `secret:` besides `store` and `fields`. */
  readonly ref: z.ZodType<Ref>;
  /** The kind's own members of `config`; those that all stores share are added to it. */
  readonly config: z.ZodType<Config>;
  /** The members of `config` that are paths, besides `ca`: relative to the configuration file, made absolute. */
  readonly paths?: readonly (readonly string[])[];
  /** The NAME in the sentence. */
  name(ref: Ref, place: StorePlace): string;
  /** Names for the words of whatever fails. They are what the store's own words (protocol/store-words) ask for. */
  facts(ref: Ref, place: StorePlace, settings: StoreSettings<Config>): Evidence;
  /** Sets it up. Neither reads nor dials: what is heavy is loaded at the first `read`. */
  open(settings: StoreSettings<Config>, place: StorePlace): SecretStore<Ref>;
}
