import { batch, signal } from "@preact/signals";
import { get, Problem } from "../api/call.ts";
import type { Connector, Integration, Page, Secret } from "../api/shapes.ts";
import { apply, keepOnly, keepSecrets, keyOf, picture, secretKeyOf } from "./fleet.ts";
import { tryNow } from "./link.ts";
import { now } from "./now.ts";

/** Why the first picture could not be read, or null. */
export const refusal = signal<Problem | null>(null);

const PAGE = 500;

async function all<T>(path: string, signal: AbortSignal): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const more: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Page<T> = await get<Page<T>>(
      `${path}${path.includes("?") ? "&" : "?"}limit=${PAGE}${more}`,
      signal,
    );
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return items;
}

/** Told by events since the reading began: newer than what a list says. */
let overtaking = new Set<string>();

/** Notes what an event told, so that an older list does not undo it. Keys: a connector's name, or `connector/name`. */
export function noteEvents(keys: Iterable<string>): void {
  for (const key of keys) overtaking.add(key);
}

function put(
  connectors: readonly Connector[],
  integrations: readonly Integration[],
  told: ReadonlySet<string>,
): void {
  apply(
    {
      connectors: connectors.filter(({ name }) => !told.has(name)),
      integrations: integrations.filter((item) => !told.has(keyOf(item))),
    },
    now.peek(),
  );
}

/** Reads, and keeps a refusal where the reader can see it. */
async function reading(end: AbortSignal, read: () => Promise<void>): Promise<void> {
  try {
    await read();
    refusal.value = null;
  } catch (error) {
    if (end.aborted) return;
    if (error instanceof Problem) refusal.value = error;
    else throw error;
  }
}

/** Reads what the first screen needs, beside the opening of the stream: the connectors and what is not well. */
export function loadFirst(end: AbortSignal): Promise<void> {
  return reading(end, async () => {
    const [connectors, errors, warnings] = await Promise.all([
      all<Connector>("/connectors", end),
      all<Integration>("/integrations?state=error", end),
      all<Integration>("/integrations?state=warning", end),
    ]);
    if (picture.peek() !== "loading") return;
    batch(() => {
      put(connectors, [...errors, ...warnings], overtaking);
      picture.value = "partly";
    });
  });
}

let loading: AbortController | null = null;
let outer: AbortSignal | null = null;

/** Reads the whole picture: when the stream opens, and so after a loss. What events told meanwhile stands. */
export function loadAll(session: AbortSignal): Promise<void> {
  loading?.abort();
  outer = session;
  const mine = new AbortController();
  loading = mine;
  const end = AbortSignal.any([session, mine.signal]);
  const told = new Set<string>();
  overtaking = told;
  return reading(end, async () => {
    const [connectors, integrations, secrets] = await Promise.all([
      all<Connector>("/connectors", end),
      all<Integration>("/integrations", end),
      all<Secret>("/secrets", end),
    ]);
    batch(() => {
      put(connectors, integrations, told);
      apply({ secrets: secrets.filter((secret) => !told.has(secretKeyOf(secret))) }, now.peek());
      keepSecrets(new Set(secrets.map(secretKeyOf)).union(told), now.peek());
      keepOnly(
        new Set(connectors.map(({ name }) => name)).union(told),
        new Set(integrations.map(keyOf)).union(told),
        now.peek(),
      );
      picture.value = "whole";
    });
  });
}

/** Reads the whole picture again, on the reader's wish. */
export function loadAgain(): void {
  if (outer !== null) void loadAll(outer);
  tryNow();
}
