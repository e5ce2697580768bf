import { z } from "zod";
import { type Ask, type CallOptions, Calls, type CallsParts, TIMEOUT_MS } from "./calls.ts";
import { Deadline } from "./deadline.ts";
import { type Identity, identityOf } from "./identity.ts";
import type { Wish } from "./link.ts";
import { type Named, pathOf, type Resource, type Where, type Which } from "./resource.ts";
import { ACCESS_REVIEWS, reviewOf, type Right, SELF_REVIEW, SELF_REVIEWS, type Verdict } from "./rights.ts";
import { eventsOf, type WatchEvent } from "./watch.ts";

export interface Selection {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** What a watch goes on from. The same on every page of one list. */
  readonly resourceVersion: string;
}

export interface ListOptions extends CallOptions, Selection {
  /** Objects on a page. */
  readonly limit?: number;
}

export interface WatchOptions extends CallOptions, Selection {
  readonly resourceVersion: string;
}

export interface ApplyOptions extends CallOptions {
  readonly fieldManager: string;
  /** Takes over fields that somebody else manages. */
  readonly force?: boolean;
}

const PAGE = 250;
/** The API server ends a watch after this, and we where it says nothing for a little longer. Bookmarks come each minute. */
const WATCH_SECONDS = 120;
const SILENCE_MS = (WATCH_SECONDS + 15) * 1000;

/**
 * The Kubernetes API, for everything in the connector that asks it: plain REST over our own dialer. Token, authority
 * and kubeconfig are read from their files anew. A 429, and a 5xx with Retry-After, makes all calls wait. Everything
 * that it throws is an ApiFailure.
 */
export class KubernetesApi {
  readonly #parts: CallsParts;
  readonly #calls: Calls;

  constructor(parts: CallsParts) {
    this.#parts = parts;
    this.#calls = new Calls(parts);
  }

  async get<T>(resource: Resource<T>, which: Which, options: CallOptions): Promise<T> {
    const ask = askOf("get", resource, { method: "GET", path: pathOf(resource, which) });
    return await this.#calls.object(ask, resource.shape, options);
  }

  /** Page by page: `for await`. Throws 410 where the API server has forgotten the list meanwhile. */
  async *list<T>(resource: Resource<T>, where: Where, options: ListOptions): AsyncGenerator<Page<T>> {
    const { limit = PAGE, labelSelector, fieldSelector } = options;
    const shape = z.object({
      metadata: z.object({ resourceVersion: z.string(), continue: z.string().default("") }),
      items: z.array(resource.shape),
    });
    let next = "";
    do {
      const path = pathOf(resource, where) + query({ limit, labelSelector, fieldSelector, continue: next });
      const ask = askOf("list", resource, { method: "GET", path });
      const { metadata, items } = await this.#calls.object(ask, shape, options);
      yield { items, resourceVersion: metadata.resourceVersion };
      next = metadata.continue;
    } while (next !== "");
  }

  /**
   * What changes from that version on. Ends when the API server ends it (each 2 minutes): go on from the last version
   * that was seen, bookmarks among them. Throws 410 where all must be listed again. `timeoutMs` is for its beginning.
   */
  async *watch<T>(resource: Resource<T>, where: Where, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const { resourceVersion, labelSelector, fieldSelector, signal, timeoutMs = TIMEOUT_MS } = options;
    const how = { watch: "true", allowWatchBookmarks: "true", timeoutSeconds: WATCH_SECONDS };
    const path = pathOf(resource, where) + query({ ...how, labelSelector, fieldSelector, resourceVersion });
    using deadline = new Deadline(this.#parts.clock, signal, timeoutMs);
    const ask = askOf("watch", resource, { method: "GET", path });
    const { flow, access } = await this.#calls.flow(ask, deadline.signal);
    deadline.extend(SILENCE_MS);
    for await (const event of eventsOf(flow.lines, resource, access)) {
      yield event;
      deadline.extend(SILENCE_MS);
    }
  }

  async create<T>(resource: Resource<T>, where: Where, object: unknown, options: CallOptions): Promise<T> {
    const path = pathOf(resource, where);
    const ask = askOf("create", resource, { method: "POST", path, body: JSON.stringify(object) });
    return await this.#calls.object(ask, resource.shape, options);
  }

  /** Writes the whole object over what is there: 409 where its resourceVersion is no longer the one that is there. */
  async update<T extends Named>(
    resource: Resource<T>,
    where: Omit<Which, "name">,
    object: T,
    options: CallOptions,
  ): Promise<T> {
    const path = pathOf(resource, { ...where, name: object.metadata.name });
    const ask = askOf("update", resource, { method: "PUT", path, body: JSON.stringify(object) });
    return await this.#calls.object(ask, resource.shape, options);
  }

  /** Server-side apply of the fields in `object`, which has apiVersion and kind. 409: somebody else manages one of them. */
  async apply<T>(resource: Resource<T>, which: Which, object: unknown, options: ApplyOptions): Promise<T> {
    const { fieldManager, force = false } = options;
    const path = pathOf(resource, which) + query({ fieldManager, force: String(force) });
    const headers = { "content-type": "application/apply-patch+yaml" };
    const ask = askOf("patch", resource, { method: "PATCH", path, headers, body: JSON.stringify(object) });
    return await this.#calls.object(ask, resource.shape, options);
  }

  /** Whether we have a right: a SelfSubjectAccessReview, which every authenticated account may ask. */
  async may(right: Right, options: CallOptions): Promise<Verdict> {
    return await this.#review(ACCESS_REVIEWS, reviewOf(right), options);
  }

  /** Who we are: by our token where that says it, else as the API server sees us. */
  async identity(options: CallOptions): Promise<Identity> {
    const access = await this.#calls.access();
    return await identityOf(access, () => this.#review(SELF_REVIEWS, SELF_REVIEW, options));
  }

  /** Hangs up. */
  async close(): Promise<void> {
    await this.#calls.close();
  }

  /** Creates what is not kept: a question. */
  async #review<T>(resource: Resource<T>, object: unknown, options: CallOptions): Promise<T> {
    const body = JSON.stringify(object);
    const ask = askOf("create", resource, { method: "POST", path: pathOf(resource, {}), body });
    return await this.#calls.object({ ...ask, harmless: true }, resource.shape, options);
  }
}

/** Partial answers: https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches */
function askOf(verb: string, { plural, partial = false }: Resource<unknown>, wish: Wish): Ask {
  const kind = verb === "list" ? "PartialObjectMetadataList" : "PartialObjectMetadata";
  const headers = {
    ...(partial && { accept: `application/json;as=${kind};g=meta.k8s.io;v=v1` }),
    ...(wish.body !== undefined && { "content-type": "application/json" }),
    ...wish.headers,
  };
  return { ...wish, verb, resource: plural, headers, harmless: wish.method === "GET" };
}

function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = Object.entries(values).flatMap(([key, value]) =>
    value === undefined || value === "" ? [] : [`${key}=${encodeURIComponent(value)}`],
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}
