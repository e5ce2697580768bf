import { LIMITS, type ProfileName } from "../../../src/protocol/limits.ts";
import { Timeline } from "./timeline.ts";

/** What may go wrong, and what people may do meanwhile. `ms`: for how long, or after how long it is back. */
export const FAULTS = {
  cut: "a socket is cut, and both ends hear of it",
  "half-open": "a socket is cut, and one end or none hears of it",
  hold: "what is under way on a socket, one way, arrives late: the socket may be dead by then",
  partition: "nothing gets through between a connector and the control plane",
  "partition-many": "nothing gets through between many connectors and the control plane",
  "freeze-pod": "a process of a connector stands still",
  "freeze-plane": "the control plane stands still",
  "crash-pod": "kill -9 of a connector",
  "restart-pod": "a connector says that it will be back",
  "shut-pod": "a connector says goodbye, and comes back after all",
  "second-pod": "a second process with the same identity",
  "crash-plane": "kill -9 of the control plane",
  "stop-plane": "the control plane ends in order",
  backup: "a backup of the store is made",
  restore: "the control plane is killed and its last backup restored",
  "slow-disk": "commits take seconds",
  "full-disk": "commits are refused",
  storm: "many targets change again and again",
  reload: "the configuration has other integrations",
  clock: "a wall clock is stepped by an hour",
  command: "an operator asks for a refresh or a test",
} as const;
export type FaultKind = keyof typeof FAULTS;

export interface Fault {
  readonly at: number;
  readonly kind: FaultKind;
  /** The connector; for `clock`, an odd one means the control plane. */
  readonly who: number;
  readonly ms: number;
  /** In [0, 1): what else has to be chosen. */
  readonly dice: number;
}

/** All that is decided before a run begins. The same seed gives the same plan. */
export interface Plan {
  readonly seed: number;
  readonly name: keyof typeof SHAPES;
  readonly profile: ProfileName;
  readonly connectors: number;
  readonly integrations: number;
  readonly intervalMs: number;
  readonly outboxEvents: number;
  /** A packet takes up to this long, now and then longer. */
  readonly latencyMs: number;
  /** A target changes about this often. */
  readonly changeMs: number;
  /** Faults and changes end then. */
  readonly troubleMs: number;
  readonly faults: readonly Fault[];
}

interface Shape {
  readonly weight: number;
  readonly connectors: readonly [number, number];
  readonly integrations: readonly [number, number];
  readonly troubleMs: number;
  readonly changeMs: number;
  /** Mean time between two faults. */
  readonly everyMs: number;
  readonly outboxEvents: readonly number[];
  /** How often each kind comes, against the others. */
  readonly kinds: Partial<Record<FaultKind, number>>;
}

const SHAPES = {
  /** One or two connectors, and everything goes wrong. */
  mixed: {
    weight: 62,
    connectors: [1, 2],
    integrations: [1, 6],
    troubleMs: 180_000,
    changeMs: 2_500,
    everyMs: 5_500,
    outboxEvents: [LIMITS.outboxEvents, 30, 10],
    kinds: {
      cut: 4,
      "half-open": 4,
      hold: 6,
      partition: 3,
      "freeze-pod": 2,
      "freeze-plane": 2,
      "crash-pod": 2,
      "restart-pod": 2,
      "shut-pod": 1,
      "second-pod": 1,
      "crash-plane": 2,
      "stop-plane": 1,
      backup: 2,
      restore: 1,
      "slow-disk": 2,
      "full-disk": 1,
      storm: 2,
      reload: 2,
      clock: 2,
      command: 10,
    },
  },
  /** Sockets go half-open under sessions that are stable, and nothing else: nobody may be called unreachable. */
  "half-open": {
    weight: 14,
    connectors: [1, 3],
    integrations: [1, 3],
    troubleMs: 400_000,
    changeMs: 20_000,
    everyMs: 140_000,
    outboxEvents: [LIMITS.outboxEvents],
    kinds: { "half-open": 1 },
  },
  /** Enough connectors for the mass guard. */
  fleet: {
    weight: 4,
    connectors: [20, 26],
    integrations: [1, 1],
    troubleMs: 300_000,
    changeMs: 15_000,
    everyMs: 60_000,
    outboxEvents: [LIMITS.outboxEvents],
    kinds: { "partition-many": 4, partition: 3, "crash-plane": 1, "freeze-plane": 2, "crash-pod": 1, cut: 1 },
  },
  /** So many changes that windows, rates and outboxes fill. */
  flood: {
    weight: 3,
    connectors: [1, 1],
    integrations: [80, 200],
    troubleMs: 60_000,
    changeMs: 4_000,
    everyMs: 10_000,
    outboxEvents: [LIMITS.outboxEvents, 400],
    kinds: { storm: 4, hold: 4, partition: 2, "crash-plane": 1, "crash-pod": 1, "slow-disk": 2, cut: 2 },
  },
  /** Two processes with one identity take turns. */
  pods: {
    weight: 10,
    connectors: [1, 1],
    integrations: [1, 4],
    troubleMs: 300_000,
    changeMs: 5_000,
    everyMs: 15_000,
    outboxEvents: [LIMITS.outboxEvents],
    kinds: { "second-pod": 5, cut: 4, "half-open": 3, hold: 3, "crash-pod": 2, "freeze-pod": 2, command: 4 },
  },
  /** The store is in trouble: slow, full, killed, restored. */
  store: {
    weight: 7,
    connectors: [1, 2],
    integrations: [1, 5],
    troubleMs: 180_000,
    changeMs: 1_500,
    everyMs: 7_000,
    outboxEvents: [LIMITS.outboxEvents, 30],
    kinds: {
      "slow-disk": 4,
      "full-disk": 3,
      "crash-plane": 4,
      backup: 3,
      restore: 3,
      "shut-pod": 1,
      "restart-pod": 2,
      "crash-pod": 1,
      partition: 1,
      command: 5,
    },
  },
} as const satisfies Record<string, Shape>;

