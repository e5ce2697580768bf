import { rm, writeFile } from "node:fs/promises";
import type { Tap } from "../conformance/frames.ts";
import { eventually, pause } from "../process/programs.ts";
import { pick, type Random } from "../fuzz/grammar.ts";

export type Victim = "connector" | "control plane";

/** What a point needs of the world that it kills in. */
export interface Aim {
  /** Ends those, at once, with SIGKILL. */
  kill(victims: readonly Victim[]): void;
  /** Sees and changes each frame while the point is armed. */
  tap: Tap | undefined;
  /** Where the control plane reads at which commit it is to die; it has died as soon as `isDead`. */
  readonly dieFile: string;
  readonly isDead: () => boolean;
}

/** A moment at which to kill. Resolves once that has happened. */
export interface Point {
  readonly name: string;
  readonly victims: readonly Victim[];
  strike(aim: Aim, random: Random): Promise<void>;
}

/** Between a connection and a kill at random, milliseconds: somewhere in the middle of everything. */
const LEAST_MS = 20;
const MOST_MS = 600;
/** How long a frame may be waited for: something changes each second. */
const PATIENCE_MS = 20_000;

function atRandom(victims: readonly Victim[]): Point {
  return {
    name: `${victims.join(" and ")} at random`,
    victims,
    async strike(aim, random) {
      await pause(LEAST_MS + random() * (MOST_MS - LEAST_MS));
      aim.kill(victims);
    },
  };
}

function atCommit(place: "before" | "after"): Point {
  return {
    name: `control plane ${place} a commit`,
    victims: ["control plane"],
    async strike({ dieFile, isDead }, random) {
      await pause(random() * MOST_MS);
      await writeFile(dieFile, `${place} commit`);
      await eventually(`it died ${place} a commit`, () => (isDead() ? true : undefined), { ms: PATIENCE_MS });
      await rm(dieFile);
    },
  };
}

/** Kills when a frame passes that fits; with `held` the frame is never seen by the other end. */
function atFrame(
  name: string,
  victims: readonly Victim[],
  fits: (text: string, count: number) => boolean,
  { held = false, resync = false } = {},
): Point {
  return {
    name,
    victims,
    async strike(aim) {
      let count = 0;
      const struck = new Promise<void>((resolve) => {
        aim.tap = (text, direction) => {
          if (resync && direction === "down" && count === 0 && text.includes(".session.ack.")) {
            count = 1;
            return [text, resyncLike(text)];
          }
          if (!fits(text, count)) return undefined;
          aim.tap = undefined;
          // The frame goes on before anybody dies, unless it is held.
          if (held) aim.kill(victims);
          else setImmediate(() => aim.kill(victims));
          resolve();
          return held ? [] : undefined;
        };
      });
      let isOver = false;
      void struck.then(() => (isOver = true));
      await eventually(name, () => (isOver ? true : undefined), { ms: PATIENCE_MS });
    },
  };
}

/** A request for a snapshot in the name of whoever wrote that frame. */
function resyncLike(text: string): string {
  const { n: _, ...frame } = JSON.parse(text) as Record<string, unknown>;
  return JSON.stringify({
    ...frame,
    id: `resync-${performance.now()}`,
    type: "dev.mooring.status.resync.v1",
    data: { reason: "a test" },
  });
}

const BOTH: readonly Victim[] = ["connector", "control plane"];
const isAck = (text: string): boolean =>
  text.includes('"dev.mooring.session.ack.v1"') && !/"n":\d/.test(text);
const isMiddle = (text: string): boolean =>
  text.includes('"dev.mooring.status.snapshot.v1"') && /"page":2\b/.test(text);

export const POINTS: readonly Point[] = [
  atRandom(["connector"]),
  atRandom(["control plane"]),
  atRandom(BOTH),
  atCommit("before"),
  atCommit("after"),
  atFrame("control plane before an ack leaves", ["control plane"], isAck, { held: true }),
  atFrame("connector before an ack arrives", ["connector"], isAck, { held: true }),
  atFrame("control plane after an ack", ["control plane"], isAck),
  atFrame("connector after an ack", ["connector"], isAck),
  atFrame("both after an ack", BOTH, isAck),
  atFrame("control plane in the middle of a snapshot", ["control plane"], isMiddle, { resync: true }),
  atFrame("connector in the middle of a snapshot", ["connector"], isMiddle, { resync: true }),
];

/** So many points: each name about as often, in an order that the seed gives. */
export function pointsOf(kills: number, random: Random): readonly Point[] {
  return Array.from({ length: kills }, (_, kill) => POINTS[kill] ?? pick(random, POINTS));
}
