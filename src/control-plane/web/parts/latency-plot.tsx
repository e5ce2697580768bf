import type { JSX } from "preact";
import type { Sample } from "../api/shapes.ts";
import { clock, span } from "../words/ages.ts";

const DAY_MS = 86_400_000;
const WIDTH = 1000;
const HEIGHT = 96;

/** A span in which it was not online, as shares of the width. */
interface Band {
  readonly from: number;
  to: number;
  readonly state: "error" | "unknown";
}

interface PlotProps {
  readonly samples: readonly Sample[] | null;
  /** The right edge, epoch ms. */
  readonly to: number;
  readonly label: string;
}

/** The top of the axis: a round number with a round half, just above the most. */
export function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 0.01)));
  const step = [1, 2, 4, 10].find((factor) => factor * power >= most) ?? 10;
  return step * power;
}

function bandsOf(samples: readonly Sample[], share: (at: number) => number): Band[] {
  const bands: Band[] = [];
  samples.forEach((sample, index) => {
    if (sample.state !== "error" && sample.state !== "unknown") return;
    const next = samples[index + 1];
    const from = share(Date.parse(sample.at));
    const to = next === undefined ? 1 : share(Date.parse(next.at));
    const last = bands.at(-1);
    if (last !== undefined && last.state === sample.state && from - last.to < 1e-6) last.to = to;
    else bands.push({ from, to, state: sample.state });
  });
  return bands.filter((band) => band.to > 0);
}

function lineOf(samples: readonly Sample[], share: (at: number) => number, top: number): string {
  let path = "";
  let pen = false;
  for (const { at, state, median } of samples) {
    const x = share(Date.parse(at)) * WIDTH;
    if (state === "error" || state === "unknown" || x < 0) {
      pen = false;
      continue;
    }
    path += `${pen ? "L" : "M"}${x.toFixed(1)} ${(HEIGHT - (median / top) * HEIGHT).toFixed(1)}`;
    pen = true;
  }
  return path;
}

/** The words of the bands, left out where they would stand on one another. */
function spoken(bands: readonly Band[]): readonly Band[] {
  let free = 1.1;
  return bands.toReversed().filter((band) => {
    if (band.to > free - 0.07) return false;
    free = band.from;
    return true;
  });
}

function axisWords(top: number): readonly string[] {
  return [top, top / 2, 0].map((ms) => String(Math.round(ms * 100) / 100));
}

/** A day of latency: from 0, a failure a gap with a labelled band, never 0. */
export function LatencyPlot({ samples, to, label }: PlotProps): JSX.Element {
  const share = (at: number): number => (at - to + DAY_MS) / DAY_MS;
  const known = samples ?? [];
  const top = niceTop(Math.max(0.5, ...known.map((sample) => sample.median)));
  const bands = bandsOf(known, share);
  return (
    <div class="plot" role="img" aria-label={label}>
      <svg class="plot-words" height="20" width="100%" aria-hidden="true">
        {spoken(bands).map((band) => (
          <text
            key={band.from}
            class={`is-${band.state}`}
            x={`${(band.from > 0.93 ? 1 : band.from) * 100}%`}
            y="13"
            text-anchor={band.from > 0.93 ? "end" : "start"}
          >
            {span((band.to - band.from) * DAY_MS)}
          </text>
        ))}
      </svg>
      <div class="plot-y" aria-hidden="true">
        {axisWords(top).map((word) => (
          <span key={word}>{word}</span>
        ))}
      </div>
      <svg
        class="plot-area"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        width="100%"
        height={HEIGHT}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        {[0, HEIGHT / 2, HEIGHT].map((y) => (
          <line key={y} class="grid" x1="0" y1={y} x2={WIDTH} y2={y} />
        ))}
        {bands.map((band) => (
          <g key={band.from} class={`is-${band.state}`}>
            <rect
              x={band.from * WIDTH}
              y="0"
              width={Math.max(1, (band.to - band.from) * WIDTH)}
              height={HEIGHT}
            />
            <line x1={band.from * WIDTH} y1="0" x2={band.from * WIDTH} y2={HEIGHT} />
          </g>
        ))}
        <path d={lineOf(known, share, top)} />
      </svg>
      <svg class="plot-x" height="22" width="100%" aria-hidden="true">
        {[0, 6, 12, 18].map((hour) => (
          <text key={hour} x={`${(hour / 24) * 100}%`} y="17">
            {clock(to - DAY_MS + hour * 3_600_000, false)}
          </text>
        ))}
        <text x="100%" y="17" text-anchor="end">
          now
        </text>
      </svg>
    </div>
  );
}
