import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { type Answered, type Flipping, flipping, placesOf } from "../process/flipping.ts";
import { Agent, eventually, pause, Plane, type Transition } from "../process/programs.ts";

const SCALE = 0.02;
const KILLS = 25;
const LONGEST_MS = 180_000;
/** Between a connection and the next kill, milliseconds: somewhere in the middle of everything. */
const LEAST_MS = 50;
const MOST_MS = 700;

const somewhen = (): Promise<void> => pause(LEAST_MS + Math.random() * (MOST_MS - LEAST_MS));

/** Every history, by integration. */
async function histories(
  plane: Plane,
  target: Flipping,
): Promise<ReadonlyMap<string, readonly Transition[]>> {
  const all = new Map<string, readonly Transition[]>();
  for (const name of target.names) all.set(name, await plane.history(`shaken/${name}`));
  return all;
}

/** Every place is one, and they come in order, each at most once. */
function expectInOrder(
  name: string,
  places: readonly (number | undefined)[],
): asserts places is readonly number[] {
  expect(places, name).not.toContain(undefined);
  const inOrder = [...new Set(places)].toSorted((a, b) => (a ?? 0) - (b ?? 0));
  expect(places, name).toEqual(inOrder);
}

/** What stops in the middle leaves a database that is whole. */
async function expectWhole(plane: Plane): Promise<void> {
  await plane.program.stop("SIGKILL");
  const database = new DatabaseSync(join(plane.dir, "data", "mooring.db"));
  expect(Object.values(database.prepare("pragma integrity_check").get() ?? {})).toEqual(["ok"]);
  expect(database.prepare("pragma foreign_key_check").all()).toEqual([]);
  database.close();
}

describe.concurrent("kill -9", () => {
  test(
    `of the control plane, ${KILLS} times: every transition is there once, in order`,
    { timeout: LONGEST_MS },
    async () => {
      await using target = await flipping(40);
      await using plane = await Plane.start({ scale: SCALE });
      await using agent = await Agent.of(plane, "shaken", { integrations: target.integrations });
      for (let kill = 0; kill < KILLS; kill += 1) {
        await plane.connectorIs("shaken", "connected");
        await somewhen();
        await plane.program.stop("SIGKILL");
        await plane.again();
      }
      await plane.connectorIs("shaken", "connected");
      let told = 0;
      for (const name of target.names) {
        const { history, truth } = await eventually(`all of ${name}`, async () => {
          const history = await plane.history(`shaken/${name}`);
          const truth = target.truthOf(name).slice();
          return history.length >= truth.length ? { history, truth } : undefined;
        });
        expect(placesOf(history, truth), name).toEqual(truth.map((_, place) => place));
        expect(history.filter(({ observed, coalesced }) => observed !== "event" || coalesced > 0)).toEqual(
          [],
        );
        told += history.length;
      }
      expect(told).toBeGreaterThan(target.names.length * 4);
      expect(agent.program.isOver).toBe(false);
      await expectWhole(plane);
    },
  );

  test(
    `of the connector, ${KILLS} times: what was acked stays, once and in order`,
    { timeout: LONGEST_MS },
    async () => {
      await using target = await flipping(20);
      await using plane = await Plane.start({ scale: SCALE });
      await using agent = await Agent.of(plane, "shaken", { integrations: target.integrations });
      const killedAt: number[] = [];
      let before = await histories(plane, target);
      for (let kill = 0; kill < KILLS; kill += 1) {
        await plane.connectorIs("shaken", "connected");
        await somewhen();
        const acked = await histories(plane, target);
        killedAt.push(Date.now());
        await agent.program.stop("SIGKILL");
        expectKept(before, acked);
        before = acked;
        await agent.again();
      }
      await plane.connectorIs("shaken", "connected");
      for (const name of target.names) {
        const { history, truth } = await eventually(`the last of ${name}`, async () => {
          const truth = target.truthOf(name).slice();
          const history = await plane.history(`shaken/${name}`);
          return placesOf(history, truth).at(-1) === truth.length - 1 ? { history, truth } : undefined;
        });
        const places = placesOf(history, truth);
        expectInOrder(name, places);
        expect(lostWithout(killedAt, truth, places), `${name} lost what no kill explains`).toEqual([]);
      }
      expectKept(before, await histories(plane, target));
      await expectWhole(plane);
    },
  );
});

/** Whatever was stored once is stored for good, in its place. */
function expectKept(
  before: ReadonlyMap<string, readonly Transition[]>,
  after: ReadonlyMap<string, readonly Transition[]>,
): void {
  for (const [name, history] of before)
    expect(after.get(name)?.slice(0, history.length), name).toEqual(history);
}

/** An answer becomes an acked transition within this time, on a busy machine too. */
const ACKED_MS = 3_000;

/** What was answered and is nowhere, although the connector lived on long enough to tell it. */
function lostWithout(
  killedAt: readonly number[],
  truth: readonly Answered[],
  places: readonly number[],
): readonly Answered[] {
  const told = new Set(places);
  return truth.filter(
    ({ at }, place) => !told.has(place) && !killedAt.some((kill) => kill >= at - 50 && kill - at < ACKED_MS),
  );
}
