import type { JSX } from "preact";
import type { Shape } from "../words/names.ts";

const OCTAGON = "M6.3 1.5h7.4l4.8 4.8v7.4l-4.8 4.8H6.3l-4.8-4.8V6.3z";

const DRAWINGS: Readonly<Record<Shape, JSX.Element>> = {
  online: (
    <>
      <circle class="fill" cx="10" cy="10" r="9" />
      <path class="glyph" d="M5.9 10.300l2.9 2.9 5.4-5.9" />
    </>
  ),
  warning: (
    <>
      <path class="fill round" d="M10 2.6 18.3 17H1.700z" />
      <path class="glyph" d="M10 7.600v4.3" />
      <circle class="dot" cx="10" cy="14.6" r="1.15" />
    </>
  ),
  error: (
    <>
      <path class="fill" d={OCTAGON} />
      <path class="glyph" d="M6.8 6.800l6.4 6.400M13.2 6.800l-6.4 6.4" />
    </>
  ),
  unknown: (
    <>
      <circle class="ring dashed" cx="10" cy="10" r="8.1" />
      <path class="ring thin" d="M7.7 8.200c0-1.4 1-2.3 2.3-2.300s2.3.9 2.3 2.100c0 1.8-2.2 1.8-2.2 3.6" />
      <circle class="solid" cx="10.1" cy="14.1" r="1" />
    </>
  ),
  blocked: (
    <>
      <path class="ring" d="M10 2.4 17.6 10 10 17.6 2.4 10z" />
      <path class="ring" d="M7 10h6" />
    </>
  ),
  hollow: <circle class="ring" cx="10" cy="10" r="4.5" />,
  unseen: <circle class="ring" cx="10" cy="10" r="4.5" />,
  grey: <circle class="ring" cx="10" cy="10" r="7.5" />,
  running: (
    <>
      <circle class="ring track" cx="10" cy="10" r="7.6" />
      <path class="ring arc" d="M10 2.400a7.6 7.6 0 0 1 7.6 7.6" />
    </>
  ),
};

/** A state as a shape. The word beside it says the same, so it is hidden from a screen reader. */
export function Mark({ shape, size = 16 }: { readonly shape: Shape; readonly size?: number }): JSX.Element {
  return (
    <svg class={`mark is-${shape}`} width={size} height={size} viewBox="0 0 20 20" aria-hidden="true">
      {DRAWINGS[shape]}
    </svg>
  );
}
