import { StoreHttp } from "../../dial/store-http.ts";
import type { AzureConfig, AzureRef } from "../azure.ts";
import type { SecretStore, StorePlace, StoreSettings } from "../secret-store.ts";
import { identityOf } from "./identity.ts";
import { KeyVault } from "./key-vault.ts";
import { readSecret } from "./read.ts";
import { Tokens } from "./tokens.ts";

/** Azure's vaults, as one identity. */
export function openAzure(settings: StoreSettings<AzureConfig>, place: StorePlace): SecretStore<AzureRef> {
  const { config, optIn, ca, proxy } = settings;
  const { clock, network } = place;
  const http = new StoreHttp({ clock, network, ca, proxy });
  const near = new StoreHttp({ clock, network, proxy: "none" });
  const identity = identityOf(config, place);
  const tokens = new Tokens({ identity, clock, http, near });
  const keyVault = new KeyVault(http, tokens, identity);
  return {
    read: (ref, signal) => readSecret({ keyVault, optIn, clock, identity, signal }, ref),
    close: async () => {
      await Promise.all([http.close(), near.close()]);
    },
  };
}
