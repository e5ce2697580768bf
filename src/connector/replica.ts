import type { Leadership, Term } from "./lease.ts";
import type { Log } from "./log.ts";
import { StartError } from "./start.ts";

/** Why a connector ended by itself. */
export interface Ended {
  /** What kept it from beginning; absent where it only leads no more. */
  readonly trouble?: StartError;
}

export interface ReplicaParts {
  readonly leadership: Leadership;
  readonly log: Log;
  /** Begins to work: it is its turn. Rejects with a StartError where it cannot. */
  readonly begin: (term: Term) => Promise<void>;
  /** It may not work any more, or never could. */
  readonly onEnd: (ended: Ended) => void;
}

/** One of several replicas: it works while it holds the Lease, and ends where it could not keep it. */
export class Replica {
  readonly #parts: ReplicaParts;
  #leads = false;

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
  }

  get leads(): boolean {
    return this.#leads;
  }

  /** Waits for its turn, begins, and keeps the Lease until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { leadership, log, begin, onEnd } = this.#parts;
    const term = await leadership.acquire(signal);
    // Told to end while the Lease was written: it is given back, and nothing begins.
    if (term === undefined || signal.aborted) return;
    this.#leads = true;
    log.info("This replica leads now.", { transitions: term.transitions });
    // Kept from now on: to begin asks the API server, and that may take longer than the Lease lasts.
    const failed = new AbortController();
    const keeping = leadership.keep(AbortSignal.any([signal, failed.signal]));
    try {
      await begin(term);
    } catch (error) {
      failed.abort();
      await keeping;
      if (!(error instanceof StartError)) throw error;
      return onEnd({ trouble: error });
    }
    if ((await keeping) === "over") return;
    log.warn("This replica could not keep the Lease in time: it leads no more, and ends.");
    onEnd({});
  }

  /** Gives the Lease back, so that the next one need not wait for its end. */
  async release(): Promise<void> {
    await this.#parts.leadership.release(AbortSignal.timeout(RELEASE_MS));
  }
}

const RELEASE_MS = 2_000;
