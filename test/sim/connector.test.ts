import { expect, test } from "vitest";
import { ConnectorModel } from "./connector-model.ts";
import { PlaneModel } from "./plane-model.ts";
import { World } from "./world.ts";

const TROUBLE_MS = 10 * 60_000;
const QUIET_MS = 10 * 60_000;

interface Run {
  readonly plane: PlaneModel;
  readonly lives: ConnectorModel[];
  readonly restored: boolean;
}

/** Ten minutes of trouble, then ten of quiet. */
function run(seed: number, outboxEvents: number): Run {
  const world = new World(seed);
  const plane = new PlaneModel(world);
  const integrations = 1 + Math.floor(world.random() * 8);
  const lives: ConnectorModel[] = [];
  const live = (): ConnectorModel => {
    const made = new ConnectorModel(world, plane, `s${seed}p${lives.length}`, integrations, outboxEvents);
    lives.push(made);
    // A process looks at everything soon after it began.
    for (let index = 0; index < integrations; index += 1)
      world.after(world.between(10, 5_000), () => made.look(index, world.chance(0.5) ? "online" : "error"));
    return made;
  };
  live();
  let restored = false;
  let backup = plane.backup();
  const step = (): void => {
    if (world.now > TROUBLE_MS) return;
    const now = lives.at(-1);
    const dice = world.random();
    if (dice < 0.8)
      now?.look(Math.floor(world.random() * integrations), world.chance(0.5) ? "online" : "error");
    else if (dice < 0.84) now?.result(`k${world.now}`);
    else if (dice < 0.97) {
      if (world.chance(0.2)) now?.cut();
    } else if (dice < 0.98) {
      now?.crash();
      live();
    } else if (dice < 0.99) {
      plane.crash();
      world.after(world.between(100, 90_000), () => {
        plane.isUp = true;
      });
    } else if (dice < 0.992) backup = plane.backup();
    else if (dice < 0.993) {
      plane.crash();
      plane.durable = structuredClone(backup);
      restored = true;
      world.after(world.between(100, 5_000), () => {
        plane.isUp = true;
      });
    }
    world.after(world.between(1, 1_500), step);
  };
  world.after(0, step);
  world.runUntil(TROUBLE_MS);
  plane.isUp = true;
  world.runUntil(TROUBLE_MS + QUIET_MS);
  return { plane, lives, restored };
}

function judge({ plane, lives, restored }: Run): void {
  const { log, states, results } = plane.durable;
  const last = lives.at(-1);
  expect(last?.isReady).toBe(true);
  expect(last?.outbox.events).toBe(0);
  // What is shown is what is true.
  const shown = [...states.values()].map((item) =>
    "state" in item ? `${item.name} ${item.state}` : item.name,
  );
  const truth = last === undefined ? [] : last.outbox.stream.id;
  expect([truth, last?.digest()]).toEqual([truth, plane.digestOf()]);
  expect(shown.length).toBeGreaterThan(0);
  // Nothing twice, nothing in another order.
  expect(new Set(log).size).toBe(log.length);
  for (const [index, life] of lives.entries()) {
    const own = log.filter((mark) => mark.startsWith(`${life.name} `));
    const places = own.map((mark) => life.told.indexOf(mark));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    if (restored) continue;
    // What was acked is stored; of a process that lived to the end, everything that was not given up.
    for (const mark of life.acked) expect(log).toContain(mark);
    const { coalesced, dropped } = life.outbox.counts;
    if (index === lives.length - 1 && coalesced + dropped === 0) expect(own.length).toBe(life.told.length);
    if (index === lives.length - 1 && dropped === 0)
      for (const id of life.results) expect(results.get(id)).toBe(1);
  }
}

test.each([10_000, 30, 10])(
  "60 seeds of trouble, room for %i events: nothing acked is lost, nothing twice",
  (room) => {
    let applied = 0;
    for (let seed = 1; seed <= 60; seed += 1) {
      const done = run(seed, room);
      applied += done.plane.durable.log.length;
      try {
        judge(done);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    expect(applied).toBeGreaterThan(3_000);
  },
  120_000,
);
