import { utf8Length } from "./frames.ts";

/** What the envelope and the page's own members may take of an event, bytes. */
const AROUND_BYTES = 2_048;

/**
 * The items in pages that a control plane takes: at most `pageItems` each, and each event below `eventBytes`.
 * No items are one empty page. An item that fits no event is left out, and told by the second list.
 */
export function eventPages<T>(
  items: readonly T[],
  limits: { readonly pageItems: number; readonly eventBytes: number },
): { readonly pages: readonly (readonly T[])[]; readonly tooLarge: readonly T[] } {
  const room = limits.eventBytes - AROUND_BYTES;
  const pages: T[][] = [];
  const tooLarge: T[] = [];
  let page: T[] = [];
  let used = 0;
  for (const item of items) {
    const bytes = utf8Length(JSON.stringify(item)) + 1;
    if (bytes > room) {
      tooLarge.push(item);
      continue;
    }
    if (page.length >= limits.pageItems || used + bytes > room) {
      pages.push(page);
      page = [];
      used = 0;
    }
    page.push(item);
    used += bytes;
  }
  pages.push(page);
  return { pages, tooLarge };
}
