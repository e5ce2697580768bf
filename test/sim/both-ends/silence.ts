import { type Profile, TIMINGS } from "../../../src/protocol/limits.ts";
import type { Bye } from "../../../src/protocol/session-frames.ts";
import type { Rule } from "./rules.ts";
import type { End } from "./socket.ts";
import type { Timeline } from "./timeline.ts";

/** A sweep comes every quarter of a second, and a verdict one sweep late at most. Milliseconds. */
const SWEEP_MS = 250;
const LATE_MS = 1_000;
/** Shorter stops of the control plane may count as silence, longer ones never do. */
const LEAST_STOP_MS = 2 * SWEEP_MS;
const SURE_STOP_MS = 3 * SWEEP_MS;

const NO_MASS = { since: undefined, sureSince: undefined };

/** From which trouble on everybody should be back: the longest wait, an attempt that hangs, a beat that is not answered. */
const WELL_MS = 110_000;

interface Heard {
  /** The socket whose session sits. */
  seat: End | undefined;
  /** A verdict before `least` is early, none after `most` is late. Undefined: there is none to come. */
  least: number | undefined;
  most: number | undefined;
  bye: Bye | undefined;
}

/** How long who said so may stay away. */
function returnOf({ expectedReturnMs }: Bye): number {
  return Math.min(expectedReturnMs ?? TIMINGS.restartMs, TIMINGS.restartMs);
}

/**
 * What silence should come to, seen from the wire: which socket sits, when a frame of it arrived last, what was
 * said at the end. It knows the rules of `docs/protocol.md` 7 and nothing of how they are kept.
 */
export class Silence {
  readonly #timeline: Timeline;
  readonly #profile: Profile;
  readonly #fail: (rule: Rule, says: string) => void;
  readonly #heard = new Map<string, Heard>();
  /** Said goodbye over a socket whose `ready` was not committed. */
  readonly #earlyBye = new Map<string, { readonly bye: Bye; readonly at: number }>();
  /** The same, and it is committed since: its first ack is one to who has left. */
  readonly #saidBye = new Set<string>();
  readonly #seatedAt = new Map<string, number>();
  readonly #halfOpenAt = new Map<string, number>();
  /** Until when something kept the connector from its session. */
  readonly #troubledUntil = new Map<string, number>();
  /** Until when the control plane stands still. What is committed meanwhile it hears of then. */
  #standsUntil = 0;
  /** Since when verdicts may be held, and surely are, as most are silent at once. */
  #mass: { readonly since: number | undefined; readonly sureSince: number | undefined } = NO_MASS;

  constructor(timeline: Timeline, profile: Profile, fail: (rule: Rule, says: string) => void) {
    this.#timeline = timeline;
    this.#profile = profile;
    this.#fail = fail;
  }

  /** A process of the control plane began. `about`: who was connected when the last one ended. */
  planeStarted(about: ReadonlyMap<string, boolean>): void {
    this.#heard.clear();
    this.#mass = NO_MASS;
    this.#standsUntil = 0;
    const grace = this.#timeline.now + TIMINGS.startGraceMs;
    for (const [id, wasAbout] of about) {
      const deadline = wasAbout ? grace : undefined;
      this.#heard.set(id, { seat: undefined, least: deadline, most: deadline, bye: undefined });
    }
  }

