import type { IntegrationType } from "../integrations/integration.ts";
import type { Problem } from "../item.ts";
import type { AgeLimits } from "../secrets/age.ts";
import type { SecretStore, SecretStoreType, StorePlace, StoreSettings } from "../secrets/secret-store.ts";
import type { Source } from "./document.ts";
import type { Judge } from "./judge.ts";

/** What a configuration may name. */
export interface Kinds {
  readonly types: readonly IntegrationType[];
  readonly stores: readonly SecretStoreType[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Stores that were set up before, by what they were set up with: a reload keeps their clients. */
  readonly opened: Map<string, SecretStore>;
}

export interface NamedStore {
  readonly type: SecretStoreType;
  readonly settings: StoreSettings;
  readonly store: SecretStore;
  /** Milliseconds; 0: at each look. */
  readonly rereadMs: number;
  readonly ages: AgeLimits;
}

/** The stores that an integration may name: the built-in ones, and those that the file declares. */
export interface Stores {
  readonly byName: ReadonlyMap<string, NamedStore>;
  /** Something is wrong with what the file declares: a name that is missing may be one of those. */
  readonly broken: boolean;
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
