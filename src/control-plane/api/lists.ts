import { z } from "zod";
import type { Page, Paging } from "../store/store.ts";
import { ApiProblem } from "./problem.ts";

/** The query of every list. */
export const paging = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().max(2000).optional(),
});

export const since = z.object({ since: z.iso.datetime({ offset: true }).optional() });

/** The answer of every list. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}

/** A page with its rows as they are shown. */
export async function shownPage<Row, Shown>(
  read: (paging: Paging) => Promise<Page<Row>>,
  query: z.infer<typeof paging>,
  show: (row: Row) => Shown | Promise<Shown>,
): Promise<{ items: Shown[]; next: string | null }> {
  try {
    const { items, next } = await read({ limit: query.limit, cursor: query.cursor });
    return { items: await Promise.all(items.map(show)), next };
  } catch (error) {
    if (error instanceof RangeError) throw new ApiProblem(400, "bad_cursor", "The cursor is none of ours.");
    throw error;
  }
}
