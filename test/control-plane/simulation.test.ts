import * as fc from "fast-check";
import { expect, test } from "vitest";
import { restore } from "../../src/control-plane/chores.ts";
import { type Core, createCore } from "../../src/control-plane/core.ts";
import { hashOf } from "../../src/control-plane/enrolment.ts";
import { silentLog } from "../../src/control-plane/log.ts";
import { Session } from "../../src/control-plane/session.ts";
import type { Transport } from "../../src/control-plane/session-place.ts";
import { stateDigest } from "../../src/protocol/digest.ts";
import { connectorSource } from "../../src/protocol/envelope.ts";
import { type Frame, parseFrame, utf8Length, writeFrame } from "../../src/protocol/frames.ts";
import type { SnapshotItem } from "../../src/protocol/status-frames.ts";
import { FakeClock, settle } from "../fake/clock.ts";
import { fakeReport } from "../fake/connector.ts";
import { MemoryStore } from "../fake/memory-store.ts";
import { connectorRow } from "./store/rows.ts";

const NAMES = ["a", "b", "c"];
const random = { bytes: (count: number) => new Uint8Array(count).fill(7), number: () => 0.5 };

/** A control plane without sockets that can be killed: its store is what stays. */
class Plane {
  store = new MemoryStore();
  readonly clock = new FakeClock();
  core: Core = this.#create();

  #create(): Core {
    const rest = { liveness: "standard", timeScale: 1, publicUrl: "http://127.0.0.1:1", chart: "c" } as const;
    return createCore({ store: this.store, clock: this.clock, random, log: silentLog, ...rest });
  }

  async kill(): Promise<void> {
    this.core = this.#create();
    await restore(this.core);
  }

  session(transport: Transport): Session {
    const counters = { ackSeconds: () => {}, ignored: () => {}, refused: () => {} };
    const { clock, core } = this;
    const place = {
      ...core,
      clock,
      random,
      counters,
      log: silentLog,
      sha256: hashOf,
      notify: core.publisher,
    };
    const credential = { connectorId: "me", connector: "name-me", keyId: "k" };
    return new Session({ ...place, controlPlaneId: "cp" }, credential, transport);
  }
}

/** A connector as simple as the protocol allows, over a line that loses what is on it when it is cut. */
class Model {
  readonly #plane: Plane;
  readonly truth = new Map<string, SnapshotItem>();
  readonly told: string[] = [];
  readonly #outbox: Frame[] = [];
  #stream = 1;
  #next = 1;
  #acked = 0;
  #session: Session | undefined;
  #up: Frame[] = [];
  #down: Frame[] = [];
  #ready = false;
  #versions = 0;
  /** A line that was lost: its session lives on, and what was on the way may still arrive. */
  #ghost: { readonly session: Session; readonly up: Frame[] } | undefined;

  constructor(plane: Plane) {
    this.#plane = plane;
    for (const name of NAMES) this.truth.set(name, this.#item(name));
  }

  #item(name: string): SnapshotItem {
    this.#versions += 1;
    const reason = `reason_${this.#versions}`;
    const codes = { state: "error", condition: "integration_unreachable", stage: "connect" } as const;
    return {
      ...fakeReport(name),
      ...codes,
      reason,
      source: "file",
      observedAt: "2026-01-02T03:04:05Z",
    };
  }

  get #source(): string {
    return connectorSource("me", `stream-${this.#stream}`);
  }

  #frame(type: Frame["type"], data: unknown, sequence?: number): Frame {
    const numbered = sequence === undefined ? {} : { sequence };
    return { id: "f", source: this.#source, type, time: "2026-01-02T03:04:05Z", data, ...numbered } as Frame;
  }

  #queue(type: Frame["type"], data: unknown): void {
    const frame = this.#frame(type, data, this.#next);
    this.#next += 1;
    this.#outbox.push(frame);
    if (this.#ready) this.#up.push(frame);
  }

  change(name: string): void {
    const item = this.#item(name);
    this.truth.set(name, item);
    this.told.push(`reason_${this.#versions}`);
    this.#queue("status.changed", { ...item, previous: null, coalesced: 0 });
  }

  /** Its process is killed: what was not acked is forgotten, the stream is a new one. */
  restart(): void {
    this.cut();
    this.#ghost = undefined;
    this.#stream += 1;
    this.#next = 1;
    this.#acked = 0;
    this.#outbox.length = 0;
    this.told.length = 0;
  }

  cut(): void {
    this.#session?.ended();
    this.#leave();
  }

  /** The line is cut, and nobody told the control plane. */
  lose(): void {
    if (this.#session !== undefined) this.#ghost = { session: this.#session, up: this.#up };
    this.#leave();
  }

  /** The control plane was killed: no session of it lives on. */
  die(): void {
    this.#ghost = undefined;
    this.#leave();
  }

  /** A frame that was on its way arrives late. */
  async haunt(): Promise<void> {
    const frame = this.#ghost?.up.shift();
    if (frame === undefined) return;
    const text = writeFrame(frame);
    this.#ghost?.session.receive(text, utf8Length(text));
    await settle();
  }

  #leave(): void {
    this.#session = undefined;
    this.#up = [];
    this.#down = [];
    this.#ready = false;
  }

  connect(): void {
    if (this.#session !== undefined) return;
    const down: Frame[] = [];
    this.#down = down;
    const session: { current?: Session } = {};
    const transport: Transport = {
      send: (text, left) => {
        const parsed = parseFrame(text);
        if (parsed.kind === "frame") down.push(parsed.frame);
        left();
      },
      close: () => {
        if (this.#session === session.current) this.#leave();
      },
      terminate: () => {},
      bufferedBytes: () => 0,
    };
    session.current = this.#plane.session(transport);
    this.#session = session.current;
    const stream = {
      id: `stream-${this.#stream}`,
      first: this.#acked + 1,
      next: this.#next,
      acked: this.#acked,
    };
    const isIdle = this.#outbox.length === 0;
    const digest = isIdle ? stateDigest(this.truth.values() as never, hashOf) : null;
    const instance = { id: "i", podUid: null, podName: null, leaseUid: null, leaseTransitions: null };
    const config = { generation: 0, digest: "" };
    const rest = { version: "1", capabilities: [], install: null, wallClock: "2026-01-02T03:04:05Z" };
    this.#up.push(this.#frame("session.hello", { ...rest, instance, stream, stateDigest: digest, config }));
  }

  /** One frame each way arrives. */
  async step(): Promise<void> {
    const up = this.#up.shift();
    if (up !== undefined) {
      const text = writeFrame(up);
      this.#session?.receive(text, utf8Length(text));
    }
    await settle();
    const down = this.#down.shift();
    if (down?.type === "session.welcome") this.#welcomed(down.data);
    if (down?.type === "session.ack") this.#trim(down.data.applied);
    if (down?.type === "status.resync") this.#snapshot();
  }

  #welcomed(welcome: { nonce: string; resume: { mode: string; last: number } }): void {
    this.#trim(welcome.resume.last);
    this.#up.push(this.#frame("session.ready", { nonce: welcome.nonce }), ...this.#outbox);
    this.#ready = true;
    if (welcome.resume.mode === "snapshot") this.#snapshot();
  }

  #snapshot(): void {
    const items = [...this.truth.values()];
    const digest = stateDigest(items as never, hashOf);
    items.forEach((item, index) =>
      this.#queue("status.snapshot", {
        snapshotId: `s${this.#next - index}`,
        page: index + 1,
        pages: items.length,
        items: [item],
        digest,
      }),
    );
  }

  #trim(applied: number): void {
    this.#acked = Math.max(this.#acked, applied);
    while ((this.#outbox[0]?.sequence ?? Number.POSITIVE_INFINITY) <= applied) this.#outbox.shift();
  }

  get isQuiet(): boolean {
    return (
      this.#session !== undefined &&
      this.#outbox.length === 0 &&
      this.#up.length === 0 &&
      this.#down.length === 0
    );
  }
}

