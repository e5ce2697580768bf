import type { JSX } from "preact";
import type { Sample } from "../api/shapes.ts";

const HEIGHTS = { online: 0.32, warning: 0.66, error: 1, unknown: 0.5, no_data: 0.04 } as const;
type Seen = keyof typeof HEIGHTS;
const WORST: readonly Seen[] = ["error", "warning", "unknown", "online", "no_data"];

/** The worst of each of so many equal spans of time. */
export function spansOf(samples: readonly Sample[], from: number, to: number, count: number): Seen[] {
  const spans: Seen[] = Array.from({ length: count }, () => "no_data");
  for (const sample of samples) {
    const at = Math.floor(((Date.parse(sample.at) - from) / (to - from)) * count);
    const held = spans[at];
    const state = WORST.find((known) => known === sample.state) ?? "no_data";
    if (held !== undefined && WORST.indexOf(state) < WORST.indexOf(held)) spans[at] = state;
  }
  return spans;
}

interface BarsProps {
  readonly samples: readonly Sample[] | null;
  readonly from: number;
  readonly to: number;
  readonly count?: number;
  readonly width?: number;
  readonly height?: number;
  /** What the chart says, for who does not see it. */
  readonly label: string;
}

/** A day as bars that differ by height as well as by colour. */
export function Bars({
  samples,
  from,
  to,
  count = 48,
  width = 172,
  height = 24,
  label,
}: BarsProps): JSX.Element {
  const spans = samples === null ? [] : spansOf(samples, from, to, count);
  const step = width / count;
  const bar = Math.max(1.5, step * 0.62);
  const drawn: Record<Seen, string> = { online: "", warning: "", error: "", unknown: "", no_data: "" };
  spans.forEach((state, index) => {
    const tall = Math.max(1, HEIGHTS[state] * height);
    const x = (index * step).toFixed(2);
    drawn[state] += `M${x} ${height - tall}h${bar.toFixed(2)}v${tall}h-${bar.toFixed(2)}z`;
  });
  return (
    <svg
      class="bars"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {WORST.map(
        (state) => drawn[state] !== "" && <path key={state} class={`bar-${state}`} d={drawn[state]} />,
      )}
    </svg>
  );
}
