import { aws } from "./aws.ts";
import { azure } from "./azure.ts";
import { env } from "./env.ts";
import { file } from "./file.ts";
import { gcp } from "./gcp.ts";
import { kubernetes } from "./kubernetes.ts";
import type { SecretStoreType } from "./secret-store.ts";
import { vault } from "./vault.ts";

/** Every kind of secret store. */
export const SECRET_STORES: readonly SecretStoreType[] = [file, env, aws, gcp, kubernetes, vault, azure];
