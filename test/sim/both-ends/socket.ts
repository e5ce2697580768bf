import { utf8Length } from "../../../src/protocol/frames.ts";
import type { Machine } from "./machine.ts";
import type { Timeline } from "./timeline.ts";

/** A WebSocket that gets no close frame back is destroyed after this time, as `closeTimeout` says. */
const CLOSE_TIMEOUT_MS = 5_000;

/** Who looks on. A frame is an object here: it is read once. */
export interface Watch {
  readonly sent: (side: Side, end: End, frame: SeenFrame) => void;
  /** Before the end hears it. */
  readonly arrived: (side: Side, end: End, frame: SeenFrame) => void;
  /** The end closes the socket, or learns that it is over. */
  readonly ended: (side: Side, end: End, code: number) => void;
}

export interface SeenFrame {
  /** The short name. */
  readonly type: string;
  readonly source: string;
  readonly sequence: number | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Ears {
  readonly text: (text: string, bytes: number) => void;
  /** 1006 where no close frame came. */
  readonly closed: (code: number) => void;
}

type Packet =
  | { readonly kind: "text"; readonly text: string; readonly frame: SeenFrame }
  | { readonly kind: "close"; readonly code: number }
  /** The end of the TCP connection: FIN or RST. */
  | { readonly kind: "fin" };

/** How long a packet takes from this side, and whether it arrives at all. */
export interface Wire {
  /** When a packet that is sent now arrives, before what is said of order. */
  arrival(side: Side): number;
}

/** 0 is the connector's, 1 the control plane's. */
export type Side = 0 | 1;

/**
 * A WebSocket over TCP with two ends: in order, each way delayed, until it is cut. Closing is as `ws` does it:
 * the one who closes still hears what comes before the answer, and learns of the end only by that answer.
 */
export class SimSocket {
  readonly ends: readonly [End, End];
  readonly #timeline: Timeline;
  readonly #wire: Wire;
  /** What was sent by then and did not arrive never will. */
  #isCut = false;
  /** Nothing that is sent from this side arrives before this time. */
  readonly heldUntil: [number, number] = [0, 0];
  readonly #last: [number, number] = [0, 0];
  readonly #underWay: [{ packet: Packet; at: number }[], { packet: Packet; at: number }[]] = [[], []];

  constructor(timeline: Timeline, of: { wire: Wire; watch: Watch; machines: readonly [Machine, Machine] }) {
    this.#timeline = timeline;
    this.#wire = of.wire;
    const end = (side: Side): End =>
      new End({ timeline, machine: of.machines[side], put: this.#putter(side), side, watch: of.watch });
    this.ends = [end(0), end(1)];
  }

  get isOver(): boolean {
    return this.ends[0].isOver && this.ends[1].isOver;
  }

  /** What is under way is lost. Each side that hears of it does so within two seconds; a half-open one never. */
  cut(hears: readonly [boolean, boolean]): void {
    if (this.#isCut) return;
    this.#isCut = true;
    for (const side of [0, 1] as const)
      if (hears[side]) this.#timeline.after(this.#timeline.between(0, 2_000), () => this.ends[side].reset());
  }

  /** The process at this end was killed. With it its machine, where nobody says FIN any more. */
  died(side: Side, saysFin: boolean): void {
    if (saysFin) this.#putter(side)({ kind: "fin" });
    else this.#isCut = true;
  }

  #putter(from: Side): (packet: Packet) => void {
    return (packet) => {
      if (this.#isCut) return;
      // In order: nothing overtakes what was sent before.
      const at = Math.max(this.#wire.arrival(from), this.heldUntil[from], this.#last[from]);
      this.#last[from] = at;
      this.#underWay[from].push({ packet, at });
      this.#timeline.at(at, () => this.#arrive(from));
    };
  }

  /** One packet arrives, or several at once, as they share a segment. */
  #arrive(from: Side): void {
    const { now } = this.#timeline;
    const queue = this.#underWay[from];
    if (this.heldUntil[from] > now) {
      this.#timeline.at(this.heldUntil[from], () => this.#arrive(from));
      return;
    }
    do {
      const next = queue.shift();
      if (this.#isCut || next === undefined) return;
      this.ends[from === 0 ? 1 : 0].arrived(next.packet);
    } while ((queue[0]?.at ?? Number.POSITIVE_INFINITY) <= now && this.#timeline.chance(0.5));
  }
}

interface EndParts {
  readonly timeline: Timeline;
  readonly machine: Machine;
  readonly put: (packet: Packet) => void;
  readonly side: Side;
  readonly watch: Watch;
}

/** One end of a WebSocket. */
export class End {
  readonly #parts: EndParts;
  ears: Ears | undefined;
  #state: "open" | "closing" | "over" = "open";
  #saidFin = false;
  #closeCame: number | undefined;

  constructor(parts: EndParts) {
    this.#parts = parts;
  }

  get isOver(): boolean {
    return this.#state === "over" || !this.#parts.machine.isAlive;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** False where the socket is not open any more. */
  send(text: string): boolean {
    if (!this.#parts.machine.isAlive || this.#state !== "open") return false;
    const { put, side, watch } = this.#parts;
    const frame = seen(text);
    watch.sent(side, this, frame);
    put({ kind: "text", text, frame });
    return true;
  }

  close(code: number): void {
    const { machine, put, timeline } = this.#parts;
    if (!machine.isAlive || this.#state !== "open") return;
    this.#state = "closing";
    this.#parts.watch.ended(this.#parts.side, this, code);
    put({ kind: "close", code });
    timeline.after(CLOSE_TIMEOUT_MS, () => machine.run("timer", () => this.#over()));
  }

  terminate(): void {
    const { machine, timeline } = this.#parts;
    if (!machine.isAlive || this.#state === "over") return;
    this.#state = "over";
    this.#parts.watch.ended(this.#parts.side, this, 1006);
    this.#fin();
    timeline.after(0, () => machine.run("frame", () => this.ears?.closed(this.#closeCame ?? 1006)));
  }

  /** The machine learned that the connection is dead. */
  reset(): void {
    this.#parts.machine.run("frame", () => this.#over());
  }

  arrived(packet: Packet): void {
    this.#parts.machine.run("frame", () => this.#take(packet));
  }

  #take(packet: Packet): void {
    if (this.#state === "over") return;
    if (packet.kind === "fin") return this.#over();
    if (this.#closeCame !== undefined) return;
    if (packet.kind === "text") {
      this.#parts.watch.arrived(this.#parts.side, this, packet.frame);
      return this.ears?.text(packet.text, utf8Length(packet.text));
    }
    this.#closeCame = packet.code;
    if (this.#state === "open") this.close(packet.code);
    else this.#over();
  }

  #over(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#parts.watch.ended(this.#parts.side, this, this.#closeCame ?? 1006);
    this.#fin();
    this.ears?.closed(this.#closeCame ?? 1006);
  }

  #fin(): void {
    if (this.#saidFin) return;
    this.#saidFin = true;
    this.#parts.put({ kind: "fin" });
  }
}

function seen(text: string): SeenFrame {
  const { type, source, sequence, data } = JSON.parse(text) as SeenFrame & { readonly sequence?: string };
  const short = type.slice("dev.mooring.".length, -".v1".length);
  return { type: short, source, sequence: sequence === undefined ? undefined : Number(sequence), data };
}
