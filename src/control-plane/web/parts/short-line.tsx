import type { JSX } from "preact";
import type { Knot } from "../words/stage-words.ts";

const STEP = 11;
/** Room for ten stages, so that the reasons beside the lines stand under one another. */
const WIDTH = 10 * STEP + 5;

function at(index: number): number {
  return 8 + index * STEP;
}

/** All dots of one kind as one path: a round cap on nothing is a dot. Thousands of rows are scrolled past. */
function dots(knots: readonly Knot[], isKind: (knot: Knot) => boolean): string {
  return knots.map((knot, index) => (isKind(knot) ? `M${at(index)} 8h0` : "")).join("");
}

/** The mooring line in one row of the table: the same shapes, without words. */
export function ShortLine({ knots }: { readonly knots: readonly Knot[] }): JSX.Element {
  const last = knots.length - 1;
  const loose = knots.findIndex((knot) => knot.shape !== "online");
  const end = loose < 0 ? last : loose;
  const passed = dots(knots, (knot) => knot.shape === "online");
  const open = dots(
    knots,
    (knot) => knot.shape !== "online" && knot.shape !== "error" && knot.shape !== "warning",
  );
  const unseen = knots[0]?.shape === "unseen" ? " is-unseen" : "";
  return (
    <svg class="short-line" width={WIDTH} height="16" aria-hidden="true">
      {end > 0 && <path class="taut" d={`M${at(0)} 8H${at(end)}`} />}
      {end < last && <path class={`slack${unseen}`} d={`M${at(end)} 8H${at(last)}`} />}
      {passed !== "" && <path class="ok" d={passed} />}
      {open !== "" && <path class={`rim${unseen}`} d={open} />}
      {open !== "" && <path class="hole" d={open} />}
      {loose >= 0 && <Trouble shape={knots[loose]?.shape} x={at(loose)} />}
    </svg>
  );
}

function Trouble({
  shape,
  x,
}: {
  readonly shape: Knot["shape"] | undefined;
  readonly x: number;
}): JSX.Element | null {
  if (shape === "error")
    return (
      <>
        <path class="error" d={`M${x - 2.5} 2h5l3.5 3.5v5l-3.5 3.5h-5l-3.5-3.5v-5z`} />
        <path class="glyph" d={`M${x - 2.4} 5.6l4.8 4.8m0-4.8l-4.8 4.8`} />
      </>
    );
  if (shape !== "warning") return null;
  return (
    <>
      <path class="warning" d={`M${x} 1.5l6.5 11.5h-13z`} />
      <path class="glyph" d={`M${x} 5.5v3.5M${x} 10.9v.6`} />
    </>
  );
}
