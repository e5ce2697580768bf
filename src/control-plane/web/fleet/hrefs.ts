/** The address of a connector's view. */
export function connectorHref(name: string): string {
  return `/connectors/${encodeURIComponent(name)}`;
}

/** The address of a secret's view: its path in the REST API. */
export function secretHref(secret: { readonly connector: string; readonly id: string }): string {
  return `/secrets/${encodeURIComponent(secret.connector)}/${encodeURIComponent(secret.id)}`;
}

/** The address of an integration's view: its path in the REST API. */
export function integrationHref(item: { readonly connector: string; readonly name: string }): string {
  return `/integrations/${encodeURIComponent(item.connector)}/${encodeURIComponent(item.name)}`;
}
