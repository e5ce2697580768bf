import { LIMITS } from "../protocol/limits.ts";
import type { Outbox, Sequenced } from "./outbox.ts";
import type { Terms } from "./terms.ts";

/** So many bytes in the socket, and nothing more is put into it. */
const MOST_BUFFERED = LIMITS.windowBytes;
/** A socket that is full is looked at again after this time. Milliseconds. */
const FULL_MS = 100;

/** How much of the outbox may go out: a window of what is not acked, and a rate. */
export class Pace {
  readonly #terms: Pick<Terms, "windowEvents" | "windowBytes" | "eventsPerSecond" | "eventsBurst">;
  #tokens: number;
  #tick: number;

  constructor(terms: Terms, tick: number) {
    this.#terms = terms;
    this.#tokens = terms.eventsBurst;
    this.#tick = tick;
  }

  /** Sends what may go. Gives the tick at which more may; never where that takes an ack or a new event. */
  pump(
    outbox: Outbox,
    { tick, buffered }: { readonly tick: number; readonly buffered: () => number },
    send: (event: Sequenced) => void,
  ): number {
    const perMs = this.#terms.eventsPerSecond / 1000;
    this.#tokens = Math.min(this.#terms.eventsBurst, this.#tokens + (tick - this.#tick) * perMs);
    this.#tick = tick;
    while (this.#fits(outbox)) {
      if (buffered() > MOST_BUFFERED) return tick + FULL_MS;
      if (this.#tokens < 1) return tick + Math.ceil((1 - this.#tokens) / perMs);
      const event = outbox.take();
      if (event === undefined) break;
      this.#tokens -= 1;
      send(event);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** One event may always be on its way, whatever the window says. */
  #fits(outbox: Outbox): boolean {
    const next = outbox.nextBytes;
    if (next === undefined) return false;
    const { events, bytes } = outbox.inFlight;
    return events === 0 || (events < this.#terms.windowEvents && bytes + next <= this.#terms.windowBytes);
  }
}
