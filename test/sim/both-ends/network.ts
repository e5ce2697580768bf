import { Refusal } from "../../../src/connector/refusal.ts";
import type { Line } from "../../../src/connector/session.ts";
import type { Dial } from "../../../src/connector/sessions.ts";
import type { Plane } from "./plane.ts";
import type { Pod } from "./pod.ts";
import { type End, type Side, SimSocket, type Watch } from "./socket.ts";
import type { Timeline } from "./timeline.ts";

/** A packet that finds the way blocked is sent again after these times, milliseconds, as TCP does. */
const AGAIN_MS = [1_000, 3_000, 7_000];

export interface NetworkParts {
  readonly timeline: Timeline;
  readonly latencyMs: number;
  /** The process that listens now. */
  readonly plane: () => Plane | undefined;
  readonly watch: (pod: Pod) => Watch;
  readonly onAttempt: (pod: Pod) => void;
}

/** What lies between the connectors and the control plane. */
export class Network {
  readonly #parts: NetworkParts;
  /** By connector: until then nothing gets through. */
  readonly #blockedUntil = new Map<string, number>();
  readonly #sockets: { readonly pod: Pod; readonly plane: Plane; readonly socket: SimSocket }[] = [];

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  /** A connector's way of opening a socket. */
  dialOf(pod: Pod): Dial {
    return (_credential, events, signal) =>
      new Promise((resolve, reject) => {
        const { timeline, plane, onAttempt } = this.#parts;
        onAttempt(pod);
        let isOver = false;
        const settle = (end: () => void): void => {
          if (isOver) return;
          isOver = true;
          leave();
          end();
        };
        const refuse = (refusal: Refusal): void => settle(() => reject(refusal));
        const late = (): void => refuse(new Refusal("timeout", "no answer"));
        const leave = pod.machine.onAbort(signal, late);
        const back = (work: () => void): void => {
          timeline.after(this.#latency(), () => pod.machine.run("frame", work));
        };
        this.#reach(pod, () => {
          const server = plane();
          if (server === undefined)
            return back(() => refuse(new Refusal("connection_refused", "nobody listens")));
          server.machine.run("frame", () => {
            const wait = server.isServing ? server.admission.refuse() : 1;
            if (wait !== undefined)
              return back(() => refuse(new Refusal("admission", "not now", { retryAfterMs: wait * 1000 })));
            const socket = this.#socket(pod, server);
            server.accept(pod.connectorId, socket.ends[1]);
            back(() => {
              // Who gave up meanwhile leaves at once.
              if (isOver) return socket.ends[0].terminate();
              const text = (text: string): void => {
                events.frame(text);
                pod.heard();
              };
              socket.ends[0].ears = { text, closed: events.closed };
              settle(() => {
                events.open(lineOf(socket.ends[0]));
                resolve();
              });
            });
          });
        });
      });
  }

  socketsOf(connectorId: string): readonly SimSocket[] {
    return this.#sockets.filter(({ pod }) => pod.connectorId === connectorId).map(({ socket }) => socket);
  }

  /** Nothing gets through to that connector for so long; what is under way comes later still. */
  block(connectorId: string, ms: number): void {
    const { timeline } = this.#parts;
    const until = timeline.now + ms;
    this.#blockedUntil.set(connectorId, Math.max(until, this.#blockedUntil.get(connectorId) ?? 0));
    const again = timeline.between(0, Math.min(ms, 20_000));
    for (const socket of this.socketsOf(connectorId))
      for (const side of [0, 1] as const)
        socket.heldUntil[side] = Math.max(socket.heldUntil[side], until + again);
  }

  /** The process at that end was killed; its machine says so, or died with it. */
  died(who: Pod | Plane, saysFin: boolean): void {
    for (const { pod, plane, socket } of this.#sockets) {
      if (pod === who) socket.died(0, saysFin);
      if (plane === who) socket.died(1, saysFin);
    }
  }

  #isBlocked(pod: Pod): boolean {
    return this.#parts.timeline.now < (this.#blockedUntil.get(pod.connectorId) ?? 0);
  }

  #reach(pod: Pod, work: () => void): void {
    const { timeline } = this.#parts;
    if (!this.#isBlocked(pod)) {
      timeline.after(this.#latency(), work);
      return;
    }
    let isDone = false;
    for (const ms of AGAIN_MS)
      timeline.after(ms, () => {
        if (isDone || this.#isBlocked(pod)) return;
        isDone = true;
        timeline.after(this.#latency(), work);
      });
  }

  #socket(pod: Pod, plane: Plane): SimSocket {
    const { timeline, watch } = this.#parts;
    const arrival = (_side: Side): number => {
      const blockedUntil = this.#blockedUntil.get(pod.connectorId) ?? 0;
      return Math.max(timeline.now, blockedUntil) + this.#latency();
    };
    const machines = [pod.machine, plane.machine] as const;
    const socket = new SimSocket(timeline, { wire: { arrival }, machines, watch: watch(pod) });
    for (let index = this.#sockets.length - 1; index >= 0; index -= 1)
      if (this.#sockets[index]?.socket.isOver === true) this.#sockets.splice(index, 1);
    this.#sockets.push({ pod, plane, socket });
    return socket;
  }

  #latency(): number {
    const { timeline, latencyMs } = this.#parts;
    return timeline.chance(0.02) ? timeline.between(0, 8 * latencyMs) : timeline.between(0.2, latencyMs);
  }
}

function lineOf(end: End): Line {
  return {
    send: (text) => {
      end.send(text);
    },
    close: (code) => end.close(code),
    terminate: () => end.terminate(),
    buffered: 0,
  };
}
