import type { AzureConfig } from "../azure.ts";
import type { StorePlace } from "../secret-store.ts";

/** Who the connector is for Entra, and where it gets its tokens. Ids are shown, secrets stand in files. */
export type Identity =
  | {
      readonly how: "federated" | "secret";
      /** Holds the token of the cluster, or the client secret. */
      readonly file: string;
      readonly clientId: string | undefined;
      readonly tenantId: string | undefined;
      readonly authority: string;
    }
  | {
      readonly how: "app-service";
      readonly endpoint: string;
      readonly header: string;
      readonly clientId: string | undefined;
    }
  | { readonly how: "imds"; readonly endpoint: string; readonly clientId: string | undefined };

const AUTHORITY = "https://login.microsoftonline.com";
/** https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token */
const IMDS = "http://169.254.169.254";

/**
 * The federated token of the environment (Azure Workload Identity), else the managed identity that the environment
 * names (App Service, Container Apps), else the client secret of the declaration, else the machine's managed identity.
 * The last can be found by asking alone: so a secret that was declared comes before it.
 */
export function identityOf(config: AzureConfig, { environment }: StorePlace): Identity {
  const clientId = config.clientId ?? environment["AZURE_CLIENT_ID"];
  const tenantId = config.tenantId ?? environment["AZURE_TENANT_ID"];
  const authority = (config.authority ?? environment["AZURE_AUTHORITY_HOST"] ?? AUTHORITY).replace(
    /\/+$/,
    "",
  );
  const file = environment["AZURE_FEDERATED_TOKEN_FILE"];
  if (file !== undefined && file !== "") return { how: "federated", file, clientId, tenantId, authority };
  const { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header } = environment;
  if (endpoint !== undefined && header !== undefined && URL.canParse(endpoint))
    return { how: "app-service", endpoint, header, clientId };
  if (config.clientSecretFile !== undefined)
    return { how: "secret", file: config.clientSecretFile, clientId, tenantId, authority };
  const imds = (environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] ?? IMDS).replace(/\/+$/, "");
  return { how: "imds", endpoint: URL.canParse(imds) ? imds : IMDS, clientId };
}

/** How it is named to people; `subject` is whom the federated token is for. */
export function labelOf(identity: Identity, tenant: string | undefined, subject?: string): string {
  const { how, clientId } = identity;
  const client = clientId === undefined ? "" : ` (client ${clientId})`;
  if (how === "app-service") return `the managed identity of this app${client}`;
  if (how === "imds") return `the managed identity of this machine${client}`;
  const whose = subject === undefined ? "" : ` with the token of ${subject}`;
  return `client ${clientId ?? "(none)"} of tenant ${tenant ?? "(none)"}${whose}`;
}
