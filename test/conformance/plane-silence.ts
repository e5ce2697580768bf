import { STANDARD, TIMINGS } from "../../src/protocol/limits.ts";
import { failingReport, FakeConnector, fakeReport } from "../fake/connector.ts";
import { pause } from "../process/programs.ts";
import { type Case, holds, same, SLACK_MS, within } from "./case.ts";
import { endOf, guestAt, keepBeating, nameOf } from "./guest.ts";
import type { PlaneSubject } from "./subjects.ts";

type PlaneCase = Case<PlaneSubject>;
type Shown = { readonly state: string; readonly lastKnown: { readonly state: string } | null };
/** A connector, with the control plane's own times of its state and of the last frame. */
interface Stamped {
  readonly state: string;
  readonly since: string;
  readonly lastHeartbeatAt: string | null;
}
/** What a busy machine may add between two of its stamps, milliseconds: 1 s of the protocol's at ÷ 10. */
const STAMP_SLACK_MS = 100;

/** A connector that is ready and does not beat. */
async function quiet(plane: PlaneSubject, parts: AsyncDisposableStack): Promise<FakeConnector> {
  const guest = parts.use(await FakeConnector.ready(plane.url, await plane.identity()));
  guest.tellAll([guest.snapshotItem(fakeReport("a")), guest.snapshotItem(failingReport("b"))]);
  await guest.acked(1);
  return guest;
}

const stateOf = async (plane: PlaneSubject, name: string): Promise<string | undefined> =>
  (await plane.get<Shown>(`/connectors/${name}`))?.state;

/** The connector as soon as it is called unreachable, and when that was seen here. */
async function verdictOn(plane: PlaneSubject, name: string): Promise<Stamped & { readonly seenAt: number }> {
  const shown = await plane.until<Stamped>(
    `/connectors/${name}`,
    ({ state }) => state === "unreachable",
    STANDARD.unreachableMs * plane.scale + 4 * SLACK_MS,
  );
  return { ...shown, seenAt: performance.now() };
}

/** From what was said last until then, by the control plane's own stamps and by ours: [least, most] of the protocol's ms. */
function onTime(
  what: string,
  { from, verdict, since }: { from: string | null; verdict: Stamped & { seenAt: number }; since: number },
  [least, most]: readonly [number, number],
): void {
  const stamped = Date.parse(verdict.since) - Date.parse(from ?? "");
  within(`ms ${what}, by the control plane's stamps`, stamped, [least, most + STAMP_SLACK_MS]);
  within(`ms ${what}, as it was seen`, verdict.seenAt - since, [least, most + SLACK_MS]);
}

const silence: PlaneCase = {
  number: 7,
  says: "Silence is not unreachable at 44 s and is by 46 s, whatever WebSocket pings say; the socket is ended, and integrations read unknown with what was known last.",
  scale: 0.1,
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const guest = await quiet(plane, parts);
    const n = guest.beat();
    await guest.until("session.ack", ({ data }) => data.n === n);
    const since = performance.now();
    const pings = setInterval(() => guest.socket.ping(), 100);
    parts.defer(() => clearInterval(pings));
    const verdict = await verdictOn(plane, nameOf(guest));
    onTime("of silence", { from: verdict.lastHeartbeatAt, verdict, since }, [
      44_000 * plane.scale,
      46_000 * plane.scale,
    ]);
    same("the silent one's socket", await endOf("the silent one", guest), 1006);
    for (const [integration, state] of [
      ["a", "online"],
      ["b", "error"],
    ] as const) {
      const shown = await plane.get<Shown>(`/integrations/${nameOf(guest)}/${integration}`);
      same(`integration ${integration}`, [shown?.state, shown?.lastKnown?.state], ["unknown", state]);
    }
  },
};

