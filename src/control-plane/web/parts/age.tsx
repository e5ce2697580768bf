import type { JSX } from "preact";
import { notLive } from "../fleet/link.ts";
import { now } from "../fleet/now.ts";
import { bothTimes, clock, moment, span } from "../words/ages.ts";

interface AgeProps {
  readonly at: string | null;
  /** ago: "6 s ago". in: "in 51 s". */
  readonly as?: "ago" | "in";
  /** Before it: "read 6 s ago", or "not read yet". */
  readonly verb?: string;
}

/** How long ago something was. Without a live line ages would lie, so they become times. */
export function Age({ at, as = "ago", verb = "" }: AgeProps): JSX.Element {
  if (at === null) return <span class="faint">{verb === "" ? "not yet" : `not ${verb} yet`}</span>;
  const time = Date.parse(at);
  const gap = as === "in" ? time - now.value : now.value - time;
  const text = notLive.value
    ? `at ${moment(time, now.value)}`
    : as === "ago"
      ? `${span(gap)} ago`
      : gap <= 0
        ? "now"
        : `in ${span(gap)}`;
  return (
    <>
      {verb !== "" && `${verb} `}
      <time dateTime={at} title={bothTimes(time)}>
        {text}
      </time>
    </>
  );
}

/** How long a state stands, and since when: without a live line since when alone. */
export function Standing({ since }: { readonly since: string }): JSX.Element {
  return (
    <span>
      {!notLive.value && `for ${span(now.value - Date.parse(since))}, `}since <Moment at={since} /> UTC
    </span>
  );
}

/** The same in two lines, for a row. */
export function StandingLines({ since }: { readonly since: string }): JSX.Element {
  return (
    <>
      <b>{notLive.value ? <Moment at={since} /> : span(now.value - Date.parse(since))}</b>
      <small>
        {notLive.value ? (
          "since then"
        ) : (
          <>
            since <Moment at={since} />
          </>
        )}
      </small>
    </>
  );
}

/** A time of day, or with its date where it is not of today. */
export function Moment({ at }: { readonly at: string }): JSX.Element {
  const time = Date.parse(at);
  return (
    <time dateTime={at} title={bothTimes(time)}>
      {moment(time, now.value)}
    </time>
  );
}

/** Where and when a printed page was taken. */
export function PrintedFrom(): JSX.Element {
  return (
    <p class="printed">
      {location.href}, {new Date(now.value).toISOString().slice(0, 19).replace("T", " ")} UTC
    </p>
  );
}

/** The clock of the bar, in UTC. */
export function BarClock(): JSX.Element {
  return (
    <time class="bar-clock" title={bothTimes(now.value)}>
      {clock(now.value)} UTC
    </time>
  );
}
