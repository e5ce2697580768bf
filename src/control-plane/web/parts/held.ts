import { useEffect, useRef, useState } from "preact/hooks";
import type { RefObject } from "preact";

/** An order that does not change under the reader. */
export interface Held<T> {
  readonly shown: T;
  /** How many places differ from what would be shown. */
  readonly changes: number;
  readonly release: () => void;
}

/** Ids in order. */
type Order = readonly { readonly id: string }[];

function differing(a: Order, b: Order): number {
  const places = new Map(b.map((entry, index) => [entry.id, index]));
  let moved = Math.max(0, b.length - a.length);
  let last = -1;
  for (const entry of a) {
    const place = places.get(entry.id);
    if (place === undefined || place < last) moved += 1;
    else last = place;
  }
  return moved;
}

/**
 * While the pointer or the focus is in `ref`, a list keeps the order that it had: `changes` counts what waits, and
 * `release` shows it. `reset` names what the reader chose; another choice is shown at once.
 */
export function useHeld<T extends Order>(
  ref: RefObject<HTMLElement | null>,
  fresh: T,
  reset: string,
): Held<T> {
  const [, redraw] = useState(0);
  const held = useRef({ shown: fresh, reset, inside: false });
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    let pointer = false;
    const settle = (): void => {
      const inside = pointer || element.contains(document.activeElement);
      if (inside === held.current.inside) return;
      held.current.inside = inside;
      redraw((n) => n + 1);
    };
    const enter = (): void => {
      pointer = true;
      settle();
    };
    const leave = (): void => {
      pointer = false;
      settle();
    };
    const focus = (): void => void setTimeout(settle, 0);
    element.addEventListener("pointerenter", enter);
    element.addEventListener("pointerleave", leave);
    element.addEventListener("focusin", focus);
    element.addEventListener("focusout", focus);
    return () => {
      element.removeEventListener("pointerenter", enter);
      element.removeEventListener("pointerleave", leave);
      element.removeEventListener("focusin", focus);
      element.removeEventListener("focusout", focus);
    };
  }, [ref.current]);
  const state = held.current;
  const changes = state.inside && state.reset === reset ? differing(state.shown, fresh) : 0;
  if (changes === 0) {
    state.shown = fresh;
    state.reset = reset;
  }
  return {
    shown: state.shown,
    changes,
    release: () => {
      held.current.shown = fresh;
      redraw((n) => n + 1);
    },
  };
}
