import type { Log } from "../../../src/control-plane/log.ts";
import { type ConnectorRow, type ConnectorState } from "../../../src/control-plane/store/rows.ts";
import { StoreError } from "../../../src/control-plane/store/store.ts";
import { parseConnectorSource } from "../../../src/protocol/envelope.ts";
import { PROFILES } from "../../../src/protocol/limits.ts";
import type { Bye } from "../../../src/protocol/session-frames.ts";
import { connectorRow } from "../../control-plane/store/rows.ts";
import { Disk, type Write } from "./disk.ts";
import { Network } from "./network.ts";
import { Orders } from "./orders.ts";
import type { Plan } from "./plan.ts";
import { Plane } from "./plane.ts";
import { Pod } from "./pod.ts";
import { Broken, type Rule } from "./rules.ts";
import { Silence } from "./silence.ts";
import type { End, SeenFrame, Side, Watch } from "./socket.ts";
import { Stored } from "./stored.ts";
import { items, Targets } from "./targets.ts";
import { Timeline } from "./timeline.ts";

/** States of which the silence is news after a start. */
const ABOUT: readonly ConnectorState[] = ["connected", "stale", "disconnected", "restarting"];
/** Fewer connectors are never held back. */
const FLEET = 20;
/** Who is refused as a duplicate asks again within this time. Milliseconds. */
const REFUSED_MS = 5_400_000;
/** What the store should have by now, where the disk is well. Milliseconds. */
const STORED_WITHIN_MS = 15_000;

/** One run: both programs, the disk, the network, and those who look on. */
export class Simulation {
  readonly plan: Plan;
  /** Of all connectors. */
  readonly ids: readonly string[];
  readonly timeline: Timeline;
  readonly disk: Disk;
  readonly network: Network;
  readonly targets: Targets;
  readonly stored: Stored;
  readonly silence: Silence;
  readonly orders: Orders;
  plane: Plane | undefined;
  /** All processes of connectors that live. */
  pods: Pod[] = [];
  frames = 0;
  /** Told of what happens, for a trace. */
  onTrace: ((says: string) => void) | undefined;
  #names = 0;
  #broken: Broken | undefined;
  readonly #rows = new Map<string, ConnectorRow>();
  readonly #attemptAt = new Map<string, number>();
  /** The state that each connector had at the last look, and since when it is another than the stored one. */
  readonly #states = new Map<string, ConnectorState>();
  readonly #differsSince = new Map<string, number>();
  #isNoted = false;

  constructor(plan: Plan) {
    this.plan = plan;
    this.ids = Array.from({ length: plan.connectors }, (_, index) => `c${index}`);
    const timeline = new Timeline(plan.seed);
    const fail = (rule: Rule, says: string): void => this.fail(rule, says);
    this.timeline = timeline;
    this.disk = new Disk(timeline);
    this.targets = new Targets(timeline);
    this.stored = new Stored(fail);
    this.silence = new Silence(timeline, PROFILES[plan.profile], fail);
    this.orders = new Orders(fail);
    this.network = new Network({
      timeline,
      latencyMs: plan.latencyMs,
      plane: () => (this.plane?.machine.isAlive === true ? this.plane : undefined),
      watch: (pod) => this.#watch(pod),
      onAttempt: (pod) => this.#attempted(pod),
    });
    this.disk.onCommit = (works) => {
      this.orders.nextCommit();
      for (const writes of works) this.#committed(writes);
    };
    timeline.onStep = () => this.#step();
  }

  async begin(): Promise<void> {
    await this.disk.rows.transact(async (tx) => {
      for (const id of this.ids) {
        const row = connectorRow(id, { state: "never_connected", nextKey: { id: "key", x: "x" } });
        this.#rows.set(id, row);
        await tx.putConnector(row);
      }
    });
    this.startPlane();
    for (const id of this.ids) this.startPod(id);
    this.#lookEverySecond();
    if (this.ids.length >= FLEET) this.#watchMass();
  }

  /** Runs until then. Throws what broke. */
  async runUntil(ms: number): Promise<void> {
    await this.timeline.runUntil(ms);
  }

  fail(rule: Rule, says: string): void {
    this.#broken ??= new Broken(rule, this.timeline.now, says);
  }

