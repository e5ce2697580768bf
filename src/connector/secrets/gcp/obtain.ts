import { access } from "node:fs/promises";
import { resolve } from "node:path";
import type { Network } from "../../dial/network.ts";
import { StoreHttp } from "../../dial/store-http.ts";
import type { StorePlace, StoreSettings } from "../secret-store.ts";
import { type Credentials, readCredentials } from "./credentials.ts";
import { tokenByFederation } from "./federation.ts";
import type { Errand, Token } from "./identity.ts";
import { tokenByImpersonation } from "./impersonate.ts";
import { tokenByKey } from "./key.ts";
import { tokenByMetadata } from "./metadata.ts";
import { tokenByRefresh } from "./refresh.ts";
import type { Obtain } from "./tokens.ts";

type Settings = StoreSettings<{ readonly credentialsFile?: string | undefined }>;

export interface ObtainParts {
  readonly settings: Settings;
  readonly place: StorePlace;
  /** As the store's own: proxy, certificates. */
  readonly http: StoreHttp;
  readonly podTokenFile: string;
}

/**
 * Google's own order, https://cloud.google.com/docs/authentication/application-default-credentials: the file that is
 * named, that of GOOGLE_APPLICATION_CREDENTIALS, the one that gcloud leaves, the metadata server.
 */
export function obtainer({ settings, place, http, podTokenFile }: ObtainParts): {
  readonly obtain: Obtain;
  close(): Promise<void>;
} {
  const { clock, network, environment } = place;
  // It stands on the node itself: no proxy knows it.
  const near = new StoreHttp({ clock, network: withoutProxy(network), proxy: "none" });
  return {
    obtain: async (signal, asking) => {
      const file = named(settings, environment) ?? (await gcloudFile(environment));
      if (file !== undefined) {
        const token = await tokenByFile(await readCredentials(file), file, { http, clock, signal, asking });
        const quotaProject = environment["GOOGLE_CLOUD_QUOTA_PROJECT"] || token.quotaProject;
        return quotaProject === undefined ? token : { ...token, quotaProject };
      }
      const host = environment["GCE_METADATA_HOST"] || undefined;
      return await tokenByMetadata({ host, podTokenFile }, { http: near, clock, signal, asking });
    },
    close: () => near.close(),
  };
}

function withoutProxy(network: Network): Network {
  return { ...network, environment: {} };
}

function named({ config }: Settings, environment: StorePlace["environment"]): string | undefined {
  if (config.credentialsFile !== undefined) return config.credentialsFile;
  const told = environment["GOOGLE_APPLICATION_CREDENTIALS"];
  return told === undefined || told === "" ? undefined : resolve(told);
}

/** What `gcloud auth application-default login` leaves, where it is. */
async function gcloudFile(environment: StorePlace["environment"]): Promise<string | undefined> {
  const { CLOUDSDK_CONFIG, HOME } = environment;
  const folder = CLOUDSDK_CONFIG || (HOME === undefined ? undefined : resolve(HOME, ".config/gcloud"));
  if (folder === undefined) return undefined;
  const file = resolve(folder, "application_default_credentials.json");
  return await access(file).then(
    () => file,
    () => undefined,
  );
}

async function tokenByFile(credentials: Credentials, file: string, errand: Errand): Promise<Token> {
  switch (credentials.type) {
    case "service_account":
      return await tokenByKey(credentials, file, errand);
    case "authorized_user":
      return await tokenByRefresh(credentials, file, errand);
    case "external_account":
      return await tokenByFederation(credentials, file, errand);
    case "impersonated_service_account": {
      const { source_credentials, service_account_impersonation_url: url, delegates } = credentials;
      const source = await tokenByFile(source_credentials, file, errand);
      return await tokenByImpersonation(source, { url, delegates }, errand);
    }
  }
}
