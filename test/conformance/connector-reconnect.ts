import type { Socket } from "node:net";
import { TIMINGS } from "../../src/protocol/limits.ts";
import { fakeControlPlane } from "../fake/control-plane.ts";
import { eventually, pause } from "../process/programs.ts";
import { type Case, holds, same, within } from "./case.ts";
import { readySession, timesOf } from "./fake-plane.ts";
import { FaultProxy } from "./proxy.ts";
import type { ConnectorSubject } from "./subjects.ts";
import { UNEVEN, unevenness } from "./uniform.ts";

type ConnectorCase = Case<ConnectorSubject>;

/** Connectors that wait at the same time: delays are slow to count one by one. */
const AT_ONCE = 4;
/** What an attempt takes beside the delay, milliseconds: a process on a busy machine. */
const ATTEMPT_MS = 12;

/** The delays between so many attempts that are all reset, of one connector. */
async function delaysOf(subject: ConnectorSubject, count: number): Promise<readonly number[]> {
  const ends: number[] = [];
  const delays: number[] = [];
  const refuse = (socket: Socket): true => {
    const last = ends.at(-1);
    if (last !== undefined) delays.push(performance.now() - last);
    socket.resetAndDestroy();
    ends.push(performance.now());
    return true;
  };
  await using plane = await fakeControlPlane({ refuse });
  await using started = await subject.start(plane.url);
  await eventually(`${count} delays`, () => (delays.length >= count ? true : undefined), {
    ms: 10_000 + count * 1_500,
  });
  holds("the connector lives", !started.program.isOver, started.program.output);
  return delays;
}

const jitter: ConnectorCase = {
  number: 29,
  says: "Delays double from 1 s to a cap of 60 s, each uniform from 0 to its step, still at the cap; only a session that lasted a minute begins anew.",
  scale: 0.01,
  async run(subject) {
    const each = Math.ceil(subject.rounds.delays / AT_ONCE) + 6;
    const [lists] = await Promise.all([
      Promise.all(Array.from({ length: AT_ONCE }, () => delaysOf(subject, each))),
      begins(subject),
    ]);
    const { backoffFirstMs, backoffCapMs } = TIMINGS;
    const cap = backoffCapMs * subject.scale;
    const most = (step: number): number => Math.min(cap, backoffFirstMs * subject.scale * 2 ** step);
    for (const delays of lists) {
      const rising = delays.slice(0, 6);
      holds(
        "no delay of the first steps is above its step",
        rising.filter((delay, step) => delay > most(step) + 100).length <= 1,
        rising.map(Math.round),
      );
    }
    const atCap = lists
      .flatMap((delays) => delays.slice(6))
      .map((delay) => Math.max(0, delay - ATTEMPT_MS / 2));
    const outliers = atCap.filter((delay) => delay > cap + 100).length;
    within(`of ${atCap.length} delays at the cap, those above it`, outliers, [0, atCap.length / 50]);
    const parts = atCap.map((delay) => Math.min(1, delay / cap));
    within("unevenness × 100 of the delays at the cap", unevenness(parts) * 100, [0, UNEVEN * 100]);
    same(
      "delays of zero in a row",
      atCap.some((delay, index) => delay < 1 && (atCap[index + 1] ?? 9) < 1),
      false,
    );
  },
};

/** A session of no length goes on with the long delays; one that lasted begins with the short ones. */
async function begins(subject: ConnectorSubject): Promise<void> {
  const stableMs = TIMINGS.stableMs * subject.scale;
  let refused = 0;
  let refusing = true;
  const refuse = (socket: Socket): boolean => {
    if (!refusing) return false;
    refused += 1;
    socket.resetAndDestroy();
    return true;
  };
  await using plane = await fakeControlPlane({ ...timesOf(subject), refuse });
  await using started = await subject.start(plane.url);
  /** Milliseconds for so many attempts that are refused, after a session that was ready for so long. */
  const after = async (readyMs: number, count: number): Promise<number> => {
    refusing = false;
    const session = await readySession(plane, plane.sessions.length);
    await pause(readyMs);
    refusing = true;
    refused = 0;
    const since = performance.now();
    session.socket.terminate();
    await eventually("refused attempts", () => (refused >= count ? true : undefined), { ms: 30_000 });
    return performance.now() - since;
  };
  await eventually("eight refused attempts", () => (refused >= 8 ? true : undefined), { ms: 30_000 });
  // Four steps from the first one take at most 0 + 10 + 20 + 40 ms, at the cap 2,400 and 1,200 in the mean.
  const short: number[] = [];
  for (let round = 0; round < 3; round += 1) short.push(await after(stableMs / 10, 4));
  const long = await after(stableMs * 1.5, 4);
  within("ms for four attempts after a session that lasted", long, [0, 600]);
  holds("four attempts after short sessions take longer", Math.max(...short) > 400, short.map(Math.round));
  holds("the connector lives", !started.program.isOver, started.program.output);
}

const manyReconnects: ConnectorCase = {
  number: 38,
  says: "After many reconnects sockets and memory of the connector are what they were; while the control plane is away its liveness stays green.",
  scale: 0.01,
  async run(subject) {
    await using plane = await fakeControlPlane({
      ...timesOf(subject),
      onFrame: ({ type }, session) => {
        if (type === "session.heartbeat") session.socket.close(1012, "restart");
      },
    });
    await using proxy = await FaultProxy.start(plane.port);
    await using started = await subject.start(proxy.url);
    const sessions = (count: number): Promise<true> =>
      eventually(`${count} sessions`, () => (plane.sessions.length >= count ? true : undefined), {
        ms: 10_000 + count * 2_000,
      });
    await sessions(5);
    const before = { rss: started.program.rss, descriptors: started.program.descriptors };
    await sessions(5 + subject.rounds.reconnects);
    within("open descriptors more", started.program.descriptors - before.descriptors, [-20, 4]);
    within("MiB more memory", (started.program.rss - before.rss) / 1_048_576, [-1_000, 32]);
    proxy.weather.newcomers = "reset";
    proxy.reset();
    const until = performance.now() + subject.rounds.awayMs;
    while (performance.now() < until) {
      same("/livez while the control plane is away", (await fetch(`${started.health}/livez`)).status, 200);
      await pause(100);
    }
    proxy.weather.newcomers = "pass";
    await sessions(plane.sessions.length + 1);
  },
};

export const CONNECTOR_RECONNECT_CASES = [jitter, manyReconnects];
