/** The control plane's REST API from the test's own process, through its Service, with TLS as a browser would have it. */
import { Agent, fetch } from "undici";
import {
  eventually,
  type ShownConnector,
  type ShownIntegration,
  type Transition,
} from "../../process/programs.ts";

export interface RestPlace {
  /** https://HOST:PORT; the HOST need not resolve here. */
  readonly url: string;
  /** The address of the Service. */
  readonly address: string;
  readonly ca: string;
  readonly token: string;
}

export class Rest {
  readonly #place: RestPlace;
  readonly #agent: Agent;

  constructor(place: RestPlace) {
    this.#place = place;
    const { ca, address } = place;
    const lookup = (_: string, __: object, found: (error: null, all: object[]) => void): void =>
      found(null, [{ address, family: 4 }]);
    this.#agent = new Agent({ connect: { ca, lookup: lookup as never } });
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.#place.url}/api/v1${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${this.#place.token}`, "content-type": "application/json" },
      signal: AbortSignal.timeout(10_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  get<T>(path: string): Promise<T> {
    return this.call("GET", path);
  }

  /** What a path answers as soon as it fits. What is not there yet, or does not answer, is asked again. */
  async until<T>(path: string, fits: (answer: T) => boolean, ms = 60_000): Promise<T> {
    let last = "";
    const look = async (): Promise<T | undefined> => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      try {
        const answer = await this.get<T>(path);
        last = JSON.stringify(answer);
        return fits(answer) ? answer : undefined;
      } catch (error) {
        last = String(error);
        return undefined;
      }
    };
    return eventually(path, look, { ms, seen: () => last });
  }

  /** `name` is CONNECTOR/INTEGRATION. */
  integrationIs(name: string, state: string, ms?: number): Promise<ShownIntegration> {
    return this.until<ShownIntegration>(`/integrations/${name}`, (shown) => shown.state === state, ms);
  }

  connectorIs(name: string, state: string, ms?: number): Promise<ShownConnector> {
    return this.until<ShownConnector>(`/connectors/${name}`, (shown) => shown.state === state, ms);
  }

  /** Has it looked at now, and waits until that has ended. `path` is that of the integration. */
  async refresh(path: string): Promise<void> {
    const { commandId } = await this.call<{ commandId: string }>("POST", `${path}/refresh`);
    const ended = new Set(["succeeded", "failed", "expired", "cancelled"]);
    await this.until<{ state: string }>(`/commands/${commandId}`, ({ state }) => ended.has(state));
  }

  /** All transitions of an integration, oldest first. */
  async history(name: string): Promise<readonly Transition[]> {
    const { items } = await this.get<{ items: Transition[] }>(`/integrations/${name}/history?limit=500`);
    return items.toReversed();
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
