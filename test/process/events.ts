import { eventually, type Plane } from "./programs.ts";

/** One server-sent event. */
export interface ServerEvent {
  readonly id: string;
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A reader of GET /api/v1/events. Disposing it hangs up. */
export class Events implements AsyncDisposable {
  readonly received: ServerEvent[] = [];
  readonly #over = new AbortController();
  #reading: Promise<void> = Promise.resolve();

  /** Resolves once the control plane has answered. `lastId`: what comes after that event. */
  static async of(plane: Plane, lastId?: string): Promise<Events> {
    const events = new Events();
    const response = await fetch(`${plane.url}/api/v1/events`, {
      headers: {
        authorization: `Bearer ${plane.token}`,
        ...(lastId === undefined ? {} : { "last-event-id": lastId }),
      },
      signal: events.#over.signal,
    });
    if (response.status !== 200 || response.body === null) throw new Error(`events: ${response.status}`);
    events.#reading = events.#read(response.body.pipeThrough(new TextDecoderStream()));
    return events;
  }

  async #read(text: AsyncIterable<string>): Promise<void> {
    let rest = "";
    try {
      for await (const chunk of text) {
        const blocks = `${rest}${chunk}`.split("\n\n");
        rest = blocks.pop() ?? "";
        this.received.push(...blocks.flatMap(parsed));
      }
    } catch {
      // Hung up, by us or by the end of the control plane.
    }
  }

  /** The first event that fits, as soon as it came. */
  until(what: string, fits: (event: ServerEvent) => boolean, ms?: number): Promise<ServerEvent> {
    const seen = (): string =>
      JSON.stringify(this.received.map(({ event, data }) => [event, data["name"], data["state"]]));
    return eventually(what, () => this.received.find(fits), { seen, ...(ms === undefined ? {} : { ms }) });
  }

  /** The states that a connector was shown in, each once in a row. */
  statesOf(connector: string): string[] {
    const states = this.received
      .filter(({ event, data }) => event === "connector" && data["name"] === connector)
      .map(({ data }) => String(data["state"]));
    return states.filter((state, index) => state !== states[index - 1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#reading;
  }
}

/** One block of the stream; comments and blocks without data are none. */
function parsed(block: string): ServerEvent[] {
  const fields = new Map(
    block.split("\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")] as const;
    }),
  );
  const data = fields.get("data");
  if (data === undefined) return [];
  const { id = "", event = "" } = Object.fromEntries(fields);
  return [{ id, event, data: JSON.parse(data) as ServerEvent["data"] }];
}
