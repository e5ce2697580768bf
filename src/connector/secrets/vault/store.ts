import { StoreHttp } from "../../dial/store-http.ts";
import { Failure } from "../../failure.ts";
import type { Secret, SecretStore, StorePlace, StoreSettings } from "../secret-store.ts";
import type { VaultConfig, VaultRef } from "../vault.ts";
import { Api } from "./api.ts";
import { createIdentity, deadToken, type Identity } from "./identity.ts";
import { Mounts } from "./mounts.ts";
import { readKv } from "./kv.ts";
import { RefusedToken } from "./denied.ts";

/** One Vault, as one identity. */
export function openVault(settings: StoreSettings<VaultConfig>, place: StorePlace): SecretStore<VaultRef> {
  const { config, optIn, ca, proxy } = settings;
  const { clock, network } = place;
  const http = new StoreHttp({ clock, network, ca, proxy });
  const api = new Api({ http, address: config.address, namespace: config.namespace });
  const identity = createIdentity(config.auth, api, clock);
  const mounts = new Mounts();
  const dead = (): Failure => deadToken(config.auth, identity.label);
  return {
    read: (ref, signal) =>
      inOrder(api, signal, () =>
        withToken(identity, signal, dead, (token) =>
          readKv({ api, mounts, optIn, token, clock, signal }, ref),
        ),
      ),
    close: () => http.close(),
  };
}

/** A store that is away or sealed is told before an identity that is not taken: it has to be mended first. */
async function inOrder(api: Api, signal: AbortSignal, work: () => Promise<Secret>): Promise<Secret> {
  try {
    return await work();
  } catch (error) {
    const rejected = error instanceof Failure && error.reason === "store_identity_rejected";
    if (rejected) await api.assertServing(signal);
    throw error;
  }
}

/** With a token that Vault takes: one that it does not know any more is replaced, once. */
async function withToken(
  identity: Identity,
  signal: AbortSignal,
  dead: () => Failure,
  work: (token: string) => Promise<Secret>,
): Promise<Secret> {
  const token = await identity.token(signal);
  try {
    return await work(token);
  } catch (error) {
    if (!(error instanceof RefusedToken)) throw error;
  }
  identity.drop(token);
  const next = await identity.token(signal);
  if (next === token) throw dead();
  try {
    return await work(next);
  } catch (error) {
    throw error instanceof RefusedToken ? dead() : error;
  }
}
