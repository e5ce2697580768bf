import type { Feed } from "./feed.ts";
import type { Log } from "./log.ts";
import type { Notify } from "./notify.ts";
import type { ConnectorRow } from "./store/rows.ts";
import type { Reads } from "./store/store.ts";
import type { View } from "./view.ts";

/** Names that wait for one connector before all of its integrations are told instead. */
const MOST_NAMES = 5_000;

interface Waiting {
  connector: boolean;
  /** null: all, and all secrets too. */
  names: Set<string> | null;
  secrets: Set<string>;
}

/** Turns "this changed" into events that carry what the API would answer now. What waits is told once. */
export class Publisher implements Notify {
  readonly #place: { readonly reads: Reads; readonly view: View; readonly feed: Feed; readonly log: Log };
  #connectors = new Map<string, Waiting>();
  #commands = new Set<string>();
  readonly #removed = new Map<string, string>();
  #working: Promise<void> | undefined;

  constructor(place: { reads: Reads; view: View; feed: Feed; log: Log }) {
    this.#place = place;
  }

  connector(id: string): void {
    this.#of(id).connector = true;
    this.#work();
  }

  integrations(connectorId: string, names: readonly string[] | null): void {
    const waiting = this.#of(connectorId);
    if (names === null || (waiting.names?.size ?? 0) > MOST_NAMES) waiting.names = null;
    else for (const name of names) waiting.names?.add(name);
    this.#work();
  }

  secrets(connectorId: string, ids: readonly string[]): void {
    const { secrets } = this.#of(connectorId);
    for (const id of ids) secrets.add(id);
    this.#work();
  }

  command(id: string): void {
    this.#commands.add(id);
    this.#work();
  }

  /** A connector is gone; its rows are not there to be read. */
  removed(id: string, name: string): void {
    this.#removed.set(id, name);
    this.connector(id);
  }

  /** Resolves when all that waited is told. */
  async idle(): Promise<void> {
    await this.#working;
  }

  #of(connectorId: string): Waiting {
    const known = this.#connectors.get(connectorId);
    if (known !== undefined) return known;
    const made: Waiting = { connector: false, names: new Set(), secrets: new Set() };
    this.#connectors.set(connectorId, made);
    return made;
  }

  #work(): void {
    this.#working ??= this.#tellAll()
      .catch((error: unknown) => this.#place.log.error({ err: error }, "events could not be told"))
      .finally(() => {
        this.#working = undefined;
      });
  }

  async #tellAll(): Promise<void> {
    // What changes in the same turn is told together.
    await Promise.resolve();
    while (this.#connectors.size > 0 || this.#commands.size > 0) {
      const [connectors, commands] = [this.#connectors, this.#commands];
      this.#connectors = new Map();
      this.#commands = new Set();
      for (const [id, waiting] of connectors) await this.#tellConnector(id, waiting);
      for (const id of commands) await this.#tellCommand(id);
    }
  }

  async #tellConnector(id: string, waiting: Waiting): Promise<void> {
    const { reads, view, feed } = this.#place;
    const row = await reads.connector(id);
    const gone = this.#removed.get(id);
    if (row === undefined) {
      if (gone !== undefined) feed.publish("connector", { name: gone, id, removed: true });
      this.#removed.delete(id);
      return;
    }
    if (waiting.connector) feed.publish("connector", await view.connector(row));
    if (waiting.names === null) await this.#tellAllOf(row);
    else for (const name of waiting.names) await this.#tellIntegration(row, name);
    if (waiting.names !== null) for (const secret of waiting.secrets) await this.#tellSecret(row, secret);
  }

  async #tellIntegration(connector: ConnectorRow, name: string): Promise<void> {
    const { reads, view, feed } = this.#place;
    const row = await reads.integration(connector.id, name);
    const shown =
      row === undefined
        ? { connector: connector.name, name, removed: true }
        : view.integration(row, connector);
    feed.publish("integration", shown);
  }

  async #tellSecret(connector: ConnectorRow, id: string): Promise<void> {
    const { reads, view, feed } = this.#place;
    const row = await reads.secret(connector.id, id);
    const shown =
      row === undefined ? { connector: connector.name, id, removed: true } : view.secret(row, connector);
    feed.publish("secret", shown);
  }

  async #tellAllOf(connector: ConnectorRow): Promise<void> {
    const { reads, view, feed } = this.#place;
    let cursor: string | undefined;
    do {
      const page = await reads.integrations({ connectorId: connector.id }, { limit: 500, cursor });
      for (const row of page.items) feed.publish("integration", view.integration(row, connector));
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    do {
      const page = await reads.secrets({ connectorId: connector.id }, { limit: 500, cursor });
      for (const row of page.items) feed.publish("secret", view.secret(row, connector));
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
  }

  async #tellCommand(id: string): Promise<void> {
    const { reads, view, feed } = this.#place;
    const row = await reads.command(id);
    if (row !== undefined) feed.publish("command", await view.command(row));
  }
}
