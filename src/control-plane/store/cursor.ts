/** Opaque places in a list. */
export function writeCursor(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** The place in a cursor with that many parts, or undefined without one. Throws a RangeError for any other text. */
export function readCursor(
  cursor: string | undefined,
  parts: number,
): readonly (string | number)[] | undefined {
  if (cursor === undefined) return undefined;
  const place = parsed(Buffer.from(cursor, "base64url").toString());
  const isPlace =
    Array.isArray(place) &&
    place.length === parts &&
    place.every((part) => typeof part === "string" || typeof part === "number");
  if (!isPlace) throw new RangeError("the cursor is none of ours");
  return place;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A page of rows that were read with one more than the limit. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  { item, place }: { item: (row: Row) => Item; place: (row: Row) => readonly (string | number)[] },
): { items: Item[]; next: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = rows.length > limit && last !== undefined ? writeCursor(place(last)) : null;
  return { items: shown.map(item), next };
}
