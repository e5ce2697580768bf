/** One event of the API's stream, kept for who was away for a moment. */
export interface FeedEvent {
  readonly id: string;
  readonly type: "connector" | "integration" | "secret" | "command";
  /** JSON */
  readonly data: string;
}

const MOST_EVENTS = 2_000;
const MOST_CHARACTERS = 8_388_608;

/** The last events, bounded. Readers come and go with the id of the last one that they had. */
export class Feed {
  readonly #boot: string;
  #events: FeedEvent[] = [];
  #characters = 0;
  /** Number of the first event that is kept. */
  #first = 1;
  #waiting = new Set<() => void>();

  /** `boot` tells this process from earlier ones: their ids are unknown here. */
  constructor(boot: string) {
    this.#boot = boot;
  }

  /** The id of the newest event. */
  get last(): string {
    return this.#id(this.#first + this.#events.length - 1);
  }

  publish(type: FeedEvent["type"], shown: unknown): void {
    const data = JSON.stringify(shown);
    this.#events.push({ id: this.#id(this.#first + this.#events.length), type, data });
    this.#characters += data.length;
    while (this.#events.length > MOST_EVENTS || this.#characters > MOST_CHARACTERS) this.#drop();
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** What came after that id, or undefined where it is too old or of another process. */
  after(id: string): readonly FeedEvent[] | undefined {
    const [boot, number] = id.split(":");
    const place = Number(number);
    if (boot !== this.#boot || !Number.isSafeInteger(place) || place < this.#first - 1) return undefined;
    if (place > this.#first + this.#events.length - 1) return undefined;
    return this.#events.slice(place - this.#first + 1);
  }

  /** Resolves at the next event, or when the signal aborts. */
  next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const wake = (): void => {
        signal.removeEventListener("abort", wake);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  #drop(): void {
    const dropped = this.#events.shift();
    this.#first += 1;
    this.#characters -= dropped?.data.length ?? 0;
  }

  #id(number: number): string {
    return `${this.#boot}:${number}`;
  }
}
