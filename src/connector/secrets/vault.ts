import { z } from "zod";
import { storeUrl } from "../dial/target-config.ts";
import type { SecretStore, SecretStoreType } from "./secret-store.ts";
import { type Auth, auth } from "./vault/auth.ts";

const innerPath = (what: string): z.ZodString =>
  z
    .string(`must be ${what}`)
    .regex(/^[^/\s][^\s]*$/, `must be ${what}, without a / at its beginning and without spaces`)
    .regex(/[^/]$/, "must not end with a /")
    .refine(
      (text) => !text.split("/").some((part) => /^\.{0,2}$/.test(part)),
      "has an empty part, a . or a ..",
    );

const ref = z.strictObject({
  mount: innerPath("where the KV engine is mounted").describe(
    "where the KV engine is mounted: secret, team/kv",
  ),
  path: innerPath("the secret's path in the mount").describe(
    "the secret's path in the mount, as `vault kv get` takes it: without data/",
  ),
  version: z.int().min(1).optional().describe("a version of it, KV v2 alone; default the newest"),
});

const config = z.strictObject({
  address: storeUrl.describe("where Vault or OpenBao is, https://HOST:8200"),
  namespace: innerPath("a namespace").optional().describe("the namespace that logins and secrets are in"),
  auth,
});

/** What a secret of this kind is named by. */
export type VaultRef = z.infer<typeof ref>;
export type VaultConfig = z.infer<typeof config>;

/** HashiCorp Vault or OpenBao: the KV engine, version 1 or 2. */
export const vault: SecretStoreType<VaultRef, VaultConfig> = {
  type: "vault",
  summary: "HashiCorp Vault or OpenBao: a secret of the KV engine, version 1 or 2.",
  builtIn: false,
  gate: "custom metadata",
  gateByDefault: false,
  ref,
  config,
  paths: [
    ["auth", "tokenFile"],
    ["auth", "secretIdFile"],
  ],
  name: ({ mount, path }) => `${mount}/${path}`,
  facts: ({ mount, path, version }, _place, { config }) => ({
    mount,
    vaultPath: path,
    vaultAddress: config.address.replace(/\/+$/, ""),
    ...(version === undefined ? {} : { wantedVersion: version }),
    ...(config.namespace === undefined ? {} : { vaultNamespace: config.namespace }),
    ...authFacts(config.auth),
  }),
  open: (settings, place) => {
    let opening: Promise<SecretStore<VaultRef>> | undefined;
    const opened = (): Promise<SecretStore<VaultRef>> =>
      (opening ??= import("./vault/store.ts").then(({ openVault }) => openVault(settings, place)));
    return {
      read: async (ref, signal) => (await opened()).read(ref, signal),
      close: async () => (await opening)?.close?.(),
    };
  },
};

/** How the connector logs in, for the words of whatever fails. */
function authFacts(auth: Auth): Record<string, string> {
  const { method } = auth;
  if (method === "token") return { authMethod: method, credentialFile: auth.tokenFile };
  const { mount } = auth;
  if (method === "approle")
    return { authMethod: method, authMount: mount, roleId: auth.roleId, credentialFile: auth.secretIdFile };
  return { authMethod: method, authMount: mount, authRole: auth.role, credentialFile: auth.tokenFile };
}
