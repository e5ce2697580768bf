import { seeded } from "../fake/random.ts";

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A seeded event loop: time moves only from one event to the next. */
export class World {
  readonly random: () => number;
  readonly clock: { now(): number; tick(): number; sleep(): Promise<void>; after(): () => void };
  #now = 0;
  #order = 0;
  #queue: Due[] = [];

  constructor(seed: number) {
    this.random = seeded(seed);
    this.clock = {
      now: () => Date.UTC(2026, 0, 1) + this.#now,
      tick: () => this.#now,
      sleep: () => Promise.reject(new Error("a core in the simulation does not sleep")),
      after: () => {
        throw new Error("a core in the simulation sets no timer");
      },
    };
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

  after(ms: number, run: () => void): void {
    this.#order += 1;
    const due = { at: this.#now + Math.max(0, ms), order: this.#order, run };
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#queue[middle];
      const isBefore =
        other !== undefined && (other.at > due.at || (other.at === due.at && other.order > due.order));
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    // The next event is the last of the array.
    this.#queue.splice(low, 0, due);
  }

  runUntil(end: number): void {
    for (let next = this.#queue.at(-1); next !== undefined && next.at <= end; next = this.#queue.at(-1)) {
      this.#queue.pop();
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }
}

/** One end of a simulated socket. */
export interface SocketEnd {
  send(text: string): void;
  /** Ends both directions; the other end is told, after all that was sent before, unless the way is cut. */
  close(code: number): void;
}

export interface Ears {
  readonly frame: (text: string) => void;
  readonly closed: (code: number) => void;
}

/** A socket: in order, delayed at random, and cut at some point. A cut loses what is under way, in both directions. */
export class SimSocket {
  readonly #world: World;
  #isCut = false;
  readonly #ends: { heardAt: number; isDeaf: boolean; ears: Ears | undefined }[] = [
    { heardAt: 0, isDeaf: false, ears: undefined },
    { heardAt: 0, isDeaf: false, ears: undefined },
  ];

  constructor(world: World) {
    this.#world = world;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  listen(side: 0 | 1, ears: Ears): void {
    const end = this.#ends[side];
    if (end !== undefined) end.ears = ears;
  }

  end(side: 0 | 1): SocketEnd {
    const peer = side === 0 ? 1 : 0;
    return {
      send: (text) => this.#deliver(peer, (ears) => ears.frame(text)),
      close: (code) => {
        this.#deafen(side);
        this.#deliver(peer, (ears) => {
          this.#deafen(peer);
          ears.closed(code);
        });
      },
    };
  }

  /** Each end learns of it late, or never (a half-open socket). */
  cut(): void {
    this.#isCut = true;
    for (const side of [0, 1] as const) {
      if (this.#world.chance(0.4)) continue;
      this.#world.after(this.#world.between(0, 5_000), () => {
        const end = this.#ends[side];
        if (end === undefined || end.isDeaf) return;
        end.isDeaf = true;
        end.ears?.closed(1006);
      });
    }
  }

  #deafen(side: 0 | 1): void {
    const end = this.#ends[side];
    if (end !== undefined) end.isDeaf = true;
  }

  #deliver(side: 0 | 1, say: (ears: Ears) => void): void {
    const end = this.#ends[side];
    if (end === undefined) return;
    const { now } = this.#world;
    const slow = this.#world.chance(0.02) ? 3_000 : 60;
    end.heardAt = Math.max(end.heardAt, now + this.#world.between(1, slow));
    this.#world.after(end.heardAt - now, () => {
      if (this.#isCut || end.isDeaf || end.ears === undefined) return;
      say(end.ears);
    });
  }
}
