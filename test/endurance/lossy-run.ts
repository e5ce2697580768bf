import { loadavg } from "node:os";
import { FAST } from "../../src/protocol/limits.ts";
import { pause } from "../process/programs.ts";
import { compared, seconds } from "./compared.ts";
import { CONTROL, LossyFleet } from "./lossy-fleet.ts";
import type { Packets } from "./network.ts";
import { sumOf } from "./series.ts";
import type { Alarm, Watch } from "./watch.ts";

export interface LossWish {
  /** Of the packets of each direction. */
  readonly percent: number;
  readonly connectors: number;
  readonly minutes: number;
}

export interface LossReport {
  /** Rules that were broken, one line each; none where all is well. */
  readonly problems: readonly string[];
  /** What was measured, by name. */
  readonly figures: Readonly<Record<string, string | number>>;
}

/** The last part of the run, in which one connector is frozen: its verdict is due by then. */
const CONTROL_MS = 24_000;
/** The verdict comes within a second of the deadline. */
const SWEEP_MS = 1_000;

/** That nobody was called silent by mistake says little where few beat, or not for long. */
export const LONG = { connectors: 20, minutes: 10 } as const;
export const isLong = ({ connectors, minutes }: LossWish): boolean =>
  connectors >= LONG.connectors && minutes >= LONG.minutes;

/** A fleet beats through a network that loses packets. Throws only where the run itself could not be made. */
export async function lossyRun(wish: LossWish, tell: (line: string) => void): Promise<LossReport> {
  await using fleet = await LossyFleet.start(wish.connectors, tell);
  const { watch } = fleet;
  const before = await fleet.metrics();
  watch.begin();
  await fleet.lose(wish.percent);
  await underLoss(fleet, Math.max(0, wish.minutes * 60_000 - CONTROL_MS), tell);
  tell("one connector is frozen");
  const [control] = await Promise.all([frozen(fleet), pause(CONTROL_MS)]);
  const alarms = watch.alarms.filter(({ connector }) => connector !== CONTROL);
  const packets = await fleet.heal();
  await fleet.signal(CONTROL, "SIGCONT");
  tell("nothing is lost any more; what was told is compared with what was");
  const told = await compared(fleet.plane, fleet.flipping, () => fleet.truth());
  const after = await fleet.metrics();
  return {
    problems: [
      ...(await Promise.all(alarms.map((alarm) => worded(alarm, fleet)))),
      ...control.problems,
      ...told.problems,
      ...trusted(watch),
    ],
    figures: {
      connectors: wish.connectors + 1,
      minutes: wish.minutes,
      ...lossFigures(packets),
      ...counted(before, after),
      "longest silences": watch.silences(CONTROL).slice(0, 5).map(seconds).join(", "),
      "shown stale": watch.count("stale"),
      "shown disconnected": watch.count("disconnected"),
      "false alarms": alarms.length,
      "frozen connector told after": control.told,
      "transitions told": told.transitions,
      "answers of the targets": told.answers,
      "longest standstill of the watcher": seconds(watch.standstill.longestMs),
    },
  };
}

/** A false alarm, and what its connector logged. */
async function worded(
  { connector, since, lastHeartbeatAt, message }: Alarm,
  fleet: LossyFleet,
): Promise<string> {
  const log = (await fleet.log(connector)).filter((line) => !line.includes('"integration"'));
  return [`false alarm: ${message} Since ${since}, last heard ${lastHeartbeatAt}. It logged:`, ...log].join(
    "\n    ",
  );
}

/** Waits, and says each minute how it stands. */
async function underLoss({ watch }: LossyFleet, ms: number, tell: (line: string) => void): Promise<void> {
  const until = performance.now() + ms;
  for (let minute = 1; performance.now() < until; minute += 1) {
    await pause(Math.min(60_000, until - performance.now()));
    const [silentMs = 0] = watch.silences(CONTROL);
    tell(
      `minute ${minute}: ${watch.alarms.length} alarms, ${watch.count("disconnected")} disconnects, longest silence ${seconds(silentMs)}, load ${loadavg()[0]?.toFixed(1)}`,
    );
  }
}

/** The positive control: a connector that is stopped is told on time, although packets are lost. */
async function frozen(
  fleet: LossyFleet,
): Promise<{ readonly problems: readonly string[]; readonly told: string }> {
  const { plane, watch } = fleet;
  const deadlineMs = FAST.unreachableMs;
  const stoodStillMs = watch.standstill.ms;
  const frozenAt = Date.now();
  await fleet.signal(CONTROL, "SIGSTOP");
  const longest = 2 * (deadlineMs + SWEEP_MS);
  const shown = await plane.connectorIs(CONTROL, "unreachable", longest).catch(() => undefined);
  if (shown === undefined)
    return { problems: [`${CONTROL} was frozen, and not told within ${seconds(longest)}`], told: "never" };
  const silentMs = Date.parse(shown.since) - Date.parse(shown.lastHeartbeatAt ?? "");
  const latest = deadlineMs + SWEEP_MS + 2 * (watch.standstill.ms - stoodStillMs);
  const isOnTime = silentMs >= deadlineMs - 1 && silentMs <= latest;
  const when = `${seconds(silentMs)} of silence, ${seconds(Date.parse(shown.since) - frozenAt)} after the freeze`;
  const rule = `it is due between ${seconds(deadlineMs)} and ${seconds(latest)} of silence`;
  return { problems: isOnTime ? [] : [`${CONTROL} was told after ${when}: ${rule}`], told: when };
}

/** Whether the watcher saw enough for its silence to mean something. */
function trusted({ isWhole, failures, heldMost }: Watch): readonly string[] {
  return [
    ...(isWhole ? [] : ["the stream of events began anew: verdicts may have been missed"]),
    ...(failures.length === 0 ? [] : [`${failures.length} readings failed, first ${failures[0]}`]),
    ...(heldMost === 0
      ? []
      : [`the mass guard held ${heldMost} verdicts: the absence of alarms proves nothing`]),
  ];
}

function lossFigures({ up, down }: { readonly up: Packets; readonly down: Packets }) {
  const share = ({ arrived, dropped }: Packets): string =>
    `${dropped} of ${arrived} (${((100 * dropped) / Math.max(1, arrived)).toFixed(1)} %)`;
  return {
    "packets lost on the way up": share(up),
    "packets lost on the way down": share(down),
    "segments sent again": `${up.sentAgain} by the control plane, ${down.sentAgain} by the connectors`,
  };
}

/** What the connectors counted meanwhile. */
function counted(before: readonly string[], after: readonly string[]) {
  const more = (metric: string, labels = ""): number =>
    sumOf(after, `mooring_control_plane_${metric}`, labels) -
    sumOf(before, `mooring_control_plane_${metric}`, labels);
  const rtt = "heartbeat_rtt_seconds";
  return {
    "heartbeats answered": more(`${rtt}_count`),
    "answers later than 1 s": more(`${rtt}_count`) - more(`${rtt}_bucket`, 'le="1"'),
    "sessions that ended": more("disconnects_total"),
    "attempts to connect": more("connect_attempts_total"),
    "attempts that failed": more("connect_attempts_total") - more("connect_attempts_total", 'result="ready"'),
  };
}
