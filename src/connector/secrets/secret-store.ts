import type { z } from "zod";
import type { Evidence } from "../../protocol/words.ts";

/** What a store gives: a text that is a JSON object or one plain value, or named fields. */
export interface Secret {
  readonly text?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  /** The store's own name of this version, where it has one. */
  readonly version?: string;
}

/** A store that was set up. One client serves all of its secrets. */
export interface SecretStore<Ref = unknown> {
  /** Throws Failure("secret", …). The value never leaves the process. */
  read(ref: Ref, signal: AbortSignal): Promise<Secret>;
}

/** What a store may use of the place it runs in. */
export interface StorePlace {
  /** Paths in the configuration are relative to this folder. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** One kind of secret store. */
export interface SecretStoreType<Ref = unknown> {
  /** The word in the configuration; a store of this name is built in. */
  readonly type: string;
  readonly summary: string;
  /** The members of `secret:` besides `store` and `fields`. */
  readonly ref: z.ZodType<Ref>;
  /** The NAME in the sentence. */
  name(ref: Ref): string;
  /** Names for the words of whatever fails. */
  facts(ref: Ref, place: StorePlace): Evidence;
  open(place: StorePlace): SecretStore<Ref>;
}
