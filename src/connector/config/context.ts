import type { IntegrationType } from "../integrations/integration.ts";
import type { Problem } from "../item.ts";
import type { SecretStore, SecretStoreType, StorePlace } from "../secrets/secret-store.ts";
import type { Source } from "./document.ts";
import type { Judge } from "./judge.ts";

/** What a configuration may name. */
export interface Kinds {
  readonly types: readonly IntegrationType[];
  readonly stores: readonly SecretStoreType[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface NamedStore {
  readonly type: SecretStoreType;
  readonly store: SecretStore;
}

/** The stores that an integration may name: the built-in ones, and those that the file declares. */
export interface Stores {
  readonly byName: ReadonlyMap<string, NamedStore>;
  readonly digest: string;
  readonly place: StorePlace;
}

/** What the judging of one file shares. */
export interface Context {
  readonly source: Source;
  readonly judge: Judge;
  readonly problems: Problem[];
  readonly kinds: Kinds;
  readonly stores: Stores;
  readonly place: StorePlace;
}
