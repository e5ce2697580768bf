import { createHash } from "node:crypto";
import { Admission } from "../../../src/control-plane/admission.ts";
import { restore, storeAll } from "../../../src/control-plane/chores.ts";
import { type Core, createCore } from "../../../src/control-plane/core.ts";
import type { Log } from "../../../src/control-plane/log.ts";
import { Session } from "../../../src/control-plane/session.ts";
import type { SessionPlace, Transport } from "../../../src/control-plane/session-place.ts";
import type { ProfileName } from "../../../src/protocol/limits.ts";
import type { Disk } from "./disk.ts";
import { Machine } from "./machine.ts";
import type { End } from "./socket.ts";
import type { Timeline } from "./timeline.ts";

/** Upgrades a second: few, so that a fleet that comes back at once is turned away in part. */
const ADMITTED = 10;

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

export interface PlaneSettings {
  readonly timeline: Timeline;
  readonly disk: Disk;
  readonly profile: ProfileName;
  readonly log: Log;
}

/** One process of the control plane: all of its real core, over the simulation's disk and sockets. */
export class Plane {
  readonly machine: Machine;
  readonly core: Core;
  readonly admission: Admission;
  readonly startedAt: number;
  readonly #settings: PlaneSettings;
  readonly #place: SessionPlace;
  readonly #over = new AbortController();
  /** What was stored is read: upgrades are answered from here on. */
  isServing = false;
  /** It ends in order: silence is no longer looked at. */
  isStopping = false;

  constructor(settings: PlaneSettings) {
    const { timeline, disk, profile, log } = settings;
    this.#settings = settings;
    this.startedAt = timeline.now;
    this.machine = new Machine(timeline);
    const { clock } = this.machine;
    const random = {
      number: timeline.random,
      bytes: (count: number) => Uint8Array.from({ length: count }, () => Math.floor(timeline.random() * 256)),
    };
    this.core = createCore({
      store: disk.handle(this.machine),
      clock,
      random,
      log,
      liveness: profile,
      timeScale: 1,
      publicUrl: "https://plane.example",
      chart: "chart",
    });
    this.admission = new Admission(ADMITTED, random, () => clock.tick());
    const counters = { ackSeconds: () => {}, ignored: () => {}, refused: () => {} };
    const notify = this.core.publisher;
    this.#place = { ...this.core, controlPlaneId: "plane", clock, random, log, sha256, notify, counters };
  }

  async start(): Promise<void> {
    await restore(this.core);
    this.isServing = true;
    const { hub, commands, sweepMs } = this.core;
    const { log } = this.#settings;
    this.#every(sweepMs, () => hub.sweep());
    this.#every(1_000, () => commands.sweep());
    this.#every(60_000, () => void hub.storeSeen().catch((err: unknown) => log.error({ err }, "not stored")));
  }

  /** As `startChores` does it, and ten times cheaper: most of a run is sweeps that find nothing. */
  #every(ms: number, work: () => void): void {
    this.#settings.timeline.after(ms, () =>
      this.machine.run("timer", () => {
        if (this.#over.signal.aborted) return;
        work();
        this.#every(ms, work);
      }),
    );
  }

  /** A socket was upgraded, by that connector's key. */
  accept(connectorId: string, end: End): void {
    const transport: Transport = {
      send: (text, left) => {
        end.send(text);
        left();
      },
      close: (code) => end.close(code),
      terminate: () => end.terminate(),
      bufferedBytes: () => 0,
    };
    const credential = { connectorId, connector: connectorId, keyId: "key" };
    const session = new Session(this.#place, credential, transport);
    end.ears = {
      text: (text, bytes) => session.receive(text, bytes),
      closed: () => session.ended(),
    };
    session.expectHandshake().catch((error: unknown) => session.fail(error));
  }

  /** Ends as on SIGTERM: tells every connector to come back, stores everything. */
  async stop(drainMs: number): Promise<void> {
    const { core, machine } = this;
    this.isStopping = true;
    this.admission.drain();
    await core.hub.drain(Math.min(drainMs, core.hub.size * 5), this.#over.signal);
    this.#over.abort();
    await storeAll(core, machine.clock.now());
    machine.kill();
  }
}
