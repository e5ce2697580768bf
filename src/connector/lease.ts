import type { Clock } from "./clock.ts";

/** The Lease as far as it matters here. https://kubernetes.io/docs/concepts/architecture/leases/ */
export interface LeaseState {
  /** Another one after the Lease was deleted and made again: terms are compared only of one uid. */
  readonly uid: string;
  readonly resourceVersion: string;
  /** "" where nobody holds it. */
  readonly holder: string;
  readonly durationMs: number;
  /** How often it changed hands. */
  readonly transitions: number;
  /** As it was written; only compared with what was seen before, never with our clock. */
  readonly renewTime: string;
}

/** Where the Lease is kept. Both reject with whatever they like: it counts as a try that failed. */
export interface LeaseStore {
  read(signal: AbortSignal): Promise<LeaseState>;
  /** Rejects where somebody wrote since `resourceVersion`. Gives what was written. */
  write(next: LeaseState, signal: AbortSignal): Promise<LeaseState>;
}

/** Which term of which Lease: what the control plane tells an older leader by. */
export interface Term {
  readonly uid: string;
  readonly transitions: number;
}

export interface LeadershipParts {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly store: LeaseStore;
  /** Who we are: the pod's name and uid. */
  readonly holder: string;
  /** Told of each failure to read or write, for the log; not of losing a race. */
  readonly onTrouble?: (error: unknown) => void;
}

/** As client-go has them by default: https://pkg.go.dev/k8s.io/client-go/tools/leaderelection */
export const LEASE_MS = 15_000;
export const RENEW_WITHIN_MS = 10_000;
export const RETRY_MS = 2_000;

/**
 * Waits for its turn to lead, and keeps it: one leader among those that share a Lease, as long as clocks run equally
 * fast. A holder counts as gone once its Lease did not change for its duration by our own monotonic clock.
 */
export class Leadership {
  readonly #parts: LeadershipParts;
  #seen: { readonly state: LeaseState; readonly at: number } | undefined;
  #held: LeaseState | undefined;
  /** When the last try that succeeded began, monotonic milliseconds: nobody else counts from earlier. */
  #renewedAt = 0;

  constructor(parts: LeadershipParts) {
    this.#parts = parts;
  }

  /** Resolves with the term once we lead, or with undefined where the signal aborted first. */
  async acquire(signal: AbortSignal): Promise<Term | undefined> {
    while (!signal.aborted) {
      const term = await this.#try(signal);
      if (term !== undefined) return term;
      await this.#pause(signal);
    }
    return undefined;
  }

  /** Renews until the signal aborts, or until it did not come to that for too long: then we lead no more. */
  async keep(signal: AbortSignal): Promise<"over" | "lost"> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      await this.#pause(signal);
      if (signal.aborted) break;
      const late = new AbortController();
      const left = this.#renewedAt + RENEW_WITHIN_MS - clock.tick();
      // After a pause of the whole process the time may be over before anything was tried.
      if (left <= 0) return "lost";
      const done = new AbortController();
      void clock.sleep(left, done.signal).then(() => late.abort());
      const term = await this.#try(AbortSignal.any([signal, late.signal]));
      done.abort();
      if (term !== undefined) continue;
      if (this.#held === undefined || clock.tick() - this.#renewedAt >= RENEW_WITHIN_MS) return "lost";
    }
    return "over";
  }

  /** Gives the Lease up, so that the next one need not wait. Never rejects. */
  async release(signal: AbortSignal): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    const { store, holder } = this.#parts;
    try {
      // Read anew: somebody may have written something else of it, a label say.
      const state = await store.read(signal);
      if (state.holder !== holder || state.uid !== held.uid) return;
      await store.write({ ...state, holder: "", durationMs: 1_000, renewTime: this.#now() }, signal);
    } catch (error) {
      this.#parts.onTrouble?.(error);
    }
  }

  /** One try to get or to renew it. Undefined where it is another one's, or the try failed. */
  async #try(signal: AbortSignal): Promise<Term | undefined> {
    const { store, holder, onTrouble, clock } = this.#parts;
    const startedAt = clock.tick();
    let state: LeaseState;
    try {
      state = await store.read(signal);
    } catch (error) {
      if (!signal.aborted) onTrouble?.(error);
      return undefined;
    }
    const isOurs = state.holder === holder && this.#held !== undefined && this.#held.uid === state.uid;
    if (!isOurs && this.#isHeld(state)) {
      this.#held = undefined;
      return undefined;
    }
    const transitions = isOurs ? state.transitions : state.transitions + 1;
    const next = { ...state, holder, transitions, durationMs: LEASE_MS, renewTime: this.#now() };
    try {
      this.#held = await store.write(next, signal);
      this.#seen = { state: this.#held, at: clock.tick() };
      this.#renewedAt = startedAt;
      return { uid: this.#held.uid, transitions: this.#held.transitions };
    } catch (error) {
      if (!signal.aborted) onTrouble?.(error);
      return undefined;
    }
  }

  /** Whether somebody else leads: their Lease changed within its duration, by our own clock. */
  #isHeld(state: LeaseState): boolean {
    const now = this.#parts.clock.tick();
    const before = this.#seen?.state;
    const isSame =
      before !== undefined &&
      before.uid === state.uid &&
      before.renewTime === state.renewTime &&
      before.holder === state.holder;
    if (!isSame) this.#seen = { state, at: now };
    // Our own name without our having it: an earlier process of this pod, and that has ended.
    if (state.holder === "" || state.holder === this.#parts.holder) return false;
    return now - (this.#seen?.at ?? now) < state.durationMs;
  }

  #now(): string {
    // MicroTime: six digits.
    return new Date(this.#parts.clock.now()).toISOString().replace("Z", "000Z");
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts;
    await clock.sleep(RETRY_MS * (1 + 0.2 * random()), signal);
  }
}
