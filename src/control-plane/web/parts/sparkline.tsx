import type { JSX } from "preact";
import type { Sample } from "../api/shapes.ts";
import { millis } from "../words/ages.ts";

const WIDTH = 100;
const HEIGHT = 22;
const POINTS = 40;

interface Drawn {
  readonly path: string;
  readonly end: readonly [number, number] | null;
  readonly atEnd: boolean;
}

/** The medians as a line with gaps. */
function draw(medians: readonly (number | null)[]): Drawn {
  const known = medians.filter((ms) => ms !== null);
  const most = Math.max(...known);
  const least = Math.min(...known);
  // A flat hour shall look flat: noise of a few per cent does not fill the height.
  const room = Math.max(most - least, most * 0.4, 1e-9);
  const foot = (most + least - room) / 2;
  const step = (WIDTH - 8) / Math.max(1, medians.length - 1);
  let path = "";
  let pen = false;
  let end: readonly [number, number] | null = null;
  let lastAt = -1;
  medians.forEach((ms, index) => {
    if (ms === null) {
      pen = false;
      return;
    }
    const x = 2 + index * step;
    const y = HEIGHT - 4 - ((ms - foot) / room) * (HEIGHT - 8);
    path += `${pen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = true;
    end = [x, y];
    lastAt = index;
  });
  return { path, end, atEnd: lastAt === medians.length - 1 };
}

/** Some hours of latency and its last value: "was" where the last look did not pass. */
export function Sparkline({
  samples,
  known,
}: {
  readonly samples: readonly Sample[] | null;
  readonly known: boolean;
}): JSX.Element {
  const medians = (samples ?? [])
    .slice(-POINTS)
    .map((sample) => (sample.state === "error" || sample.state === "unknown" ? null : sample.median));
  const last = medians.findLast((ms) => ms !== null);
  if (last === undefined || last === null) return <span class="spark" />;
  const { path, end, atEnd } = draw(medians);
  const now = known && atEnd;
  return (
    <span class={now ? "spark" : "spark is-old"}>
      <svg width={WIDTH} height={HEIGHT} aria-hidden="true">
        <path d={path} />
        {end !== null && !now && (
          <line class="after" x1={end[0] + 5} y1={HEIGHT - 2} x2={WIDTH} y2={HEIGHT - 2} />
        )}
        {end !== null && <circle class={now ? "end" : "end is-open"} cx={end[0]} cy={end[1]} r="2.3" />}
      </svg>
      <span>{now ? millis(last) : `was ${millis(last)}`}</span>
    </span>
  );
}
