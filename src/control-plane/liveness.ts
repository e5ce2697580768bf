import type { Profile, Timings } from "../protocol/limits.ts";
import { MassGuard } from "./mass-guard.ts";
import type { ConnectorState } from "./store/rows.ts";

/** A connector's state changed, and how long it has been silent, in milliseconds. */
export interface LivenessChange {
  readonly id: string;
  readonly from: ConnectorState;
  readonly to: ConnectorState;
  readonly silentMs: number;
}

interface Tracked {
  state: ConnectorState;
  /** Monotonic milliseconds of the last frame. */
  seen: number;
  /** When silence becomes the verdict; undefined where there is none to come. */
  deadline: number | undefined;
  /** Since when that deadline runs. */
  from: number;
}

export interface LivenessSettings {
  readonly profile: Profile;
  readonly timings: Timings;
  /** How often `sweep` is called, milliseconds. */
  readonly sweepMs: number;
}

/** States in which a connector was last known to be about: its silence is news. */
const ABOUT: readonly ConnectorState[] = ["connected", "stale", "disconnected", "restarting"];

/**
 * Tells silence. Handed the monotonic clock; nothing here compares the clocks of two machines.
 * A verdict falls when a connector was silent for the profile's `unreachableMs`, never sooner.
 */
export class Liveness {
  readonly #settings: LivenessSettings;
  readonly #tick: () => number;
  readonly #tracked = new Map<string, Tracked>();
  readonly guard: MassGuard;
  #swept: number;

  constructor(settings: LivenessSettings, tick: () => number) {
    this.#settings = settings;
    this.#tick = tick;
    this.#swept = tick();
    this.guard = new MassGuard(settings.timings.massHoldMs);
  }

  state(id: string): ConnectorState | undefined {
    return this.#tracked.get(id)?.state;
  }

  counts(): ReadonlyMap<ConnectorState, number> {
    const counts = new Map<ConnectorState, number>();
    for (const { state } of this.#tracked.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
    return counts;
  }

  /** At the start: one that was connected when the last process ended gets the grace, any other keeps its state. */
  restore(id: string, state: ConnectorState): ConnectorState {
    const now = this.#tick();
    const wasAbout = ABOUT.includes(state);
    const deadline = wasAbout ? now + this.#settings.timings.startGraceMs : undefined;
    const restored = wasAbout ? "disconnected" : state;
    this.#tracked.set(id, { state: restored, seen: now, deadline, from: now });
    return restored;
  }

  /** It said `ready`. */
  ready(id: string): LivenessChange | undefined {
    const now = this.#tick();
    const before = this.#tracked.get(id);
    const change = this.#change(id, "connected");
    const seen = {
      state: "connected" as const,
      seen: now,
      deadline: now + this.#settings.profile.unreachableMs,
      from: now,
    };
    this.#tracked.set(id, seen);
    return before === undefined ? { id, from: "never_connected", to: "connected", silentMs: 0 } : change;
  }

  /** A frame of its live session came. */
  seen(id: string): LivenessChange | undefined {
    const tracked = this.#tracked.get(id);
    if (tracked === undefined || (tracked.state !== "connected" && tracked.state !== "stale"))
      return undefined;
    const change = this.#change(id, "connected");
    tracked.seen = this.#tick();
    tracked.deadline = tracked.seen + this.#settings.profile.unreachableMs;
    tracked.from = tracked.seen;
    return change;
  }

  /** Its live session's socket ended without a goodbye: the deadline still runs. */
  ended(id: string): LivenessChange | undefined {
    const state = this.state(id);
    return state === "connected" || state === "stale" ? this.#change(id, "disconnected") : undefined;
  }

  /** It said goodbye. `expectedReturnMs` counts for anything but a shutdown. */
  bye(id: string, reason: string, expectedReturnMs: number | null): LivenessChange | undefined {
    const tracked = this.#tracked.get(id);
    if (tracked === undefined) return undefined;
    if (reason === "shutdown") {
      tracked.deadline = undefined;
      return this.#change(id, "offline");
    }
    const { restartMs } = this.#settings.timings;
    tracked.from = this.#tick();
    tracked.deadline = tracked.from + Math.min(expectedReturnMs ?? restartMs, restartMs);
    return this.#change(id, "restarting");
  }

  /** It was revoked: its silence is meant. */
  silenced(id: string): LivenessChange | undefined {
    const tracked = this.#tracked.get(id);
    if (tracked === undefined || tracked.state === "never_connected") return undefined;
    tracked.deadline = undefined;
    return this.#change(id, "offline");
  }

  forget(id: string): void {
    this.#tracked.delete(id);
  }

  /** What silence has come to. Time in which this process itself stood still is nobody's silence. */
  sweep(): readonly LivenessChange[] {
    const now = this.#tick();
    const late = now - this.#swept - this.#settings.sweepMs;
    this.#swept = now;
    if (late > 2 * this.#settings.sweepMs) this.#forgive(late, now);
    const { due, stale } = this.#silent(now);
    const changes = due.map((id) => this.#verdict(id));
    for (const id of stale) if (this.state(id) === "connected") changes.push(this.#change(id, "stale"));
    return changes.filter((change) => change !== undefined);
  }

  /** Whoever was heard meanwhile is forgiven no more than the time since then. */
  #forgive(ms: number, now: number): void {
    for (const tracked of this.#tracked.values()) {
      tracked.seen += Math.min(ms, now - tracked.seen);
      const own = Math.min(ms, now - tracked.from);
      tracked.from += own;
      if (tracked.deadline !== undefined) tracked.deadline += own;
    }
  }

  /** Those on whom a verdict falls, unless the guard holds it, and those that become stale: in one turn over all. */
  #silent(now: number): { readonly due: readonly string[]; readonly stale: readonly string[] } {
    const { heartbeatMs, staleMs } = this.#settings.profile;
    const due: string[] = [];
    const stale: string[] = [];
    let expiring = 0;
    let total = 0;
    this.#tracked.forEach((tracked, id) => {
      if (tracked.state === "connected" && now - tracked.seen >= staleMs) stale.push(id);
      const { deadline } = tracked;
      if (deadline === undefined) return;
      total += 1;
      if (deadline <= now) due.push(id);
      if (deadline <= now + heartbeatMs) expiring += 1;
    });
    return { due: this.guard.holds({ due: due.length, expiring, total }, now) ? [] : due, stale };
  }

  #verdict(id: string): LivenessChange | undefined {
    const tracked = this.#tracked.get(id);
    if (tracked !== undefined) tracked.deadline = undefined;
    return this.#change(id, "unreachable");
  }

  #change(id: string, to: ConnectorState): LivenessChange | undefined {
    const tracked = this.#tracked.get(id);
    if (tracked === undefined || tracked.state === to) return undefined;
    const from = tracked.state;
    tracked.state = to;
    return { id, from, to, silentMs: this.#tick() - tracked.seen };
  }
}