  startPlane(): void {
    const { timeline, disk } = this;
    const plane = new Plane({ timeline, disk, profile: this.plan.profile, log: this.#log() });
    this.plane = plane;
    this.#isNoted = false;
    this.onTrace?.("the control plane starts");
    plane.start().catch(() => {
      // A disk that refuses: the process ends, and is started again.
      if (this.plane !== plane || !plane.machine.isAlive) return;
      plane.machine.kill();
      timeline.after(1_000, () => {
        if (this.plane === plane) this.startPlane();
      });
    });
  }

  startPod(connectorId: string): Pod {
    this.#names += 1;
    const { timeline, targets, plan } = this;
    const pod: Pod = new Pod({
      timeline,
      targets,
      connectorId,
      name: `${connectorId}-p${this.#names}`,
      items: items(plan.integrations, plan.intervalMs),
      outboxEvents: plan.outboxEvents,
      dial: (own) => this.network.dialOf(own),
      onWork: (own, commandId) => this.orders.done(own.name, commandId),
    });
    this.pods.push(pod);
    this.onTrace?.(`${pod.name} starts`);
    pod.start();
    return pod;
  }

  /** The processes of one connector. */
  podsOf(connectorId: string): readonly Pod[] {
    return this.pods.filter((pod) => pod.connectorId === connectorId);
  }

  /** What is committed of a connector. */
  row(connectorId: string): ConnectorRow | undefined {
    return this.#rows.get(connectorId);
  }

  forgetRows(rows: readonly ConnectorRow[]): void {
    for (const row of rows) this.#rows.set(row.id, row);
  }

  #committed(writes: readonly Write[]): void {
    for (const { method, args } of writes)
      if (method === "putConnector") {
        const row = args[0] as ConnectorRow;
        if (row.epoch !== this.row(row.id)?.epoch) this.silence.claimed(row.id);
        this.#rows.set(row.id, row);
      }
    this.stored.committed(writes);
    this.orders.committed(writes);
  }

  #attempted(pod: Pod): void {
    const before = this.#attemptAt.get(pod.name);
    this.#attemptAt.set(pod.name, this.timeline.now);
    const ms = this.timeline.now - (before ?? Number.NEGATIVE_INFINITY);
    if (ms < 249) this.fail("no-spin", `${pod.name} tried again after ${Math.round(ms)} ms`);
  }

