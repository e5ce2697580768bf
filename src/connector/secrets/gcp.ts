import { z } from "zod";
import { pathText, storeUrl } from "../dial/target-config.ts";
import { parseName } from "./gcp/name.ts";
import type { SecretStore, SecretStoreType } from "./secret-store.ts";

const WANTED = "must be projects/PROJECT/secrets/SECRET, with /versions/VERSION where one is pinned";

const ref = z.strictObject({
  name: z
    .string(WANTED)
    .refine((text) => parseName(text) !== undefined, WANTED)
    .describe(
      "projects/P/secrets/S, or projects/P/locations/L/secrets/S of a regional one; /versions/V pins a version",
    ),
});

const config = z.strictObject({
  endpoint: storeUrl
    .optional()
    .describe("https:// URL of Secret Manager, where it is not Google's own for the secret's location"),
  credentialsFile: pathText
    .optional()
    .describe("credentials JSON; default: GOOGLE_APPLICATION_CREDENTIALS, gcloud's own, the metadata server"),
});

export type GcpRef = z.infer<typeof ref>;
export type GcpConfig = z.infer<typeof config>;

/** Google Secret Manager by its REST API: why not by Google's own client is in docs/decisions.md. */
export const gcp: SecretStoreType<GcpRef, GcpConfig> = {
  type: "gcp",
  summary: "Google Secret Manager: global and regional secrets.",
  builtIn: true,
  gate: "label",
  ref,
  config,
  paths: [["credentialsFile"]],
  name: ({ name }) => name,
  facts: ({ name }) => {
    const { project = "", location = "", secretId = "" } = parseName(name) ?? {};
    return { secretProject: project, secretLocation: location, secretId };
  },
  open: (settings, place) => {
    let store: Promise<SecretStore<GcpRef>> | undefined;
    return {
      read: async (ref, signal) => {
        store ??= import("./gcp/store.ts").then(({ GcpStore }) => new GcpStore(settings, place));
        return (await store).read(ref, signal);
      },
      close: async () => (await store)?.close?.(),
    };
  },
};
