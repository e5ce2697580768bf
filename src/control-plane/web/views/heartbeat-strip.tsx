import type { JSX } from "preact";
import type { Connector } from "../api/shapes.ts";
import { now } from "../fleet/now.ts";
import { phone } from "../fleet/settings.ts";
import { several } from "../words/names.ts";
import { clock, exactSpan, millis, moment } from "../words/ages.ts";
import { knownBeats, PINS } from "./beats.ts";

const ALERT_AFTER_MS = 120_000;
const LAST = 41;
const MOST_MISSED = 26;

interface Marker {
  readonly at: number;
  readonly text: string;
  readonly tone: "error" | "ink";
  /** Per cent of the width. */
  x: number;
}

/** Where the markers stand: in time, but never closer than their words need. */
function markers(connector: Connector, last: number, at: number): Marker[] {
  const told = Math.max(last, Date.parse(connector.since));
  const alert = told + ALERT_AFTER_MS;
  const list: Marker[] = [{ at: told, text: "Told as unreachable", tone: "error", x: 0 }];
  if (alert <= at) list.push({ at: alert, text: "Alert due", tone: "ink", x: 0 });
  const share = (time: number): number => LAST + ((time - last) / Math.max(1, at - last)) * (100 - LAST);
  let least = LAST + 6;
  for (const marker of list) {
    marker.x = Math.max(least, share(marker.at));
    least = marker.x + 19;
  }
  const most = [62, 84];
  list.forEach((marker, index) => (marker.x = Math.min(marker.x, most[index] ?? 84)));
  return list;
}

/** "a heartbeat every 15 s". */
function every({ heartbeatMs }: Connector): string {
  return `a heartbeat every ${heartbeatMs < 1000 ? millis(heartbeatMs) : `${heartbeatMs / 1000} s`}`;
}

/** The last heartbeats: as many as are known, the last one at the right; before the first there is nothing. */
function Pins({ until, count }: { readonly until: number; readonly count: number }): JSX.Element {
  const at = (index: number): number => 0.6 + (index / (PINS - 1)) * (until - 0.6);
  const first = PINS - count;
  return (
    <g class="pins">
      <line x1={`${count === PINS ? 0 : at(first)}%`} y1="66" x2={`${until}%`} y2="66" />
      {Array.from({ length: count }, (_, index) => {
        const x = `${at(first + index)}%`;
        return (
          <g key={index}>
            <line x1={x} y1="40" x2={x} y2="66" />
            <circle cx={x} cy="40" r="3.4" />
          </g>
        );
      })}
    </g>
  );
}

/** Where the session began, if that is within the picture. */
function Begun({
  connector,
  count,
}: {
  readonly connector: Connector;
  readonly count: number;
}): JSX.Element | null {
  const share = 99.4 - ((count - 1) / (PINS - 1)) * 98.8;
  if (count === PINS || share < (phone.value ? 55 : 30)) return null;
  return (
    <text class="quiet-label" x={`${share - 1.5}%`} y="70" text-anchor="end">
      connected at {moment(Date.parse(connector.since), now.value)}
    </text>
  );
}

/** The heartbeats that did not come, as hollow dots: at most as many as can be told apart. */
function Missed({ count }: { readonly count: number }): JSX.Element {
  const shown = Math.min(MOST_MISSED, count);
  const first = LAST + 6;
  return (
    <g class="missed">
      {Array.from({ length: shown }, (_, index) => (
        <circle key={index} cx={`${first + ((index + 0.5) / shown) * (99.5 - first)}%`} cy="66" r="2.6" />
      ))}
    </g>
  );
}

function Silent({ connector, last }: { readonly connector: Connector; readonly last: number }): JSX.Element {
  const at = now.value;
  const list = phone.value ? [] : markers(connector, last, at);
  const gap = exactSpan(at - last);
  return (
    <svg
      class="heartbeats"
      width="100%"
      height="124"
      role="img"
      aria-label={`Heartbeats until ${clock(last)}, silence for ${gap} since.`}
    >
      <text class="quiet-label" x="0" y="14">
        {phone.value ? "heartbeats" : every(connector)}
      </text>
      <text class="error-label" x={`${LAST + 1}%`} y="14">
        silence for {gap}
      </text>
      <rect class="silence" x={`${LAST}%`} y="26" width={`${100 - LAST}%`} height="52" />
      <Pins until={LAST} count={knownBeats(connector, last)} />
      <line class="silent-line" x1={`${LAST + 4}%`} y1="66" x2="100%" y2="66" />
      <svg x={`${LAST}%`} y="58" width="44" height="20" class="rope is-frayed">
        <path d="M0 8c10 0 14 1 19 4" />
        <path class="strand" d="M19 12c3 .6 6 0 9-2M19 12c4 1 6 2 8 4.5M19 12c2 1.4 3 3 3.5 5.5" />
      </svg>
      <Missed count={Math.floor((at - last) / connector.heartbeatMs)} />
      <line class="edge is-error" x1={`${LAST}%`} y1="26" x2={`${LAST}%`} y2="90" />
      <text class="error-label" x={`${LAST}%`} y="107" text-anchor="end">
        Last heartbeat
      </text>
      <text class="quiet-label" x={`${LAST}%`} y="123" text-anchor="end">
        {moment(last, at)}
      </text>
      {list.map((marker) => (
        <g key={marker.text}>
          <line class={`edge is-${marker.tone}`} x1={`${marker.x}%`} y1="26" x2={`${marker.x}%`} y2="90" />
          <text class={`${marker.tone}-label`} x={`${marker.x}%`} y="107">
            {marker.text}
          </text>
          <text class="quiet-label" x={`${marker.x}%`} y="123">
            {moment(marker.at, at)}
          </text>
        </g>
      ))}
      <line class="edge is-ink" x1="100%" y1="26" x2="100%" y2="90" transform="translate(-1 0)" />
      <text class="ink-label" x="100%" y="107" text-anchor="end">
        Now
      </text>
      <text class="quiet-label" x="100%" y="123" text-anchor="end">
        {clock(at)}
      </text>
    </svg>
  );
}

/** The last heartbeats as knots on a line, and the silence after them. */
export function HeartbeatStrip({ connector }: { readonly connector: Connector }): JSX.Element | null {
  if (connector.lastHeartbeatAt === null) return null;
  const last = Date.parse(connector.lastHeartbeatAt);
  if (connector.state === "unreachable") return <Silent connector={connector} last={last} />;
  if (connector.state !== "connected") return null;
  const count = knownBeats(connector, last);
  return (
    <svg
      class="heartbeats"
      width="100%"
      height="76"
      role="img"
      aria-label={`Heartbeats come; the last one at ${clock(last)}, ${count === PINS ? "as the 17 before it" : `${several(count, "heartbeat")} since it connected`}.`}
    >
      <text class="quiet-label" x="0" y="14">
        {every(connector)}
      </text>
      <text class="quiet-label" x="100%" y="14" text-anchor="end">
        last at {clock(last)}
      </text>
      <Begun connector={connector} count={count} />
      <Pins until={99.4} count={count} />
    </svg>
  );
}