const step = fc.oneof(
  { weight: 30, arbitrary: fc.constant("step" as const) },
  { weight: 12, arbitrary: fc.constantFrom("a", "b", "c") },
  { weight: 8, arbitrary: fc.constant("connect" as const) },
  { weight: 8, arbitrary: fc.constant("haunt" as const) },
  {
    weight: 3,
    arbitrary: fc.constantFrom("cut" as const, "lose" as const, "lose" as const, "kill" as const),
  },
  { weight: 1, arbitrary: fc.constant("restart" as const) },
);

async function act(plane: Plane, model: Model, what: string): Promise<void> {
  if (NAMES.includes(what)) model.change(what);
  else if (what === "step") await model.step();
  else if (what === "connect") model.connect();
  else if (what === "cut") model.cut();
  else if (what === "lose") model.lose();
  else if (what === "haunt") await model.haunt();
  else if (what === "restart") model.restart();
  else {
    await plane.kill();
    model.die();
  }
}

async function settleAll(model: Model): Promise<void> {
  for (let tries = 0; tries < 400 && !model.isQuiet; tries += 1) {
    model.connect();
    await model.step();
  }
  expect(model.isQuiet).toBe(true);
}

async function run(steps: readonly string[], { backup }: { backup: boolean }): Promise<void> {
  const plane = new Plane();
  await plane.store.transact((tx) => tx.putConnector(connectorRow("me", { nextKey: { id: "k", x: "x" } })));
  await plane.kill();
  const model = new Model(plane);
  let kept = plane.store.snapshot();
  for (const [index, what] of steps.entries()) {
    await act(plane, model, what);
    if (index === Math.floor(steps.length / 4)) kept = plane.store.snapshot();
    if (!backup || index !== Math.floor(steps.length / 2)) continue;
    plane.store.restore(kept);
    await plane.kill();
    model.die();
  }
  await settleAll(model);
  for (const name of NAMES) {
    const row = await plane.store.integration("me", name);
    expect({ name, reason: row?.reason }).toEqual({
      name,
      reason: (model.truth.get(name) as { reason: string }).reason,
    });
    const { items } = await plane.store.history({ connectorId: "me", name }, {}, { limit: 500 });
    const reasons = items.map(({ reason }) => reason);
    expect(new Set(reasons).size).toBe(reasons.length);
    if (backup) continue;
    const told = items.filter(({ observed }) => observed === "event").map(({ reason }) => reason);
    const lost = model.told.filter((reason) => !reasons.includes(reason) && told.includes(reason));
    expect(lost).toEqual([]);
  }
  if (backup) return;
  const all = await Promise.all(
    NAMES.map((name) => plane.store.history({ connectorId: "me", name }, {}, { limit: 500 })),
  );
  const stored = new Set(all.flatMap(({ items }) => items.map(({ reason }) => reason)));
  expect(model.told.filter((reason) => !stored.has(reason))).toEqual([]);
}

test(
  "whatever is cut, killed or restarted: every change arrives, once, and both ends agree",
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 200, size: "max" }), (steps) =>
        run(steps, { backup: false }),
      ),
      { numRuns: 250 },
    );
  },
);

test("a control plane that was restored from a backup comes to agree", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 200, size: "max" }), (steps) =>
      run(steps, { backup: true }),
    ),
    { numRuns: 150 },
  );
});