/** How long each kind lasts, milliseconds: from, to. */
const LASTS: Partial<Record<FaultKind, readonly [number, number]>> = {
  hold: [500, 40_000],
  partition: [1_000, 90_000],
  "partition-many": [20_000, 150_000],
  "freeze-pod": [200, 70_000],
  "freeze-plane": [200, 70_000],
  "crash-pod": [100, 80_000],
  "restart-pod": [500, 60_000],
  "shut-pod": [1_000, 90_000],
  "second-pod": [2_000, 90_000],
  "crash-plane": [100, 100_000],
  "stop-plane": [500, 60_000],
  restore: [500, 20_000],
  "slow-disk": [2_000, 30_000],
  "full-disk": [500, 15_000],
  storm: [1_000, 6_000],
};

export function planOf(seed: number): Plan {
  // Apart from the run's own numbers: a plan that lost a fault runs with the same rest.
  const draw = new Timeline(seed ^ 0x5eed);
  const whole = ([least, most]: readonly [number, number]): number =>
    Math.floor(draw.between(least, most + 1));
  const name = drawn(
    draw,
    Object.fromEntries(Object.entries(SHAPES).map(([name, { weight }]) => [name, weight])),
  );
  const shape: Shape = SHAPES[name as keyof typeof SHAPES];
  const connectors = whole(shape.connectors);
  const kinds = shape.kinds as Record<string, number>;
  const faults: Fault[] = [];
  // Sessions become stable first, now and then.
  let at = draw.chance(0.5) ? 0 : 70_000;
  for (;;) {
    at += shape.everyMs * (0.2 + 1.6 * draw.random());
    if (at >= shape.troubleMs) break;
    const kind = drawn(draw, kinds) as FaultKind;
    const [least, most] = LASTS[kind] ?? [0, 0];
    // Short ones are as likely as long ones.
    const ms = least === 0 ? 0 : Math.round(least * (most / least) ** draw.random());
    faults.push({ at: Math.round(at), kind, who: whole([0, connectors - 1]), ms, dice: draw.random() });
  }
  return {
    seed,
    name: name as keyof typeof SHAPES,
    profile: draw.chance(0.4) ? "fast" : "standard",
    connectors,
    integrations: whole(shape.integrations),
    intervalMs: whole([5_000, 30_000]),
    outboxEvents: draw.pick(shape.outboxEvents) ?? LIMITS.outboxEvents,
    latencyMs: whole([2, 120]),
    changeMs: shape.changeMs,
    troubleMs: shape.troubleMs,
    faults,
  };
}

function drawn(draw: Timeline, weights: Readonly<Record<string, number>>): string {
  const all = Object.entries(weights);
  let left = draw.random() * all.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of all) {
    left -= weight;
    if (left < 0) return name;
  }
  return all[0]?.[0] ?? "";
}
