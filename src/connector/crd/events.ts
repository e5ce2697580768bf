import type { Clock } from "../clock.ts";
import type { KubernetesApi } from "../kubernetes/api.ts";
import { ApiFailure } from "../kubernetes/api-failure.ts";
import { Rate } from "./rate.ts";
import { API_VERSION, EVENTS, KIND, type Which } from "./resource.ts";

export interface EventsParts {
  readonly api: Pick<KubernetesApi, "create">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Which connector: the name of its pod. */
  readonly instance: string;
  /** Told of each, and why it failed where it did. */
  readonly onWritten: (namespace: string, failure?: ApiFailure) => void;
  /** Something that is no ApiFailure: a bug. */
  readonly onUnknown: (error: unknown) => void;
}

export interface Happening {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

const COMPONENT = "mooring.dev/connector";
/** The same reason of one resource is told once in this time. Milliseconds. */
const QUIET_MS = 300_000;
const RATE = { perSecond: 5, burst: 25 };
/** Events are a courtesy: more than so many that wait, and the oldest are dropped. */
const MOST_WAITING = 250;

/** Tells transitions as core/v1 Events. Nothing that matters hangs on them: one that fails is not tried again. */
export class Events {
  readonly #parts: EventsParts;
  readonly #rate: Rate;
  /** When a resource's reason was last told, monotonic milliseconds, oldest first. */
  readonly #told = new Map<string, number>();
  readonly #waiting: { readonly which: Which; readonly happening: Happening; readonly at: number }[] = [];
  #wake = new AbortController();
  readonly ended: Promise<void>;

  constructor(parts: EventsParts) {
    this.#parts = parts;
    this.#rate = new Rate(parts.clock, RATE);
    this.ended = this.#work();
  }

  tell(which: Which, happening: Happening): void {
    const { clock } = this.#parts;
    if (this.#isTold(`${which.uid} ${happening.reason}`, clock.tick())) return;
    this.#waiting.push({ which, happening, at: clock.now() });
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    this.#wake.abort();
  }

  #isTold(key: string, tick: number): boolean {
    for (const [old, at] of this.#told) {
      if (tick - at < QUIET_MS) break;
      this.#told.delete(old);
    }
    if (this.#told.has(key)) return true;
    this.#told.set(key, tick);
    return false;
  }

  async #work(): Promise<void> {
    const { clock, signal } = this.#parts;
    while (!signal.aborted) {
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
      const wait = this.#waiting.length === 0 ? QUIET_MS : this.#rate.take();
      if (wait > 0) {
        await clock.sleep(wait, AbortSignal.any([signal, this.#wake.signal]));
        continue;
      }
      const next = this.#waiting.shift();
      if (next !== undefined) await this.#write(next.which, next.happening, next.at);
    }
  }

  async #write(which: Which, happening: Happening, at: number): Promise<void> {
    const { api, signal, onWritten, onUnknown } = this.#parts;
    const { namespace } = which;
    try {
      await api.create(EVENTS, { namespace }, this.#objectOf(which, happening, at), { signal });
      onWritten(namespace);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiFailure) onWritten(namespace, error);
      else onUnknown(error);
    }
  }

  /** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ in its form of core/v1. */
  #objectOf({ namespace, name, uid }: Which, { type, reason, message }: Happening, at: number): unknown {
    const time = new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: { generateName: `${name}.`, namespace },
      involvedObject: { apiVersion: API_VERSION, kind: KIND, namespace, name, uid },
      type,
      reason,
      message,
      action: "Check",
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      source: { component: COMPONENT },
      reportingComponent: COMPONENT,
      reportingInstance: this.#parts.instance,
    };
  }
}
