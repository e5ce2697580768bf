import { useEffect, useState } from "preact/hooks";
import type { RefObject } from "preact";

/** From how many lines on only those near the screen are in the document. */
const VIRTUAL_FROM = 200;
const STEP = 4;
const BEYOND = 6;

/** The part of a list that is drawn, and the heights of what is left out above and below, in px. */
export interface Range {
  readonly first: number;
  readonly end: number;
  readonly above: number;
  readonly below: number;
}

/** Follows the scrolling of the window over a list of lines of one height. */
export function useRange(ref: RefObject<HTMLElement | null>, count: number, lineHeight: number): Range {
  const [from, setFrom] = useState(0);
  const virtual = count > VIRTUAL_FROM;
  useEffect(() => {
    if (!virtual) {
      setFrom(0);
      return;
    }
    const follow = (): void => {
      const top = ref.current?.getBoundingClientRect().top ?? 0;
      const line = Math.max(0, Math.floor(-top / lineHeight) - BEYOND);
      setFrom(line - (line % STEP));
    };
    follow();
    window.addEventListener("scroll", follow, { passive: true });
    window.addEventListener("resize", follow, { passive: true });
    return () => {
      window.removeEventListener("scroll", follow);
      window.removeEventListener("resize", follow);
    };
  }, [virtual, count, lineHeight]);
  if (!virtual) return { first: 0, end: count, above: 0, below: 0 };
  const visible = Math.ceil(window.innerHeight / lineHeight) + 2 * BEYOND + STEP;
  const first = Math.min(from, Math.max(0, count - visible));
  const end = Math.min(count, first + visible);
  return { first, end, above: first * lineHeight, below: (count - end) * lineHeight };
}
