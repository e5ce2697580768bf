import { signal, type Signal } from "@preact/signals";
import { get } from "../api/call.ts";
import type { Integration, Page, Sample } from "../api/shapes.ts";
import { now } from "./now.ts";

const AT_ONCE = 3;
const MOST_WAITING = 60;
const KEEP_MS = 60_000;
const DAY_MS = 86_400_000;

interface Kept {
  readonly cell: Signal<readonly Sample[] | null>;
  readAt: number;
}

const kept = new Map<string, Kept>();
let queue: { path: string; entry: Kept }[] = [];
let underway = 0;

function next(): void {
  while (underway < AT_ONCE) {
    // The newest wish first: rows that were scrolled past can wait.
    const wish = queue.pop();
    if (wish === undefined) return;
    underway += 1;
    void get<Page<Sample>>(wish.path)
      .then((page) => (wish.entry.cell.value = page.items))
      // A history that cannot be read leaves its place empty; the next look asks again.
      .catch(() => (wish.entry.readAt = 0))
      .finally(() => {
        underway -= 1;
        next();
      });
  }
}

function wish(path: string, entry: Kept): void {
  entry.readAt = now.peek();
  queue = queue.filter((waiting) => waiting.path !== path);
  queue.push({ path, entry });
  // Rows that were only scrolled past are asked for again when they are looked at.
  for (const old of queue.splice(0, Math.max(0, queue.length - MOST_WAITING))) old.entry.readAt = 0;
  queueMicrotask(next);
}

/** The buckets of the last day, null until they are read. Read again after a minute when asked for. */
export function samplesOf(resource: string): Signal<readonly Sample[] | null> {
  const at = now.peek();
  let entry = kept.get(resource);
  if (entry === undefined) {
    entry = { cell: signal(null), readAt: 0 };
    kept.set(resource, entry);
  }
  if (at - entry.readAt > KEEP_MS) {
    const since = new Date(at - DAY_MS).toISOString();
    wish(`${resource}?since=${encodeURIComponent(since)}`, entry);
  }
  return entry.cell;
}

const BUCKET_MS = 300_000;

/** The buckets with the silence after them: behind a silent connector nothing is seen, which is not nothing. */
export function withSilence(
  samples: readonly Sample[] | null,
  item: Integration,
  to: number,
): readonly Sample[] | null {
  if (samples === null || item.state !== "unknown" || item.checkedAt === null) return samples;
  const silence: Sample[] = [];
  const first = Math.ceil(Date.parse(item.checkedAt) / BUCKET_MS) * BUCKET_MS;
  for (let at = Math.max(first, to - DAY_MS); at < to; at += BUCKET_MS)
    silence.push({ at: new Date(at).toISOString(), state: "unknown", min: 0, median: 0, max: 0 });
  return [...samples.filter((sample) => Date.parse(sample.at) < first), ...silence];
}

/** Where an integration's buckets are. */
export function samplesPath(item: { readonly connector: string; readonly name: string }): string {
  return `/integrations/${encodeURIComponent(item.connector)}/${encodeURIComponent(item.name)}/samples`;
}
