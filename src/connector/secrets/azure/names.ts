/** The host in the NAME of a secret: with its port where that is not the usual one. */
export function vaultLabel(vault: string): string {
  return new URL(vault).host;
}

/** The vault's own name, as `az keyvault` takes it: the first label of its host. */
export function vaultNameOf(vault: string): string {
  const { hostname } = new URL(vault);
  return /^[a-z]/i.test(hostname) ? (hostname.split(".")[0] ?? hostname) : hostname;
}
