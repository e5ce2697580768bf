import { isDeepStrictEqual } from "node:util";

/** One conformance case: a rule of docs/protocol.md, and how a stranger would look whether an end keeps it. */
export interface Case<Subject> {
  readonly number: number;
  /** The rule, in one sentence. */
  readonly says: string;
  /** What the protocol's durations are multiplied by. */
  readonly scale: number;
  /** What the subject must be able to do, beyond answering. */
  readonly needs?: "restart";
  /** What of the program itself is looked at, where it was started here: its memory, say. */
  readonly looksAt?: string;
  /** Throws where the rule is broken; the message says what was seen. */
  run(subject: Subject): Promise<void>;
}

/** Thrown by a case that cannot be judged on this subject; the message says why. */
export class NotJudged extends Error {}

/** How thorough a run is: what is counted is counted so many times. */
export interface Rounds {
  readonly kills: number;
  readonly delays: number;
  readonly reconnects: number;
  readonly awayMs: number;
}
/** For every commit; and as docs/protocol.md's table has it, by `--long`. */
export const SHORT: Rounds = { kills: 4, delays: 120, reconnects: 40, awayMs: 3_000 };
export const LONG: Rounds = { kills: 200, delays: 1_000, reconnects: 1_000, awayMs: 36_000 };

/** What a busy machine may add to any duration, milliseconds. */
export const SLACK_MS = 1_500;

/** Throws unless both are the same. */
export function same(what: string, seen: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(seen, wanted)) return;
  throw new Error(`${what}: wanted ${JSON.stringify(wanted)}, saw ${JSON.stringify(seen)}`);
}

/** Throws unless it holds. */
export function holds(what: string, isTrue: boolean, seen: unknown = ""): void {
  if (!isTrue) throw new Error(`${what}: saw ${typeof seen === "string" ? seen : JSON.stringify(seen)}`);
}

/** Throws unless the number is within the bounds, both included. */
export function within(what: string, seen: number, [least, most]: readonly [number, number]): void {
  holds(
    `${what}: wanted ${Math.round(least)} to ${Math.round(most)}`,
    seen >= least && seen <= most,
    Math.round(seen),
  );
}
