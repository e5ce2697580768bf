import type { Clock } from "../clock.ts";
import type { KubernetesApi, Selection } from "./api.ts";
import { ApiFailure, isRefusal } from "./api-failure.ts";
import type { Resource, Where } from "./resource.ts";

export type Followed<T> =
  /** All that there is: at the start, after a loss, and every now and then. */
  | { readonly type: "all"; readonly objects: readonly T[] }
  | { readonly type: "set" | "gone"; readonly object: T }
  /** Nothing is known from now on, until the next `all`. */
  | { readonly type: "lost"; readonly failure: ApiFailure };

export interface FollowOptions extends Selection {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** All is listed again after this, give or take a tenth, whatever the watch said. Milliseconds, 10 minutes. */
  readonly relistMs?: number;
  /** So many objects a page of the list, 250; fewer where they do not fit into an answer. */
  readonly limit?: number | undefined;
}

const MOST_PAGE = 250;
const RELIST_MS = 600_000;
const FIRST_WAIT_MS = 1_000;
const QUIET_WAIT_MS = 1_000;
const MOST_WAIT_MS = 60_000;

/**
 * What is there, and every change of it, for as long as the signal lets it: lists, watches on, lists again where the
 * API server has forgotten the version, and begins anew after a failure (full jitter, 1 s to 60 s, or as it was told).
 * The consumer's pace is the watch's: nothing is queued here. Throws only what is no ApiFailure.
 */
export async function* follow<T>(
  api: KubernetesApi,
  resource: Resource<T>,
  where: Where,
  options: FollowOptions,
): AsyncGenerator<Followed<T>> {
  const { clock, random, signal, relistMs = RELIST_MS } = options;
  let { limit = MOST_PAGE } = options;
  for (let failures = 0; !signal.aborted;) {
    try {
      const { objects, resourceVersion } = await listed(api, resource, where, { ...options, limit });
      yield { type: "all", objects };
      yield* changes(api, resource, where, options, {
        from: resourceVersion,
        untilTick: clock.tick() + relistMs * (0.9 + 0.2 * random()),
        onSteady: () => (failures = 0),
      });
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (signal.aborted) return;
      // Too old to go on from: no trouble, all is listed again.
      if (isRefusal(error, 410) && failures === 0) {
        failures = 1;
        continue;
      }
      // Objects that somebody filled to the brim: one of them fits into an answer always.
      if (error.evidence["dialReason"] === "response_too_large" && limit > 1) {
        limit = Math.ceil(limit / 8);
        continue;
      }
      yield { type: "lost", failure: error };
      const most = Math.min(MOST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
      failures += 1;
      await clock.sleep(Math.max(most * random(), error.refusal?.retryAfterMs ?? 0), signal);
    }
  }
}

async function listed<T>(
  api: KubernetesApi,
  resource: Resource<T>,
  where: Where,
  { signal, labelSelector, fieldSelector, limit }: FollowOptions & { readonly limit: number },
): Promise<{ objects: T[]; resourceVersion: string }> {
  const objects: T[] = [];
  let resourceVersion = "";
  for await (const page of api.list(resource, where, { signal, labelSelector, fieldSelector, limit })) {
    objects.push(...page.items);
    ({ resourceVersion } = page);
  }
  return { objects, resourceVersion };
}

interface Course {
  readonly from: string;
  readonly untilTick: number;
  /** A watch works: a list that does is not enough, the right to watch may be missing. */
  readonly onSteady: () => void;
}

/** One watch after the other, each from where the last one ended. */
async function* changes<T>(
  api: KubernetesApi,
  resource: Resource<T>,
  where: Where,
  { clock, signal, labelSelector, fieldSelector }: FollowOptions,
  { from, untilTick, onSteady }: Course,
): AsyncGenerator<Followed<T>> {
  for (let resourceVersion = from; !signal.aborted && clock.tick() < untilTick;) {
    const options = { signal, labelSelector, fieldSelector, resourceVersion };
    let heard = false;
    try {
      for await (const event of api.watch(resource, where, options)) {
        heard = true;
        onSteady();
        ({ resourceVersion } = event);
        if (event.type !== "BOOKMARK")
          yield { type: event.type === "DELETED" ? "gone" : "set", object: event.object };
        if (clock.tick() >= untilTick) return;
      }
      onSteady();
      // Something on the way may end what is quiet, at once: that is no reason to hurry.
      if (!heard) await clock.sleep(QUIET_WAIT_MS, signal);
    } catch (error) {
      // A watch that brought something and was cut: go on from there. One that brings nothing is a loss.
      const cut =
        error instanceof ApiFailure && (error.trouble === "unreachable" || error.trouble === "timeout");
      if (!cut || !heard) throw error;
    }
  }
}
