import type { Clock } from "../../clock.ts";
import type { AzureRef } from "../azure.ts";
import type { OptIn } from "../secret-store.ts";
import type { Identity } from "./identity.ts";
import type { KeyVault } from "./key-vault.ts";

/** All that one reading needs. */
export interface Reading {
  readonly keyVault: KeyVault;
  readonly optIn: OptIn;
  readonly clock: Clock;
  readonly identity: Identity;
  readonly signal: AbortSignal;
}

export function secretUrl({ vault, name, version }: AzureRef): URL {
  return new URL(`${vault.replace(/\/+$/, "")}/secrets/${name}${version === undefined ? "" : `/${version}`}`);
}
