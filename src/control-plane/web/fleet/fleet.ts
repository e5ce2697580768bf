import { batch, computed, signal, type Signal } from "@preact/signals";
import type { Connector, Integration, Secret } from "../api/shapes.ts";

/** What the page knows, one signal per thing: a change redraws its own row and nothing else. */
const connectorCells = new Map<string, Signal<Connector>>();
const integrationCells = new Map<string, Signal<Integration>>();
/** By `connector/id`. */
const secretCells = new Map<string, Signal<Secret>>();

/** Counts up with every frame of changes; lists that depend on all are computed from it. */
export const frame = signal(0);

/** loading: the first picture is still on its way; partly: the rest of the integrations is. */
export const picture = signal<"loading" | "partly" | "whole">("loading");

/** What was removed while the page was open, and when. */
export const gone = signal<ReadonlyMap<string, number>>(new Map());

/** The keys that changed in the last frame, for their tint. */
export const tinted = signal<ReadonlySet<string>>(new Set());

/** An integration's key: `connector/name`. */
export function keyOf(item: { readonly connector: string; readonly name: string }): string {
  return `${item.connector}/${item.name}`;
}

/** The cell of an integration, or undefined where none is known. Reading it follows later arrivals. */
export function integrationCell(key: string): Signal<Integration> | undefined {
  return integrationCells.get(key);
}

export const connectors = computed<readonly Connector[]>(() => {
  void frame.value;
  return [...connectorCells.values()].map((cell) => cell.peek()).sort((a, b) => a.name.localeCompare(b.name));
});

export const integrations = computed<readonly Integration[]>(() => {
  void frame.value;
  return [...integrationCells.values()].map((cell) => cell.peek());
});

export const secrets = computed<readonly Secret[]>(() => {
  void frame.value;
  return [...secretCells.values()].map((cell) => cell.value);
});

/** A secret's key: `connector/id`. */
export function secretKeyOf(secret: { readonly connector: string; readonly id: string }): string {
  return `${secret.connector}/${secret.id}`;
}

/** A secret by its key; follows changes and arrivals. */
export function secretNamed(key: string): Secret | undefined {
  void frame.value;
  return secretCells.get(key)?.value;
}

/** The secret that an integration needs, where its connector told of it. */
export function secretOf(item: { readonly connector: string; readonly name: string }): Secret | undefined {
  return secrets.value.find(
    ({ connector, usedBy }) => connector === item.connector && usedBy.includes(item.name),
  );
}

/** A connector by its name; follows changes. */
export function connectorNamed(name: string): Connector | undefined {
  return connectors.value.find((connector) => connector.name === name);
}

/** An integration by its key; follows changes and arrivals. */
export function integrationNamed(key: string): Integration | undefined {
  void frame.value;
  return integrationCells.get(key)?.value;
}

/** What one frame brings. `gone` are keys: a connector's name, or `connector/name`. */
export interface Frame {
  readonly connectors?: readonly Connector[];
  readonly integrations?: readonly Integration[];
  readonly gone?: readonly string[];
  readonly secrets?: readonly Secret[];
  /** Keys of secrets. */
  readonly goneSecrets?: readonly string[];
}

function put<T>(cells: Map<string, Signal<T>>, key: string, value: T): void {
  const cell = cells.get(key);
  if (cell === undefined) cells.set(key, signal(value));
  else cell.value = value;
}

/** With a connector goes what stood behind it. */
function forgetBehind(connector: string): void {
  for (const cells of [integrationCells, secretCells])
    for (const key of cells.keys()) if (key.startsWith(`${connector}/`)) cells.delete(key);
}

/** Applies a frame's changes together. */
export function apply(change: Frame, at: number): void {
  batch(() => {
    for (const connector of change.connectors ?? []) put(connectorCells, connector.name, connector);
    for (const item of change.integrations ?? []) put(integrationCells, keyOf(item), item);
    for (const secret of change.secrets ?? []) put(secretCells, secretKeyOf(secret), secret);
    for (const key of change.goneSecrets ?? []) secretCells.delete(key);
    if (change.gone !== undefined && change.gone.length > 0) {
      const next = new Map(gone.peek());
      for (const key of change.gone) {
        if (connectorCells.delete(key)) forgetBehind(key);
        else if (!integrationCells.delete(key)) continue;
        next.set(key, at);
      }
      gone.value = next;
    }
    frame.value += 1;
  });
}

/** Forgets the secrets that a fresh and whole picture no longer has. */
export function keepSecrets(keys: ReadonlySet<string>, at: number): void {
  const goneSecrets = [...secretCells.keys()].filter((key) => !keys.has(key));
  if (goneSecrets.length > 0) apply({ goneSecrets }, at);
}

/** Forgets what a fresh and whole picture no longer has. */
export function keepOnly(names: ReadonlySet<string>, keys: ReadonlySet<string>, at: number): void {
  const missing = [
    ...[...connectorCells.keys()].filter((name) => !names.has(name)),
    ...[...integrationCells.keys()].filter((key) => !keys.has(key)),
  ];
  if (missing.length > 0) apply({ gone: missing }, at);
}
