import { AWS } from "./aws.ts";
import { AZURE } from "./azure.ts";
import { GCP } from "./gcp.ts";
import { KUBERNETES } from "./kubernetes.ts";
import type { StoreWords } from "./store-words.ts";
import { VAULT } from "./vault.ts";

/** The words of each kind of secret store that has its own, by the word in the configuration. */
export const STORE_WORDS: Readonly<Record<string, StoreWords>> = {
  aws: AWS,
  azure: AZURE,
  gcp: GCP,
  kubernetes: KUBERNETES,
  vault: VAULT,
};
