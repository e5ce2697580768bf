const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function two(n: number): string {
  return String(n).padStart(2, "0");
}

/** A duration in one unit: "6 s", "8 min", "4 h", "3 d". */
export function span(ms: number): string {
  const at = Math.max(0, ms);
  if (at < MINUTE) return `${Math.floor(at / 1000)} s`;
  if (at < HOUR) return `${Math.floor(at / MINUTE)} min`;
  if (at < 2 * DAY) return `${Math.floor(at / HOUR)} h`;
  return `${Math.floor(at / DAY)} d`;
}

/** A duration in two units, for what is over: "9 min 44 s", "2 h 5 min". */
export function exactSpan(ms: number): string {
  const at = Math.max(0, Math.round(ms / 1000) * 1000);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(at / DAY), "d"],
    [Math.floor(at / HOUR) % 24, "h"],
    [Math.floor(at / MINUTE) % 60, "min"],
    [Math.floor(at / 1000) % 60, "s"],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  if (first < 0) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(" ");
}

/** The time of day in UTC: 03:12:40. */
export function clock(at: number, seconds = true): string {
  const date = new Date(at);
  const hm = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
  return seconds ? `${hm}:${two(date.getUTCSeconds())}` : hm;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A time as it is read from `now`: "03:04:18" of today, "18 Nov" with its time before. */
export function moment(at: number, now: number): string {
  const days = Math.floor(now / DAY) - Math.floor(at / DAY);
  if (days === 0) return clock(at);
  const date = new Date(at);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${clock(at, false)}`;
}

const ISO = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** A sentence of the control plane with its times as the page writes them. */
export function withTimes(text: string, now: number): string {
  return text.replaceAll(ISO, (time) => `${moment(Date.parse(time), now)} UTC`);
}

/** A time with its day in words: "Today 03:04:18", "Yesterday 07:58:40", "18 Nov 22:40:00". */
export function dayAndTime(at: number, now: number): string {
  const days = Math.floor(now / DAY) - Math.floor(at / DAY);
  if (days === 0) return `Today ${clock(at)}`;
  if (days === 1) return `Yesterday ${clock(at)}`;
  const date = new Date(at);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${clock(at)}`;
}

// Made once: making one costs more than a row of the table does.
const LOCAL = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** UTC and the reader's own time, for hover and focus. */
export function bothTimes(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC, ${LOCAL.format(at)} here`;
}

/** Milliseconds as the page shows them: 0.4, 3.1, 84. */
export function millis(ms: number): string {
  return ms < 100 ? `${Math.round(ms * 10) / 10} ms` : `${Math.round(ms)} ms`;
}
