/** The domains of vaults in Azure's clouds. */
const VAULT_DOMAIN = /^[^.]+\.(vault\.azure\.net|vault\.azure\.cn|vault\.usgovcloudapi\.net)$/;

/** The domain of a vault in one of Azure's clouds; undefined for any other host. */
export function azureDomainOf(host: string): string | undefined {
  return VAULT_DOMAIN.exec(host)?.[1];
}

export function isAzureHost(host: string): boolean {
  return azureDomainOf(host) !== undefined;
}

/** The host in the NAME of a secret: with its port where that is not the usual one. */
export function vaultLabel(vault: string): string {
  return new URL(vault).host;
}

/** The vault's own name, as `az keyvault` takes it: the first label of its host. */
export function vaultNameOf(vault: string): string {
  const { hostname } = new URL(vault);
  return /^[a-z]/i.test(hostname) ? (hostname.split(".")[0] ?? hostname) : hostname;
}
