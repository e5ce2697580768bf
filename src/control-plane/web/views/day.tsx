import type { JSX } from "preact";
import type { Integration, Sample, Transition } from "../api/shapes.ts";
import { now } from "../fleet/now.ts";
import { samplesOf, samplesPath, withSilence } from "../fleet/samples.ts";
import { phone } from "../fleet/settings.ts";
import { Bars } from "../parts/bars.tsx";
import { Card } from "../parts/card.tsx";
import { LatencyPlot } from "../parts/latency-plot.tsx";
import { clock } from "../words/ages.ts";

import { Transitions } from "./transitions.tsx";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** "97.2 % online, failed twice": by the buckets, so to a bucket's length. */
function summary(samples: readonly Sample[], failures: number): string {
  const seen = samples.filter((sample) => sample.state !== "unknown");
  if (seen.length === 0) return "no data yet";
  const good = seen.filter((sample) => sample.state !== "error").length;
  const share = Math.floor((good / seen.length) * 1000) / 10;
  const times =
    failures === 0
      ? ""
      : failures === 1
        ? ", failed once"
        : failures === 2
          ? ", failed twice"
          : `, failed ${failures} times`;
  return `${share} % online${times}`;
}

interface DayProps {
  readonly item: Integration;
  readonly transitions: readonly Transition[] | null;
}

/** Latency and transitions of the last day. */
export function Day({ item, transitions }: DayProps): JSX.Element {
  // Reading the minute, not the second, asks for fresh samples once a minute.
  const minute = Math.floor(now.value / MINUTE_MS);
  const to = (minute + 1) * MINUTE_MS;
  const samples = withSilence(samplesOf(samplesPath(item)).value, item, to);
  const failures = (transitions ?? []).filter(
    ({ to: state, at }) => state === "error" && Date.parse(at) > to - DAY_MS,
  ).length;
  const words = samples === null ? "" : summary(samples, failures);
  return (
    <Card title="Last 24 hours" flush aside={phone.value ? words : `${words} · latency in ms`}>
      {phone.value ? (
        <div class="day-bars">
          <Bars
            samples={samples}
            from={to - DAY_MS}
            to={to}
            width={344}
            height={36}
            count={48}
            label={`Last 24 hours: ${words}`}
          />
          <p class="ends">
            <span>{clock(to - DAY_MS, false)} yesterday</span>
            <span>now</span>
          </p>
        </div>
      ) : (
        <LatencyPlot samples={samples} to={to} label={`Latency of the last 24 hours. ${words}.`} />
      )}
      <Transitions list={transitions} />
    </Card>
  );
}
