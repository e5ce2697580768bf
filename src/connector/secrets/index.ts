import { env } from "./env.ts";
import { file } from "./file.ts";
import type { SecretStoreType } from "./secret-store.ts";

/** Every kind of secret store. */
export const SECRET_STORES: readonly SecretStoreType[] = [file, env];
