import { Faults } from "./faults.ts";
import type { FaultKind, Plan } from "./plan.ts";
import { Broken } from "./rules.ts";
import { Simulation } from "./simulation.ts";

/** How long a quiet time may take until all is well, milliseconds; longer where one was told to stop for an hour. */
const QUIET_MS = 240_000;
const STOPPED_MS = 2 * 3_600_000;
/** All is well, and stays so. */
const STAYS_MS = 60_000;
const STEP_MS = 5_000;
/** What a fault began is over by then: a connector that is stopped takes some seconds to say goodbye. */
const LATEST_MS = 10_000;

export interface Figures {
  readonly events: number;
  readonly frames: number;
  readonly commands: number;
  /** Simulated milliseconds. */
  readonly ms: number;
  readonly faults: Partial<Record<FaultKind, number>>;
}

export type Outcome = { readonly figures: Figures } & (
  | { readonly ok: true }
  | { readonly ok: false; readonly broken: Broken }
);

/** Runs a plan to its end, or to the rule that breaks. */
export async function run(plan: Plan, onTrace?: (at: number, says: string) => void): Promise<Outcome> {
  const { stackTraceLimit } = Error;
  // Every abort makes an error, and nobody looks at its stack: a tenth of the time.
  Error.stackTraceLimit = onTrace === undefined ? 0 : stackTraceLimit;
  try {
    return await runAll(plan, onTrace);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function runAll(plan: Plan, onTrace?: (at: number, says: string) => void): Promise<Outcome> {
  const sim = new Simulation(plan);
  if (onTrace !== undefined) sim.onTrace = (says) => onTrace(sim.timeline.now, says);
  const figures = (): Figures => {
    const { events, now: ms } = sim.timeline;
    return { events, frames: sim.frames, commands: sim.orders.count, ms, faults: done };
  };
  const done: Partial<Record<FaultKind, number>> = {};
  const faults = new Faults(sim);
  for (const fault of plan.faults)
    sim.timeline.at(fault.at, () => {
      done[fault.kind] = (done[fault.kind] ?? 0) + 1;
      faults.apply(fault);
    });
  changeTargets(sim);
  try {
    await sim.begin();
    await sim.runUntil(Math.max(plan.troubleMs, ...plan.faults.map(({ at, ms }) => at + ms + LATEST_MS)));
    await calm(sim);
    await sim.runUntil(sim.timeline.now + STAYS_MS);
    // Two processes of one identity take turns: at this moment the next one may be on its way.
    if (sim.ids.some((id) => sim.podsOf(id).length > 1)) await calm(sim);
    expectWell(sim);
  } catch (error) {
    if (error instanceof Broken) return { ok: false, broken: error, figures: figures() };
    const says = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const broken = new Broken("no-crash", sim.timeline.now, `a process threw: ${says}`);
    return { ok: false, broken, figures: figures() };
  } finally {
    for (const { machine } of [...sim.pods, ...(sim.plane === undefined ? [] : [sim.plane])]) machine.kill();
  }
  return { ok: true, figures: figures() };
}

/** A target changes now and then, and often a connector looks at it soon. */
function changeTargets(sim: Simulation): void {
  const { timeline, plan, targets } = sim;
  const step = (): void => {
    if (timeline.now > plan.troubleMs) return;
    const pod = timeline.pick(sim.pods);
    const item = pod === undefined ? undefined : timeline.pick(pod.items);
    if (pod !== undefined && item !== undefined) {
      targets.change(pod.targetOf(item));
      if (timeline.chance(0.6)) pod.lookNow(item.name);
    }
    timeline.after(timeline.between(1, 2 * plan.changeMs), step);
  };
  timeline.after(0, step);
}

/** Waits until all is well. Who was told to stop for an hour has that hour. */
async function calm(sim: Simulation): Promise<void> {
  const { timeline } = sim;
  const most = timeline.now + STOPPED_MS;
  let until = timeline.now + QUIET_MS;
  for (let trouble = troubleOf(sim); trouble !== undefined; trouble = troubleOf(sim)) {
    if (sim.pods.some(({ link }) => link.state === "stopped"))
      until = Math.min(most, timeline.now + QUIET_MS);
    if (timeline.now >= until) throw new Broken("converges", timeline.now, trouble);
    await sim.runUntil(timeline.now + STEP_MS);
  }
}

function expectWell(sim: Simulation): void {
  const trouble = troubleOf(sim);
  if (trouble !== undefined) throw new Broken("converges", sim.timeline.now, `it was, and then ${trouble}`);
  for (const pod of sim.pods) {
    const { coalesced, dropped } = pod.outbox.counts;
    if (pod.outbox.events > 0 || pod.told === pod.acked + coalesced + dropped) continue;
    const says = `${pod.name} told ${pod.told} changes: ${pod.acked} acked, ${coalesced} merged, ${dropped} given up`;
    throw new Broken("all-counted", sim.timeline.now, says);
  }
}

/** What is not as it should be in the end. */
function troubleOf(sim: Simulation): string | undefined {
  if (sim.plane === undefined || !sim.plane.machine.isAlive) return "the control plane is not there";
  for (const id of sim.ids) {
    const trouble = troubleOfOne(sim, id);
    if (trouble !== undefined) return `${id}: ${trouble}`;
  }
  return undefined;
}

function troubleOfOne(sim: Simulation, id: string): string | undefined {
  const pods = sim.podsOf(id);
  const ready = pods.filter(({ link }) => link.state === "ready");
  const [pod] = ready;
  if (pod === undefined || ready.length > 1)
    return `${ready.length} of ${pods.length} processes are ready: ${pods.map(({ name, link }) => `${name} ${link.state}`).join(", ")}`;
  const state = sim.row(id)?.state;
  if (state !== "connected") return `it is stored as ${state}`;
  if (pod.outbox.events > 0) return `${pod.outbox.events} events wait`;
  const open = sim.orders.open(id);
  if (open.length > 0) return `${open.length} commands are not ended`;
  const stored = sim.stored.statesOf(id);
  if (stored.size !== pod.items.length)
    return `${stored.size} integrations are stored of ${pod.items.length}`;
  for (const item of pod.items) {
    const { state, condition, stage, reason } = sim.targets.now(pod.targetOf(item));
    const truth = [state, condition, stage, reason].join(" ");
    if (stored.get(item.name) !== truth)
      return `${item.name} is stored as ${stored.get(item.name)}, and is ${truth}`;
  }
  return undefined;
}