const goodbyes: PlaneCase = {
  number: 8,
  says: "A goodbye to restart is restarting until the return that it told, a shutdown is offline for good, an end without a goodbye is disconnected until the deadline.",
  scale: 0.1,
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const [restarts, stops, vanishes] = await Promise.all([
      quiet(plane, parts),
      quiet(plane, parts),
      quiet(plane, parts),
    ]);
    const returnMs = 20_000 * plane.scale;
    const since = performance.now();
    restarts.send("session.bye", { reason: "restart", expectedReturnMs: returnMs });
    stops.send("session.bye", { reason: "shutdown", expectedReturnMs: null });
    vanishes.socket.terminate();
    same(
      "the answer to a goodbye",
      [await endOf("restart", restarts), await endOf("shutdown", stops)],
      [1000, 1000],
    );
    const [one, two, three] = [nameOf(restarts), nameOf(stops), nameOf(vanishes)];
    const becomes = (name: string, state: string): Promise<Stamped> =>
      plane.until<Stamped>(`/connectors/${name}`, (shown) => shown.state === state, SLACK_MS);
    const restarting = await becomes(one, "restarting");
    await becomes(two, "offline");
    await becomes(three, "disconnected");
    const [restart, vanish] = await Promise.all([verdictOn(plane, one), verdictOn(plane, three)]);
    onTime("until a restart is overdue", { from: restarting.since, verdict: restart, since }, [
      returnMs,
      returnMs + 1_000 * plane.scale,
    ]);
    onTime("until a vanished one is unreachable", { from: vanish.lastHeartbeatAt, verdict: vanish, since }, [
      44_000 * plane.scale,
      46_000 * plane.scale,
    ]);
    same("the one that said goodbye", await stateOf(plane, two), "offline");
  },
};

/** Of so many connectors, so many come back. */
const FLEET = 25;
const BACK = 9;

const absence: PlaneCase = {
  number: 23,
  says: "After its own absence a control plane calls nobody unreachable within its grace; where most stay away it holds the verdicts and says that it is degraded.",
  scale: 0.1,
  needs: "restart",
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const fleet = await Promise.all(Array.from({ length: FLEET }, () => quiet(plane, parts)));
    await plane.stop("SIGKILL");
    await pause(STANDARD.unreachableMs * plane.scale + 500);
    await plane.start();
    const started = performance.now();
    const degraded = async (): Promise<boolean | undefined> =>
      (await plane.get<{ degraded: boolean }>("/summary"))?.degraded;
    for (const { identity, streamId, instanceId, next } of fleet.slice(0, BACK))
      keepBeating(
        parts.use(await FakeConnector.ready(plane.url, identity, { streamId, instanceId, next })),
        plane,
        parts,
      );
    const graceMs = TIMINGS.startGraceMs * plane.scale;
    const holdMs = TIMINGS.massHoldMs * plane.scale;
    const away = nameOf(fleet.at(-1) as FakeConnector);
    let heldAt: number | undefined;
    for (let over = false; !over;) {
      const [state, isDegraded, ms] = [
        await stateOf(plane, away),
        await degraded(),
        performance.now() - started,
      ];
      if (isDegraded === true) heldAt ??= ms;
      over = state === "unreachable" || ms > graceMs + holdMs + 3 * SLACK_MS;
      if (!over) holds("an absent one's state before the verdict", state === "disconnected", state);
      await pause(50);
    }
    const verdict = performance.now() - started;
    within("ms after the start when it said degraded", heldAt ?? -1, [
      graceMs - SLACK_MS,
      graceMs + 2 * SLACK_MS,
    ]);
    within("ms after the start at the verdicts", verdict, [graceMs, graceMs + holdMs + 2 * SLACK_MS]);
    holds("the verdicts were held", verdict > (heldAt ?? 0) + 1_000 * plane.scale, { heldAt, verdict });
    same("one that came back", await stateOf(plane, nameOf(fleet[0] as FakeConnector)), "connected");
  },
};

export const SILENCE_CASES = [silence, goodbyes, absence];
export { guestAt };
