import type { JSX } from "preact";
import type { Knot } from "../words/stage-words.ts";

/** The rope from a knot to the next, lying. Lengths follow the space; the frayed end keeps its own. */
export function LyingRope({ rope }: { readonly rope: Knot["rope"] }): JSX.Element {
  if (rope === "taut" || rope === "moving")
    return (
      <svg class={`rope is-${rope}`} height="16" width="100%" aria-hidden="true">
        <line x1="0" y1="8" x2="100%" y2="8" pathLength={rope === "taut" ? 1 : undefined} />
      </svg>
    );
  return (
    <>
      {rope === "frayed" && (
        <svg class="rope is-frayed" width="46" height="20" viewBox="0 0 46 20" aria-hidden="true">
          <path d="M0 8c12 0 20 .6 30 4" />
          <path
            class="strand"
            d="M30 12c4 .9 8 .4 13-2M30 12c4 1.2 7 2.2 11 5.4M30 12c2.4 1.8 4 4 4.4 7.4M30 12c3.6 .9 8 1.4 12 1.4"
          />
        </svg>
      )}
      <svg
        class="rope is-slack"
        height="16"
        width="100%"
        viewBox="0 0 100 16"
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <path d="M0 8c20 9 80 9 100 0" />
      </svg>
    </>
  );
}

/** The rope from a knot to the next, hanging. */
export function HangingRope({ rope }: { readonly rope: Knot["rope"] }): JSX.Element {
  if (rope === "frayed")
    return (
      <svg class="rope is-frayed" width="20" height="22" viewBox="0 0 20 22" aria-hidden="true">
        <path d="M10 0c0 5 .6 9 2.4 13" />
        <path
          class="strand"
          d="M12.4 13c-.6 2.6-2.2 4.6-4.6 6M12.4 13c.2 3 .2 5-.4 8M12.4 13c1.6 2 3 4 3.8 6.6"
        />
      </svg>
    );
  return (
    <svg class={`rope is-${rope}`} width="20" height="100%" aria-hidden="true">
      <line x1="10" y1="0" x2="10" y2="100%" pathLength={rope === "taut" ? "1" : undefined} />
    </svg>
  );
}
