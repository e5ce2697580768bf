import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { keysOn } from "./settings.ts";

/** What single keys do in a view. */
export type Keys = Readonly<Record<string, () => void>>;

const layers: { readonly keys: Keys }[] = [];

/** Whether the list of keys is open. */
export const keysShown = signal(false);

/** The keys, in words, for the list. */
export const KEY_WORDS: readonly (readonly [key: string, what: string])[] = [
  ["/", "Go to a connector or an integration"],
  ["f", "Filter by name"],
  ["j", "Next row"],
  ["k", "Row before"],
  ["Enter", "Open the row"],
  ["Esc", "Back"],
  ["1 – 4", "Error, Warning, Unknown, Online"],
  ["r", "Refresh"],
  ["t", "Test"],
  ["c", "Copy the first command"],
  ["y", "Copy for a ticket"],
  ["?", "This list"],
];

/** Keys of a part, while it is on the page; a later part's come first. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  // Before the first paint: a key that is pressed as soon as the view is seen counts.
  useLayoutEffect(() => {
    const layer = {
      get keys() {
        return latest.current;
      },
    };
    layers.push(layer);
    return () => {
      layers.splice(layers.indexOf(layer), 1);
    };
  }, []);
}

function isField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest("input, textarea, select, dialog, [role=listbox], [role=menu]") !== null
  );
}

/** Moves the focus to the next or the previous row's link. */
export function stepRow(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const at = links.findIndex((link) => link === document.activeElement);
  const to = at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by;
  links[to]?.focus();
}

/** Listens for single keys; fields, and keys with a modifier, are left alone. */
export function listenForKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (!keysOn.peek() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isField(event.target)) return;
    for (const layer of layers.toReversed()) {
      const act = layer.keys[event.key];
      if (act === undefined) continue;
      event.preventDefault();
      act();
      return;
    }
  });
}
