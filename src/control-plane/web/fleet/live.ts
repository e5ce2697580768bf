import type { Command, Connector, Integration, Secret } from "../api/shapes.ts";
import { Problem, request } from "../api/call.ts";
import { readEvents, type StreamEvent } from "../api/event-stream.ts";
import { announceChange } from "./announce.ts";
import { followCommand } from "./commands.ts";
import { apply, integrationCell, keyOf, secretKeyOf, tinted } from "./fleet.ts";
import { link, notLive, waitToRetry } from "./link.ts";
import { loadAll, loadFirst, noteEvents } from "./load.ts";
import { now } from "./now.ts";

/** A line without a byte for this long is taken for broken; the control plane writes a comment at least every 15 s. */
const SILENCE_MS = 40_000;
const LOST_AFTER_MS = 3000;
const LONGEST_WAIT_MS = 15_000;
const TINT_MS = 600;

interface Removal {
  readonly removed?: boolean;
}

/** What `reset` leads to: this page was away for longer than events are kept. */
let readAgain: () => void = () => {};

let waiting: StreamEvent[] = [];

/** Applies what came since the last frame of the screen, all of it together. */
function flush(): void {
  const events = waiting;
  waiting = [];
  const connectors = new Map<string, Connector>();
  const integrations = new Map<string, Integration>();
  const secrets = new Map<string, Secret>();
  const gone: string[] = [];
  const goneSecrets: string[] = [];
  for (const event of events) {
    if (event.name === "reset") {
      readAgain();
      continue;
    }
    const data = JSON.parse(event.data) as Removal & { readonly name: string; readonly connector: string };
    const removed = data.removed === true;
    if (event.name === "connector") {
      if (removed) gone.push(data.name);
      else connectors.set(data.name, data as unknown as Connector);
    } else if (event.name === "integration") {
      if (removed) gone.push(keyOf(data));
      else integrations.set(keyOf(data), data as unknown as Integration);
    } else if (event.name === "secret") {
      const secret = data as unknown as Secret;
      if (removed) goneSecrets.push(secretKeyOf(secret));
      else secrets.set(secretKeyOf(secret), secret);
    } else if (event.name === "command") followCommand(data as unknown as Command);
  }
  const some = connectors.size + integrations.size + secrets.size + gone.length + goneSecrets.length;
  if (some === 0) return;
  noteEvents([...connectors.keys(), ...integrations.keys(), ...secrets.keys(), ...gone, ...goneSecrets]);
  for (const [key, item] of integrations) announceChange(integrationCell(key)?.peek(), item);
  const lists = {
    connectors: [...connectors.values()],
    integrations: [...integrations.values()],
    secrets: [...secrets.values()],
  };
  apply({ ...lists, gone, goneSecrets }, now.peek());
  const keys = new Set(integrations.keys());
  tinted.value = keys;
  setTimeout(() => {
    if (tinted.peek() === keys) tinted.value = new Set();
  }, TINT_MS);
}

function take(event: StreamEvent): void {
  waiting.push(event);
  if (waiting.length > 1) return;
  // A hidden page draws no frames, and must not collect events for ever.
  if (document.visibilityState === "visible") requestAnimationFrame(flush);
  else setTimeout(flush, 250);
}

/** One stream, from its opening to its end. Returns the last id that was told. */
async function listen(
  lastId: string | null,
  signal: AbortSignal,
  opened: () => void,
): Promise<string | null> {
  const broken = new AbortController();
  const end = AbortSignal.any([signal, broken.signal]);
  let watch = setTimeout(() => broken.abort(), SILENCE_MS);
  const heard = (): void => {
    clearTimeout(watch);
    watch = setTimeout(() => broken.abort(), SILENCE_MS);
  };
  let id = lastId;
  try {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (id !== null) headers["last-event-id"] = id;
    const response = await request("/events", { headers, signal: end, cache: "no-store" });
    if (response.body === null) return id;
    opened();
    for await (const event of readEvents(response.body, heard)) {
      id = event.id ?? id;
      take(event);
    }
  } catch (error) {
    // The reasons to stop are a sign-out and a refusal; any other end of the line is only an end of the line.
    if (error instanceof Problem && (error.status === 401 || error.status === 403)) throw error;
  } finally {
    clearTimeout(watch);
  }
  return id;
}

/** Keeps the picture live until the signal ends it: resumes after the last event, and reads all again after a loss. */
export async function stayLive(signal: AbortSignal): Promise<void> {
  let lastId: string | null = null;
  let failures = 0;
  let since = 0;
  let banner = 0;
  void loadFirst(signal);
  readAgain = () => void loadAll(signal);
  while (!signal.aborted) {
    lastId = await listen(lastId, signal, () => {
      window.clearTimeout(banner);
      failures = 0;
      since = 0;
      link.value = { kind: "live" };
      notLive.value = false;
      void loadAll(signal);
    });
    if (signal.aborted) return;
    if (since === 0) {
      since = now.peek();
      banner = window.setTimeout(() => (notLive.value = true), LOST_AFTER_MS);
    }
    const wait = Math.min(LONGEST_WAIT_MS, 500 * 2 ** failures) * (0.75 + Math.random() / 2);
    failures += 1;
    link.value = { kind: "lost", since, retryAt: now.peek() + wait };
    await waitToRetry(wait, signal);
    if (link.peek().kind === "lost") link.value = { kind: "lost", since, retryAt: null };
  }
}
