import { createHash } from "node:crypto";
import { stateDigest } from "../../src/protocol/digest.ts";
import { type Frame, type FrameOf, parseFrame } from "../../src/protocol/frames.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import type { SnapshotItem } from "../../src/protocol/status-frames.ts";
import { written } from "../fake/control-plane.ts";
import type { SimSocket, SocketEnd, World } from "./world.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What survives a crash of the control plane. */
interface Durable {
  epoch: number;
  marks: Map<string, number>;
  states: Map<string, SnapshotItem>;
  /** Every transition in the order of its effect: the mark that the connector put into `cause`. */
  log: string[];
  results: Map<string, number>;
  /** Streams whose snapshot has not arrived whole yet. */
  needsSnapshot: Set<string>;
}

interface Live {
  readonly end: SocketEnd;
  hello: FrameOf<"session.hello"> | undefined;
  epoch: number;
  staged: { id: string; items: SnapshotItem[]; pages: number } | undefined;
  pending: Frame[];
  isOver: boolean;
}

/** A control plane by the rules of the protocol, small enough to be looked through. */
export class PlaneModel {
  readonly #world: World;
  durable: Durable = {
    epoch: 0,
    marks: new Map(),
    states: new Map(),
    log: [],
    results: new Map(),
    needsSnapshot: new Set(),
  };
  #live: Live[] = [];
  isUp = true;

  constructor(world: World) {
    this.#world = world;
  }

  accept(socket: SimSocket): void {
    const live: Live = {
      end: socket.end(1),
      hello: undefined,
      epoch: 0,
      staged: undefined,
      pending: [],
      isOver: false,
    };
    this.#live.push(live);
    socket.listen(1, {
      frame: (text) => {
        if (!live.isOver) this.#frame(live, text);
      },
      closed: () => this.#forget(live),
    });
  }

  /** Forgets all that was not committed. */
  crash(): void {
    this.isUp = false;
    for (const live of this.#live) this.#end(live, 1006);
  }

  backup(): Durable {
    return structuredClone(this.durable);
  }

  #end(live: Live, code: number): void {
    live.end.close(code);
    this.#forget(live);
  }

  #forget(live: Live): void {
    live.isOver = true;
    live.pending = [];
    this.#live = this.#live.filter((other) => other !== live);
  }

  #frame(live: Live, text: string): void {
    const parsed = parseFrame(text);
    if (parsed.kind !== "frame") throw new Error(`the connector sent ${JSON.stringify(parsed)}`);
    const { frame } = parsed;
    if (frame.type === "session.hello") return this.#hello(live, frame);
    if (live.hello === undefined) throw new Error(`${frame.type} before hello`);
    if (frame.type === "session.ready") return this.#ready(live);
    if (live.epoch === 0) throw new Error(`${frame.type} before ready`);
    if (frame.type === "session.heartbeat") return this.#ack(live, frame.data.n);
    if (frame.type === "session.bye") return this.#end(live, 1000);
    if (frame.sequence !== undefined) this.#sequenced(live, frame);
  }

  #hello(live: Live, frame: FrameOf<"session.hello">): void {
    live.hello = frame;
    const { id, first, next } = frame.data.stream;
    const { marks, needsSnapshot } = this.durable;
    const mark = marks.get(id);
    const known = mark !== undefined && mark >= first - 1 && mark < next;
    const last = known ? mark : first - 1;
    const isSame = frame.data.stateDigest === null || frame.data.stateDigest === this.digestOf();
    const mode = known && !needsSnapshot.has(id) && isSame ? "resume" : "snapshot";
    const now = new Date(this.#world.clock.now()).toISOString();
    live.end.send(
      written("session.welcome", {
        connector: { id: "c-1", name: "sim" },
        capabilities: [],
        nonce: "n",
        resume: { mode, last },
        heartbeat: { intervalMs: 15_000, answerMs: 10_000, unreachableMs: 45_000 },
        reconnect: { initialSpreadMs: 1_000, capMs: 60_000 },
        limits: { ...LIMITS, windowEvents: 32, eventsBurst: 100, snapshotPageItems: 3 },
        maxAgeMs: 1_800_000,
        serverTime: now,
        receivedTime: now,
        config: { generation: 0, digest: "" },
      }),
    );
  }

  /** The digest of what is stored. */
  digestOf(): string {
    return stateDigest(
      this.durable.states.values().map((item) => ({ ...item })),
      sha256,
    );
  }

  #ready(live: Live): void {
    const stream = live.hello?.data.stream;
    if (stream === undefined) return;
    const { marks, needsSnapshot } = this.durable;
    this.durable.epoch += 1;
    live.epoch = this.durable.epoch;
    const mark = marks.get(stream.id);
    if (mark === undefined || mark < stream.first - 1 || mark >= stream.next) {
      marks.set(stream.id, stream.first - 1);
      needsSnapshot.add(stream.id);
    }
    for (const other of this.#live.filter((each) => each !== live && each.epoch > 0)) this.#end(other, 4409);
    this.#ack(live);
  }

  #sequenced(live: Live, frame: Frame): void {
    const stream = live.hello?.data.stream.id ?? "";
    const at = (this.durable.marks.get(stream) ?? 0) + live.pending.length;
    if ((frame.sequence ?? 0) > at + 1) return this.#end(live, 4410);
    if (frame.sequence === at + 1) {
      live.pending.push(frame);
      // Committed a little later, in groups; acked only then.
      if (live.pending.length === 1) this.#world.after(this.#world.between(1, 400), () => this.#commit(live));
    } else this.#ack(live);
  }

  #commit(live: Live): void {
    if (live.isOver || !this.isUp) return;
    const stream = live.hello?.data.stream.id ?? "";
    for (const frame of live.pending.splice(0)) {
      this.durable.marks.set(stream, frame.sequence ?? 0);
      this.#effect(live, stream, frame);
    }
    this.#ack(live);
  }

  #effect(live: Live, stream: string, frame: Frame): void {
    const { states, log, results, needsSnapshot } = this.durable;
    if (frame.type === "status.changed") {
      states.set(frame.data.name, frame.data);
      log.push(frame.data.cause ?? "");
    } else if (frame.type === "command.result") {
      const { commandId } = frame.data;
      results.set(commandId, (results.get(commandId) ?? 0) + 1);
    } else if (frame.type === "status.snapshot") {
      const { snapshotId, page, pages, items, digest } = frame.data;
      if (page === 1) live.staged = { id: snapshotId, items: [], pages };
      if (live.staged?.id !== snapshotId) {
        needsSnapshot.add(stream);
        return;
      }
      live.staged.items.push(...items);
      if (page < pages) return;
      if (stateDigest(live.staged.items, sha256) !== digest)
        throw new Error("a digest that is not the items'");
      states.clear();
      for (const item of live.staged.items) states.set(item.name, item);
      needsSnapshot.delete(stream);
      live.staged = undefined;
    }
  }

  #ack(live: Live, n?: number): void {
    const applied = this.durable.marks.get(live.hello?.data.stream.id ?? "") ?? 0;
    live.end.send(written("session.ack", { epoch: live.epoch, applied, ...(n === undefined ? {} : { n }) }));
  }
}