  #watch(pod: Pod): Watch {
    let isReady = false;
    let streamId = "";
    const of = { pod, id: pod.connectorId };
    return {
      sent: (side, end, frame) => {
        this.frames += 1;
        this.onTrace?.(`${side === 0 ? `${pod.name} →` : `→ ${pod.name}`} ${summary(frame)}`);
        if (frame.type === "session.hello") streamId = parseConnectorSource(frame.source)?.streamId ?? "";
        if (side === 0) return this.#sentUp(pod, streamId, frame);
        if (frame.type !== "session.ack") return this.#sentDown(of, frame);
        if (!isReady) this.#ready(of.id, end);
        isReady = true;
        this.stored.acked(of.id, streamId, Number(frame.data["applied"]));
      },
      arrived: (side, end, frame) => this.#arrived({ side, end, frame }, of),
      ended: (side, end, code) => this.#ended({ side, end, code }, of),
    };
  }

  #sentUp(pod: Pod, streamId: string, frame: SeenFrame): void {
    if (frame.sequence === undefined) return;
    pod.sent(streamId, frame);
    this.stored.sent(streamId, { ...frame, sequence: frame.sequence });
  }

  #sentDown({ pod, id }: { pod: Pod; id: string }, frame: SeenFrame): void {
    if (frame.type === "command.dispatch") this.orders.dispatched(id, String(frame.data["commandId"]));
    if (frame.type === "session.error")
      this.fail(
        "no-complaint",
        `the control plane could not take a frame of ${pod.name}: ${JSON.stringify(frame.data)}`,
      );
  }

  #ready(id: string, end: End): void {
    for (const socket of this.network.socketsOf(id))
      if (socket.ends[1] !== end && socket.ends[1].isOpen && this.silence.isSeat(id, socket.ends[1]))
        this.fail("one-session", `${id} has a second session that is ready`);
    this.silence.ready(id, end);
  }

  #arrived({ side, end, frame }: { side: Side; end: End; frame: SeenFrame }, { id }: { id: string }): void {
    // What still arrives after the control plane closed the socket counts for nothing.
    if (side === 0 || !end.isOpen) return;
    if (frame.type === "session.bye") this.silence.bye(id, end, frame.data as unknown as Bye);
    else this.silence.frame(id, end);
  }

  #ended(
    { side, end, code }: { side: Side; end: End; code: number },
    { pod, id }: { pod: Pod; id: string },
  ): void {
    this.onTrace?.(`${side === 0 ? pod.name : `control plane, for ${pod.name}`}: socket ends, ${code}`);
    if (side === 0) return;
    this.silence.ended(id, end);
    if (code === 4504) this.silence.troubled([id], this.timeline.now + REFUSED_MS);
    if ([4400, 4410, 4429, 1009].includes(code))
      this.fail("no-complaint", `the control plane ended the session of ${pod.name} with ${code}`);
  }

  /** After every event. */
  #step(): void {
    const { plane } = this;
    if (plane !== undefined && plane.machine.isAlive && plane.isServing) {
      if (!this.#isNoted) this.#planeStarted(plane);
      for (const id of this.ids) this.#follow(id, plane);
    }
    if (this.#broken !== undefined) throw this.#broken;
  }

  #planeStarted(plane: Plane): void {
    this.#isNoted = true;
    this.#states.clear();
    const about = new Map(
      this.ids.map((id) => [id, ABOUT.includes(this.row(id)?.state ?? "never_connected")]),
    );
    for (const id of this.ids) this.#states.set(id, plane.core.liveness.state(id) ?? "never_connected");
    this.silence.planeStarted(about);
  }

  #follow(id: string, plane: Plane): void {
    const state = plane.core.liveness.state(id) ?? "never_connected";
    const before = this.#states.get(id);
    if (state === before) return;
    this.#states.set(id, state);
    this.onTrace?.(`${id} is ${state}`);
    if (state === "unreachable") this.silence.verdict(id);
  }

  /** Most may be silent for a moment only, and the hold has begun. */
  #watchMass(): void {
    this.timeline.after(100, () => this.#watchMass());
    if (this.plane?.machine.isFrozen === false && this.#isNoted) this.silence.watchMass();
  }

  #lookEverySecond(): void {
    this.timeline.after(1_000, () => this.#lookEverySecond());
    const { plane } = this;
    for (const pod of this.pods) this.#bounded(pod);
    if (plane === undefined || !plane.machine.isAlive || plane.machine.isFrozen) return;
    if (!this.#isNoted || plane.isStopping) return;
    this.silence.swept((id) => plane.core.liveness.state(id) !== "unreachable");
    for (const id of this.ids) this.#compareStored(id, plane);
  }

  #bounded({ name, outbox, items }: Pod): void {
    const most = this.plan.outboxEvents + 3 * (1 + Math.ceil(items.length / 50));
    if (outbox.events > most) this.fail("bounded", `the outbox of ${name} holds ${outbox.events} events`);
  }

  /** What silence came to is stored too. */
  #compareStored(id: string, plane: Plane): void {
    const { now } = this.timeline;
    const isSick = now < this.disk.slowUntil || now < this.disk.fullUntil;
    const state = plane.core.liveness.state(id);
    if (isSick || state === undefined || state === this.row(id)?.state) this.#differsSince.delete(id);
    else if (!this.#differsSince.has(id)) this.#differsSince.set(id, now);
    if (now - (this.#differsSince.get(id) ?? now) > STORED_WITHIN_MS)
      this.fail("no-late-verdict", `${id} is ${state}, and stored as ${this.row(id)?.state}`);
  }

  #log(): Log {
    const told = (facts: object, words: string): void => {
      const error = (facts as { err?: unknown }).err;
      if (error instanceof StoreError && error.kind === "full") return;
      const why = error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(facts);
      this.fail("no-complaint", `the control plane says: ${words}: ${why}`);
    };
    return { info: () => {}, warn: told, error: told };
  }
}

function summary({ type, sequence, data }: SeenFrame): string {
  const number = sequence === undefined ? "" : ` ${sequence}`;
  const more =
    type === "status.changed"
      ? `${String(data["name"])} ${String(data["state"])}`
      : JSON.stringify(data).slice(0, 120);
  return `${type}${number} ${more}`;
}
