import type { Clock } from "../clock.ts";
import { Failure } from "../failure.ts";

/** A token that was just given. */
export interface GivenToken {
  readonly value: string;
  /** How long it holds, milliseconds; Infinity where it has no end. */
  readonly lastsMs: number;
}

interface Flight {
  readonly over: AbortController;
  readonly token: Promise<string>;
  waiting: number;
}

/** A token is asked for anew once this much of its time has passed. */
const USED = 2 / 3;

/**
 * One identity's token: asked for once however many wait for it, kept until two thirds of its time are over, dropped
 * when it is refused. Whoever asks ends with the last that waits.
 */
export class KeptToken {
  readonly #clock: Clock;
  readonly #ask: (signal: AbortSignal) => Promise<GivenToken>;
  #kept: { readonly value: string; readonly until: number } | undefined;
  #flight: Flight | undefined;

  constructor(clock: Clock, ask: (signal: AbortSignal) => Promise<GivenToken>) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** Throws what asking throws, and Failure("secret", "store_timeout") where the signal aborts first. */
  async get(signal: AbortSignal): Promise<string> {
    if (this.#kept !== undefined && this.#clock.tick() < this.#kept.until) return this.#kept.value;
    const flight = (this.#flight ??= this.#fly());
    return await this.#wait(flight, signal);
  }

  /** Forgets it where it is still the one that is kept. */
  drop(value: string): void {
    if (this.#kept?.value === value) this.#kept = undefined;
  }

  #fly(): Flight {
    const over = new AbortController();
    const token = this.#fetch(over.signal).finally(() => {
      if (this.#flight === flight) this.#flight = undefined;
    });
    token.catch(() => {}); // Told to those that wait.
    const flight: Flight = { over, token, waiting: 0 };
    return flight;
  }

  async #fetch(signal: AbortSignal): Promise<string> {
    const started = this.#clock.tick();
    const { value, lastsMs } = await this.#ask(signal);
    this.#kept = { value, until: started + lastsMs * USED };
    return value;
  }

  async #wait(flight: Flight, signal: AbortSignal): Promise<string> {
    const left = Promise.withResolvers<never>();
    const leave = (): void => {
      flight.waiting -= 1;
      // The last one ends the asking, and hears how far it came.
      if (flight.waiting === 0) this.#end(flight);
      else left.reject(new Failure("secret", "store_timeout"));
    };
    flight.waiting += 1;
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([flight.token, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  #end(flight: Flight): void {
    if (this.#flight === flight) this.#flight = undefined;
    flight.over.abort();
  }
}