  /** A `ready` is committed: it counts, also where its session ends before it is told. */
  claimed(id: string): void {
    const before = this.#heard.get(id)?.least ?? Number.POSITIVE_INFINITY;
    const standsMs = Math.max(0, this.#standsUntil - this.#timeline.now);
    this.#until(id, standsMs + this.#profile.unreachableMs, {});
    const heard = this.#heard.get(id);
    if (heard?.least === undefined) return;
    // Whoever committed it hears of that a moment later: a verdict that was due may fall in between.
    heard.least = Math.min(before, heard.least);
    this.#saidBye.delete(id);
    const early = this.#earlyBye.get(id);
    if (early === undefined) return;
    this.#earlyBye.delete(id);
    this.#saidBye.add(id);
    // Its goodbye came first: from when that counts cannot be seen from here, at the earliest from then.
    const { bye, at } = early;
    const least = bye.reason === "shutdown" ? undefined : at + returnOf(bye);
    Object.assign(heard, { least, most: undefined });
  }

  /** The first ack of a session: it is ready. */
  ready(id: string, seat: End): void {
    this.#seatedAt.set(id, this.#timeline.now);
    if (this.#saidBye.delete(id)) return;
    this.#until(id, this.#profile.unreachableMs, { seat, bye: undefined });
  }

  isSeat(id: string, end: End): boolean {
    return this.#heard.get(id)?.seat === end;
  }

  /** A frame arrived at the control plane. */
  frame(id: string, end: End): void {
    const heard = this.#heard.get(id);
    if (heard?.seat === end && heard.bye === undefined) this.#until(id, this.#profile.unreachableMs, {});
  }

  /** A goodbye arrived. */
  bye(id: string, end: End, bye: Bye): void {
    const heard = this.#heard.get(id);
    if (heard?.seat !== end) this.#earlyBye.set(id, { bye, at: this.#timeline.now });
    if (heard?.seat !== end || heard.bye !== undefined) return;
    if (bye.reason === "shutdown") this.#heard.set(id, { ...heard, bye, least: undefined, most: undefined });
    else this.#until(id, returnOf(bye), { bye });
  }

  /** The control plane ended the socket, or was told of its end: until then a goodbye may wait for the store. */
  ended(id: string, end: End): void {
    const heard = this.#heard.get(id);
    if (heard?.seat !== end || heard.bye === undefined || heard.most === undefined) return;
    heard.most = this.#timeline.now + returnOf(heard.bye);
  }

  /** The control plane stands still for so long from now on: that is nobody's silence. */
  planeStood(ms: number): void {
    this.#standsUntil = this.#timeline.now + ms;
    for (const heard of this.#heard.values()) {
      if (heard.least !== undefined && ms >= SURE_STOP_MS) heard.least += ms - SWEEP_MS;
      if (heard.most !== undefined && ms >= LEAST_STOP_MS) heard.most += ms;
    }
  }

  /** Something kept these connectors from their sessions until then. */
  troubled(ids: readonly string[], until: number): void {
    for (const id of ids) this.#troubledUntil.set(id, Math.max(this.#troubledUntil.get(id) ?? 0, until));
  }

  /**
   * Its socket goes half-open now. Whether that is healed before it becomes an alarm: under a session that was stable,
   * and where it is not the second time lately. Then it counts for no trouble.
   */
  healsInTime(id: string): boolean {
    const { now } = this.#timeline;
    const seat = this.#heard.get(id)?.seat;
    const isStable = seat?.isOpen === true && now - (this.#seatedAt.get(id) ?? 0) > TIMINGS.stableMs;
    const isFirst = now - (this.#halfOpenAt.get(id) ?? Number.NEGATIVE_INFINITY) > WELL_MS;
    this.#halfOpenAt.set(id, now);
    return isStable && isFirst && this.#isWell(id);
  }

  #isWell(id: string): boolean {
    return this.#timeline.now - (this.#troubledUntil.get(id) ?? 0) > WELL_MS;
  }

  /** The control plane's verdict fell. */
  verdict(id: string): void {
    const { now } = this.#timeline;
    const heard = this.#heard.get(id);
    const short = heard?.least === undefined ? undefined : Math.round(heard.least - now);
    if (short === undefined)
      this.#fail("no-early-verdict", `${id} is called unreachable, and its silence is none`);
    else if (short > 1) this.#fail("no-early-verdict", `${id} is called unreachable ${short} ms too soon`);
    if (this.#surelyHeld)
      this.#fail("no-early-verdict", `${id} is called unreachable while most are silent at once`);
    if (this.#isWell(id))
      this.#fail("no-false-alarm", `${id} is called unreachable, and nothing kept it from its session`);
    this.#heard.set(id, { seat: undefined, least: undefined, most: undefined, bye: undefined });
    // What lets a verdict fall holds none; who then falls silent with most of the others begins a hold of their own.
    if (!this.#mostAreSilent().maybe) this.#mass = NO_MASS;
  }

  /** The control plane runs, and has not called any of these unreachable. */
  swept(waiting: (id: string) => boolean): void {
    const { now } = this.#timeline;
    for (const [id, { most }] of this.#heard)
      if (most !== undefined && now > most + LATE_MS && !this.#maybeHeld && waiting(id))
        this.#fail("no-late-verdict", `${id} should be unreachable for ${Math.round(now - most)} ms`);
  }

  #until(id: string, ms: number, more: Partial<Heard>): void {
    const deadline = this.#timeline.now + ms;
    const before = this.#heard.get(id) ?? { seat: undefined, bye: undefined };
    this.#heard.set(id, { ...before, ...more, least: deadline, most: deadline });
  }

  get #surelyHeld(): boolean {
    const { since, sureSince } = this.#mass;
    if (since === undefined || sureSince === undefined) return false;
    return (
      this.#timeline.now - sureSince > LATE_MS && this.#timeline.now < since + TIMINGS.massHoldMs - LATE_MS
    );
  }

  get #maybeHeld(): boolean {
    const { since, sureSince } = this.#mass;
    if (since === undefined) return false;
    return sureSince === undefined || this.#timeline.now < sureSince + TIMINGS.massHoldMs + LATE_MS;
  }

  /** A hold begins with 55 % of 20 or more that are silent, or will be within a heartbeat, and ends with the last of them. */
  watchMass(): void {
    const { now } = this.#timeline;
    const { maybe, surely, anyMaybe, anySurely } = this.#mostAreSilent();
    const { since, sureSince } = this.#mass;
    const end = (sureSince ?? since ?? now) + TIMINGS.massHoldMs + LATE_MS;
    if (!anyMaybe || (now >= end && !maybe)) this.#mass = NO_MASS;
    else
      this.#mass = {
        since: since ?? (maybe ? now : undefined),
        sureSince: anySurely ? (sureSince ?? (surely ? now : undefined)) : undefined,
      };
  }

  /** Whether most, or any at all, are silent or will be within a heartbeat: as far as may be, and for certain. */
  #mostAreSilent(): { maybe: boolean; surely: boolean; anyMaybe: boolean; anySurely: boolean } {
    const soon = this.#timeline.now + this.#profile.heartbeatMs;
    const tracked = [...this.#heard.values()].filter(({ least }) => least !== undefined);
    const isMass = (count: number): boolean => tracked.length >= 20 && count > 0.55 * tracked.length;
    const maybe = tracked.filter(({ least = 0 }) => least <= soon + SWEEP_MS).length;
    const surely = tracked.filter(({ most = 0 }) => most <= soon - SWEEP_MS).length;
    return { maybe: isMass(maybe), surely: isMass(surely), anyMaybe: maybe > 0, anySurely: surely > 0 };
  }
}
