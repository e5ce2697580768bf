/** Told of what changed, after it is committed: whoever shows it reads it anew. */
export interface Notify {
  connector(id: string): void;
  /** `names` null: all of the connector's. */
  integrations(connectorId: string, names: readonly string[] | null): void;
  secrets(connectorId: string, ids: readonly string[]): void;
  command(id: string): void;
}
