import { z } from "zod";
import type { Access } from "./access.ts";
import { endOfWatch, objectOf, shaped } from "./answer.ts";
import type { Resource } from "./resource.ts";

export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T; readonly resourceVersion: string }
  /** Nothing changed up to this version. */
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

const frame = z.object({ type: z.string(), object: z.unknown() });
const versioned = z.object({ metadata: z.object({ resourceVersion: z.string() }) });

/** The events of a watch, a line each. Throws the ApiFailure that the watch ends with. Unknown kinds are passed over. */
export async function* eventsOf<T>(
  lines: AsyncIterable<string>,
  { shape }: Resource<T>,
  access: Access,
): AsyncGenerator<WatchEvent<T>> {
  for await (const line of lines) {
    const { type, object } = objectOf(line, frame, access);
    if (type === "ERROR") throw endOfWatch(object, access);
    const judged = versioned.safeParse(object);
    if (!judged.success) continue;
    const { resourceVersion } = judged.data.metadata;
    if (type === "BOOKMARK") yield { type, resourceVersion };
    else if (type === "ADDED" || type === "MODIFIED" || type === "DELETED")
      yield { type, object: shaped(object, shape, access), resourceVersion };
  }
}
