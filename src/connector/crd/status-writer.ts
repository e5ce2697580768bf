import type { Clock } from "../clock.ts";
import type { KubernetesApi } from "../kubernetes/api.ts";
import { ApiFailure } from "../kubernetes/api-failure.ts";
import { Rate } from "./rate.ts";
import { API_VERSION, INTEGRATION_STATUS, KIND, type Which } from "./resource.ts";
import type { Status } from "./status.ts";

export interface StatusWriterParts {
  readonly api: Pick<KubernetesApi, "apply">;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Ends it; what waits is dropped. */
  readonly signal: AbortSignal;
  /** Told of each write, and why it failed where it did. */
  readonly onWritten: (namespace: string, failure?: ApiFailure) => void;
  /** Something that is no ApiFailure: a bug. */
  readonly onUnknown: (error: unknown) => void;
}

/** What one resource's status is to become. */
interface Wish {
  readonly which: Which;
  readonly status: Status;
  /** Monotonic milliseconds. */
  readonly notBefore: number;
  readonly failures: number;
}

export const FIELD_MANAGER = "mooring-connector";
/** Writes under way at once: of the few connections to the API server some stay free for others. */
const MOST_AT_ONCE = 2;
/** A connector with a thousand resources that all change has told so within a minute. */
const RATE = { perSecond: 20, burst: 40 };
/** Between two writes of one resource that came in a row. Milliseconds. */
const GAP_MS = 1_000;
const FIRST_WAIT_MS = 1_000;
const MOST_WAIT_MS = 60_000;

/**
 * Writes statuses by server-side apply: a few at once, at a bounded rate, the last one of each resource alone, again
 * after a failure (full jitter, 1 s to 60 s, or as it was told). A resource that is gone, or another one by now, is
 * left alone.
 */
export class StatusWriter {
  readonly #parts: StatusWriterParts;
  readonly #rate: Rate;
  /** By namespace and name, oldest first. */
  readonly #wishes = new Map<string, Wish>();
  readonly #busy = new Set<string>();
  #wake = new AbortController();
  readonly ended: Promise<void>;

  constructor(parts: StatusWriterParts) {
    this.#parts = parts;
    this.#rate = new Rate(parts.clock, RATE);
    const lanes = Array.from({ length: MOST_AT_ONCE }, () => this.#work());
    this.ended = Promise.all(lanes).then(() => undefined);
  }

  /** How many resources wait for a write. */
  get waiting(): number {
    return this.#wishes.size;
  }

  write(which: Which, status: Status): void {
    const key = keyOf(which);
    const old = this.#wishes.get(key);
    const { failures = 0, notBefore = 0 } = old?.which.uid === which.uid ? old : {};
    this.#wishes.set(key, { which, status, notBefore, failures });
    this.#wake.abort();
  }

  /** What waits for this resource is of no use any more. */
  drop(which: Pick<Which, "namespace" | "name">): void {
    this.#wishes.delete(keyOf(which));
  }

  async #work(): Promise<void> {
    const { clock, signal } = this.#parts;
    while (!signal.aborted) {
      const wait = this.#next();
      if (typeof wait !== "number") await this.#write(wait);
      else await clock.sleep(wait, AbortSignal.any([signal, this.#wake.signal]));
    }
  }

  /** The next wish, taken; or milliseconds to wait for one. */
  #next(): Wish | number {
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
    const tick = this.#parts.clock.tick();
    let soonest = MOST_WAIT_MS;
    for (const [key, wish] of this.#wishes) {
      if (this.#busy.has(key)) continue;
      if (wish.notBefore > tick) {
        soonest = Math.min(soonest, wish.notBefore - tick);
        continue;
      }
      const wait = this.#rate.take();
      if (wait > 0) return wait;
      this.#wishes.delete(key);
      return wish;
    }
    return soonest;
  }

  async #write(wish: Wish): Promise<void> {
    const { api, signal, onWritten, onUnknown } = this.#parts;
    const { which, status } = wish;
    const key = keyOf(which);
    this.#busy.add(key);
    try {
      const { namespace, name, uid } = which;
      const at = { namespace, name, subresource: "status" };
      const object = { apiVersion: API_VERSION, kind: KIND, metadata: { name, namespace, uid }, status };
      await api.apply(INTEGRATION_STATUS, at, object, { fieldManager: FIELD_MANAGER, force: true, signal });
      onWritten(namespace);
      this.#delay(key, GAP_MS, 0);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiFailure) this.#failed(wish, error);
      else onUnknown(error);
    } finally {
      this.#busy.delete(key);
      this.#wake.abort();
    }
  }

  #failed(wish: Wish, failure: ApiFailure): void {
    // Gone, or made anew by the same name: whoever follows it says so in a moment.
    if (failure.is(404) || failure.is(409)) return;
    const { random, onWritten } = this.#parts;
    const { which, failures } = wish;
    const key = keyOf(which);
    if (!this.#wishes.has(key)) this.#wishes.set(key, wish);
    const most = Math.min(MOST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures, 10));
    this.#delay(key, Math.max(most * random(), failure.refusal?.retryAfterMs ?? 0), failures + 1);
    onWritten(which.namespace, failure);
  }

  /** What waits for that resource goes no sooner than after this time. */
  #delay(key: string, ms: number, failures: number): void {
    const next = this.#wishes.get(key);
    if (next === undefined) return;
    this.#wishes.set(key, { ...next, failures, notBefore: this.#parts.clock.tick() + ms });
  }
}

function keyOf({ namespace, name }: Pick<Which, "namespace" | "name">): string {
  return `${namespace}/${name}`;
}
