import { seeded } from "../../fake/random.ts";

/** Something that will happen, unless it is called off. */
export interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  isOff: boolean;
}

/**
 * Resolves when everything that waits for nothing but promises has run. Within one turn of the event loop: a
 * tick comes after all microtasks, and is a hundred times cheaper than a turn.
 */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

/** Time that moves only from one event to the next. Equal seeds give equal runs. Milliseconds. */
export class Timeline {
  readonly random: () => number;
  /** Called after every event and all that followed from it. */
  onStep: () => void = () => {};
  /** Events that happened. */
  events = 0;
  #now = 0;
  #order = 0;
  readonly #heap: Due[] = [];

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  get now(): number {
    return this.#now;
  }

  between(least: number, most: number): number {
    return least + this.random() * (most - least);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.random() * from.length)];
  }

  /** Events of one moment happen in the order in which they were asked for. */
  at(at: number, run: () => void): Due {
    this.#order += 1;
    const due: Due = { at: Math.max(at, this.#now), order: this.#order, run, isOff: false };
    this.#push(due);
    return due;
  }

  after(ms: number, run: () => void): Due {
    return this.at(this.#now + ms, run);
  }

  async runUntil(end: number): Promise<void> {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#pop();
      if (next.isOff) continue;
      this.#now = next.at;
      this.events += 1;
      next.run();
      await settled();
      this.onStep();
    }
    this.#now = end;
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let place = heap.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, due)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child += 1;
      const least = heap[child];
      if (least === undefined || isBefore(last, least)) break;
      heap[place] = least;
      place = child;
    }
    heap[place] = last;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
