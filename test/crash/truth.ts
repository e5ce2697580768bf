import { type Answered, placesOf } from "../process/flipping.ts";
import type { Transition } from "../process/programs.ts";

/** An answer becomes an acked transition within this time, on a busy machine too. */
const ACKED_MS = 4_000;

/** Throws unless all that was stored before is stored still, in its place. */
export function expectKept(
  before: ReadonlyMap<string, readonly Transition[]>,
  after: ReadonlyMap<string, readonly Transition[]>,
): void {
  for (const [name, history] of before) {
    const now = after.get(name)?.slice(0, history.length) ?? [];
    const lost = history.findIndex(
      (transition, index) => JSON.stringify(transition) !== JSON.stringify(now[index]),
    );
    if (lost >= 0)
      throw new Error(
        `${name}: transition ${lost} was acked and is gone: it was ${JSON.stringify(history[lost])}, is ${JSON.stringify(now[lost])}`,
      );
  }
}

/** Throws where a transition never was, came twice or out of order, or is missing although no kill explains it. */
export function expectTrue(
  name: string,
  history: readonly Transition[],
  truth: readonly Answered[],
  killedAt: readonly number[],
): void {
  const places = placesOf(history, truth);
  for (const [index, place] of places.entries()) {
    const what = `${name}: transition ${index} (${JSON.stringify(history[index])})`;
    if (place === undefined) throw new Error(`${what} was told and never was`);
    const before = places[index - 1];
    if (before !== undefined && place <= before)
      throw new Error(`${what} was told twice or out of order: answer ${place} behind ${before}`);
  }
  const told = new Set(places);
  const lost = truth.findIndex(({ at }, place) => !told.has(place) && !isExplained(at, killedAt));
  if (lost >= 0)
    throw new Error(
      `${name}: answer ${lost} (${JSON.stringify(truth[lost])}) was never told, and no kill of the connector explains it`,
    );
}

/** The connector was killed before it could tell that. */
function isExplained(at: number, killedAt: readonly number[]): boolean {
  return killedAt.some((kill) => kill >= at - 100 && kill - at < ACKED_MS);
}

/** Whether the last that was told is the last that happened. */
export function isConverged(history: readonly Transition[], truth: readonly Answered[]): boolean {
  return placesOf(history, truth).at(-1) === truth.length - 1;
}
