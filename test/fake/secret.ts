import type { BoundSecret } from "../../src/connector/check.ts";
import type { Kinds } from "../../src/connector/config/context.ts";
import { storePlace } from "../../src/connector/config/stores.ts";
import { INTEGRATION_TYPES } from "../../src/connector/integrations/index.ts";
import { SECRET_STORES } from "../../src/connector/secrets/index.ts";
import type { StorePlace, StoreSettings } from "../../src/connector/secrets/secret-store.ts";

/** A secret of an integration: what a test does not say is of no account to it. */
export function boundSecret(said: Partial<BoundSecret> & Pick<BoundSecret, "read">): BoundSecret {
  const ages = { expiresWithinMs: 0 };
  const rest = { id: "file-1", store: "file", name: "./token", facts: {}, mapping: {}, rereadMs: 0, ages };
  return { ...rest, ...said };
}

/** Settings of a store with the defaults of a plain process. */
export function settings<Config>(config: Config, said: Partial<StoreSettings> = {}): StoreSettings<Config> {
  const optIn = { required: false, keys: ["mooring-connector-read", "apono-connector-read"] };
  return { optIn, ...said, config };
}

/** A place with this environment, and this machine's own names. */
export function place(environment: Record<string, string> = {}, directory = "/"): StorePlace {
  return storePlace(directory, environment);
}

/** Every type and every store, with this environment. */
export function kinds(environment: Record<string, string> = {}): Kinds {
  return { types: INTEGRATION_TYPES, stores: SECRET_STORES, environment, opened: new Map() };
}
