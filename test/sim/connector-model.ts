import { createHash } from "node:crypto";
import type { Item } from "../../src/connector/item.ts";
import { Outbox } from "../../src/connector/outbox.ts";
import { Reconnect } from "../../src/connector/reconnect.ts";
import { type Line, Session } from "../../src/connector/session.ts";
import { changedData, Standing } from "../../src/connector/standing.ts";
import { stateDigest } from "../../src/protocol/digest.ts";
import { LIMITS, TIMINGS } from "../../src/protocol/limits.ts";
import type { Report } from "../../src/protocol/report.ts";
import { tcpItem } from "../connector/session/harness.ts";
import type { PlaneModel } from "./plane-model.ts";
import { SimSocket, type World } from "./world.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** One process of a connector: the real outbox, fold and session, looks and sockets of the simulation's. */
export class ConnectorModel {
  readonly #world: World;
  readonly #plane: PlaneModel;
  readonly name: string;
  readonly #items: readonly Item[];
  readonly #standing = new Standing();
  readonly outbox: Outbox;
  readonly #reconnect: Reconnect;
  /** Every transition that was told, by its mark, and those that the control plane acked. */
  readonly told: string[] = [];
  readonly acked = new Set<string>();
  readonly results = new Set<string>();
  #isAlive = true;
  #socket: SimSocket | undefined;
  #session: Session | undefined;
  #ids = 0;
  #marks = new Map<number, string>();
  #stream = "";
  attempts = 0;

  constructor(world: World, plane: PlaneModel, name: string, integrations: number, outboxEvents: number) {
    this.#world = world;
    this.#plane = plane;
    this.name = name;
    this.#items = Array.from({ length: integrations }, (_, index) => tcpItem(`i${index}`, index + 1));
    this.#standing.replace(this.#items, world.clock.now());
    this.outbox = new Outbox({
      newId: () => `${name}-${(this.#ids += 1)}`,
      time: () => new Date(world.clock.now()).toISOString(),
      truth: () => ({ items: this.#standing.snapshot(), digest: this.digest() }),
      limits: { ...LIMITS, outboxEvents },
    });
    this.#reconnect = new Reconnect(TIMINGS, world.random);
    world.after(world.between(0, 1_000), () => this.#attempt());
  }

  get isReady(): boolean {
    return this.#session?.isConfirmed === true;
  }

  digest(): string {
    return stateDigest(this.#standing.digestItems(), sha256);
  }

  /** A look at one integration found this state. */
  look(index: number, state: "online" | "error"): void {
    const item = this.#items[index];
    if (!this.#isAlive || item === undefined) return;
    const mark = `${this.name} ${this.told.length}`;
    const report = reportOf(item, state, mark);
    const outcome = { report, scheduled: false, failureThreshold: 1 };
    const change = this.#standing.record(item, outcome, this.#world.clock.now());
    if (change === undefined) return;
    this.told.push(mark);
    this.outbox.tellStatus(`integrations/${item.name}`, changedData(item, change));
    this.#poll();
  }

  result(commandId: string): void {
    if (!this.#isAlive) return;
    this.results.add(commandId);
    const data = { commandId, outcome: "succeeded", reason: null, message: null, report: null } as const;
    this.outbox.tellCommand({ type: "command.result", data: { ...data, refreshed: 1 } });
    this.#poll();
  }

  /** kill -9. */
  crash(): void {
    this.#isAlive = false;
    this.#socket?.cut();
  }

  cut(): void {
    this.#socket?.cut();
  }

  #attempt(): void {
    if (!this.#isAlive) return;
    this.attempts += 1;
    if (!this.#plane.isUp || this.#world.chance(0.1)) {
      const delay = this.#reconnect.after({ kind: "failed" }, { tick: this.#world.now, spreadMs: 1_000 });
      return this.#world.after(delay, () => this.#attempt());
    }
    const socket = new SimSocket(this.#world);
    this.#socket = socket;
    this.#plane.accept(socket);
    const end = socket.end(0);
    const line: Line = {
      send: (text) => {
        this.#noteSent(text);
        end.send(text);
      },
      close: (code) => end.close(code),
      terminate: () => end.close(1006),
      buffered: 0,
    };
    const session = this.#makeSession(line);
    this.#session = session;
    socket.listen(0, {
      frame: (text) => {
        if (!this.#isAlive || this.#session !== session) return;
        session.frame(text);
        this.#noteAcked();
        this.#poll();
      },
      closed: (code) => {
        if (!this.#isAlive || this.#session !== session) return;
        session.closed(code);
        this.#poll();
      },
    });
    this.#poll();
  }

  #makeSession(line: Line): Session {
    const nothing = { generation: 0, digest: "" };
    return new Session(
      {
        clock: this.#world.clock,
        random: this.#world.random,
        newId: () => `${this.name}-${(this.#ids += 1)}`,
        connectorId: "c-1",
        outbox: this.outbox,
        welcomeBy: this.#world.now + 10_000,
        factor: 1,
        hello: () => ({
          version: "sim",
          capabilities: [],
          instance: { id: this.name, podUid: null, podName: null, leaseUid: null, leaseTransitions: null },
          install: null,
          stateDigest: this.outbox.owesStatus ? null : this.digest(),
          config: nothing,
        }),
        vitals: () => ({
          lagMs: 0,
          config: nothing,
          checks: this.#standing.counts(),
          configInvalid: null,
          samples: [],
        }),
        onCommand: () => {},
        onCancel: () => {},
        onNotice: () => {},
      },
      line,
    );
  }

  #poll(): void {
    const session = this.#session;
    if (session === undefined || !this.#isAlive) return;
    const due = session.poll();
    const { end } = session;
    if (end !== undefined) {
      this.#session = undefined;
      if (this.#reconnect.needsNewStream(end.code, this.#world.now)) this.outbox.restart();
      const moment = { tick: this.#world.now, spreadMs: 1_000 };
      return this.#world.after(this.#reconnect.after({ kind: "closed", ...end }, moment), () =>
        this.#attempt(),
      );
    }
    if (due === Number.POSITIVE_INFINITY) return;
    this.#world.after(Math.max(1, due - this.#world.now), () => {
      if (this.#session === session) this.#poll();
    });
  }

  #noteSent(text: string): void {
    const frame = JSON.parse(text) as {
      sequence?: string;
      type: string;
      source: string;
      data: { cause: string };
    };
    if (frame.source !== this.#stream) this.#marks = new Map();
    this.#stream = frame.source;
    if (frame.type.includes("status.changed")) this.#marks.set(Number(frame.sequence), frame.data.cause);
  }

  #noteAcked(): void {
    const { acked } = this.outbox.stream;
    for (const [sequence, mark] of this.#marks) {
      if (sequence > acked) continue;
      this.acked.add(mark);
      this.#marks.delete(sequence);
    }
  }
}

function reportOf(item: Item, state: "online" | "error", mark: string): Report {
  const isError = state === "error";
  return {
    name: item.name,
    type: "tcp",
    state,
    condition: isError ? "integration_unreachable" : null,
    stage: isError ? "connect" : null,
    reason: isError ? "connection_refused" : null,
    message: "",
    cause: mark,
    remedy: [],
    coverage: [],
    address: "a:1",
    blockedBy: null,
    findings: [],
    path: ["resolve", "connect"],
    stages: [],
  };
}
