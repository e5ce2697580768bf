import { z } from "zod";
import { pathText, storeUrl } from "../dial/target-config.ts";
import type { SecretStore, SecretStoreType } from "./secret-store.ts";
import { vaultLabel, vaultNameOf } from "./azure/names.ts";

const ref = z.strictObject({
  // Its host is what people and the policy know the secret by.
  vault: storeUrl
    .refine((text) => !URL.canParse(text) || new URL(text).pathname === "/", {
      error: "holds a path; write https://NAME.vault.azure.net",
    })
    .describe("the vault's URL, https://NAME.vault.azure.net"),
  name: z
    .string("must be the secret's name")
    .regex(/^[0-9A-Za-z-]{1,127}$/, "must be a secret's name: letters, digits and hyphens, at most 127")
    .describe("the secret's name"),
  version: z
    .string("must be a version's identifier")
    .regex(/^[0-9A-Za-z]{1,64}$/, "must be a version's identifier, as the end of a secret's id shows it")
    .optional()
    .describe("a version's identifier; default the newest"),
});

const guid = (what: string): z.ZodString =>
  z.string(`must be ${what}`).regex(/^[0-9A-Za-z.-]{1,128}$/, `must be ${what}`);

const config = z.strictObject({
  authority: storeUrl
    .optional()
    .describe("where tokens are given; default AZURE_AUTHORITY_HOST, else https://login.microsoftonline.com"),
  clientId: guid("a client id")
    .optional()
    .describe("the application's or managed identity's client id; default AZURE_CLIENT_ID"),
  tenantId: guid("a tenant's id or domain")
    .optional()
    .describe("the tenant; default AZURE_TENANT_ID, else the one that the vault names"),
  clientSecretFile: pathText
    .optional()
    .describe("file that holds a client secret, where the environment gives no identity"),
});

export type AzureRef = z.infer<typeof ref>;
export type AzureConfig = z.infer<typeof config>;

/** Azure Key Vault. */
export const azure: SecretStoreType<AzureRef, AzureConfig> = {
  type: "azure",
  summary: "Azure Key Vault.",
  builtIn: false,
  gate: "tag",
  ref,
  config,
  paths: [["clientSecretFile"]],
  name: ({ vault, name }) => `${vaultLabel(vault)}/${name}`,
  facts: ({ vault, name, version }) => ({
    vaultHost: vaultLabel(vault),
    vaultName: vaultNameOf(vault),
    secretName: name,
    ...(version === undefined ? {} : { wantedVersion: version }),
  }),
  open: (settings, place) => {
    let opening: Promise<SecretStore<AzureRef>> | undefined;
    const opened = (): Promise<SecretStore<AzureRef>> =>
      (opening ??= import("./azure/store.ts").then(({ openAzure }) => openAzure(settings, place)));
    return {
      read: async (ref, signal) => (await opened()).read(ref, signal),
      close: async () => (await opening)?.close?.(),
    };
  },
};
