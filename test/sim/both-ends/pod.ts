import { createHash } from "node:crypto";
import { type Asked, Commands, type OnStage } from "../../../src/connector/commands.ts";
import type { Item } from "../../../src/connector/item.ts";
import { Outbox } from "../../../src/connector/outbox.ts";
import { Schedule } from "../../../src/connector/schedule.ts";
import { type Dial, type LinkState, Sessions } from "../../../src/connector/sessions.ts";
import { changedData, Standing } from "../../../src/connector/standing.ts";
import type { Change } from "../../../src/connector/status.ts";
import { stateDigest } from "../../../src/protocol/digest.ts";
import { integrationSubject } from "../../../src/protocol/envelope.ts";
import { LIMITS, TIMINGS } from "../../../src/protocol/limits.ts";
import type { Report } from "../../../src/protocol/report.ts";
import type { Bye } from "../../../src/protocol/session-frames.ts";
import { Machine } from "./machine.ts";
import type { Targets } from "./targets.ts";
import type { Timeline } from "./timeline.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const NO_CONFIG = { generation: 0, digest: "" };

export interface PodSettings {
  readonly timeline: Timeline;
  readonly targets: Targets;
  readonly connectorId: string;
  /** Of this process; two pods of one identity differ by it. */
  readonly name: string;
  readonly items: readonly Item[];
  /** How much its outbox holds. */
  readonly outboxEvents: number;
  readonly dial: (pod: Pod) => Dial;
  /** A command's stage was told: it is being done. */
  readonly onWork: (pod: Pod, commandId: string) => void;
}

/** One process of the connector: all of its real cores, wired as `main.ts` wires them, with targets of the simulation's. */
export class Pod {
  readonly machine: Machine;
  readonly connectorId: string;
  readonly name: string;
  readonly outbox: Outbox;
  readonly standing = new Standing();
  readonly #settings: PodSettings;
  readonly #schedule: Schedule<Item>;
  readonly #commands: Commands;
  readonly #sessions: Sessions;
  /** Of its own: what waits for it when the process is killed is forgotten with the process. */
  readonly #never = new AbortController().signal;
  /** Changes that the fold gave to the outbox, and how many of them were acked. */
  told = 0;
  acked = 0;
  /** Changes of the present stream that were sent and are not acked. */
  #inFlight = new Set<number>();
  #streamId = "";
  #items: readonly Item[];
  #ids = 0;
  link: LinkState = { state: "over" };

  constructor(settings: PodSettings) {
    const { timeline, connectorId, name, outboxEvents, dial } = settings;
    this.#settings = settings;
    this.connectorId = connectorId;
    this.name = name;
    this.#items = settings.items;
    this.machine = new Machine(timeline);
    const { clock } = this.machine;
    const { random } = timeline;
    const newId = (): string => `${name}-${(this.#ids += 1)}`;
    this.outbox = new Outbox({
      newId,
      time: () => new Date(clock.now()).toISOString(),
      truth: () => ({ items: this.standing.snapshot(), digest: this.digest() }),
      limits: { ...LIMITS, outboxEvents },
    });
    this.#schedule = new Schedule({ clock, random, look: (item) => this.#scheduled(item) });
    this.#commands = this.#makeCommands();
    this.#sessions = new Sessions({
      clock,
      random,
      newId,
      factor: 1,
      timings: TIMINGS,
      outbox: this.outbox,
      hello: () => ({
        version: "sim",
        capabilities: [],
        instance: { id: name, podUid: null, podName: null, leaseUid: null, leaseTransitions: null },
        install: null,
        stateDigest: this.outbox.owesStatus ? null : this.digest(),
        config: NO_CONFIG,
      }),
      vitals: () => ({
        lagMs: 0,
        config: NO_CONFIG,
        checks: this.standing.counts(),
        configInvalid: null,
        samples: [],
      }),
      onCommand: (dispatch) => this.#commands.dispatch(dispatch),
      onCancel: (commandId) => this.#commands.cancel(commandId),
      dial: dial(this),
      credential: () => Promise.resolve({ connectorId, token: "" }),
      onKeyRefused: () => {},
      hasNewToken: () => Promise.resolve(false),
      onState: (state) => {
        this.link = state;
      },
      onNotice: () => {},
      onEnd: () => {},
    });
  }

  get items(): readonly Item[] {
    return this.#items;
  }

  start(): void {
    this.standing.replace(this.#items, this.machine.clock.now());
    this.#schedule.replace(this.#items);
    this.#sessions.start();
  }

  /** The configuration was changed. */
  reload(items: readonly Item[]): void {
    this.#items = items;
    const isNew = this.standing.replace(items, this.machine.clock.now());
    this.#schedule.replace(items);
    if (!isNew) return;
    this.outbox.tellSnapshot();
    this.#sessions.kick();
  }

  /** Looks at one integration now, without being asked to. */
  lookNow(name: string): void {
    void this.#schedule.ask(name, (item) => this.#scheduled(item));
  }

  /** Ends as on SIGTERM. */
  async stop(bye: Bye): Promise<void> {
    await Promise.all([this.#schedule.close(), this.#commands.close()]);
    await this.#sessions.drain(bye);
    this.machine.kill();
  }

  /** A frame of the stream went out. */
  sent(streamId: string, { type, sequence = 0 }: { type: string; sequence: number | undefined }): void {
    if (streamId !== this.#streamId) this.#inFlight = new Set();
    this.#streamId = streamId;
    if (type === "status.changed") this.#inFlight.add(sequence);
  }

  /** A frame was heard: perhaps an ack. */
  heard(): void {
    const { id, acked } = this.outbox.stream;
    if (id !== this.#streamId) return;
    for (const sequence of this.#inFlight) {
      if (sequence > acked) return;
      this.#inFlight.delete(sequence);
      this.acked += 1;
    }
  }

  digest(): string {
    return stateDigest(this.standing.digestItems(), sha256);
  }

  #makeCommands(): Commands {
    const { onWork } = this.#settings;
    return new Commands({
      clock: this.machine.clock,
      timings: TIMINGS,
      tell: (event) => {
        if (event.type === "command.progress" && event.data.integration === undefined)
          onWork(this, event.data.commandId);
        this.outbox.tellCommand(event);
        this.#sessions.kick();
      },
      names: () => this.#items.map(({ name }) => name),
      look: (name, asked, { onStage }) =>
        this.#schedule.ask(name, async (item) => {
          const report = await this.#asked(item, asked, onStage);
          if (asked === "refresh") this.#schedule.note(name, report.state !== "error");
          return report;
        }),
      lookUnsaved: () => Promise.reject(new Error("the simulation asks for nothing unsaved")),
      judgeUnsaved: () => Promise.resolve([]),
    });
  }

  async #scheduled(item: Item): Promise<boolean> {
    const report = await this.#look(item);
    this.#record(item, report, true);
    return report.state !== "error";
  }

  async #asked(item: Item, asked: Asked, onStage: OnStage): Promise<Report> {
    const report = await this.#look(item);
    for (const stage of report.stages) onStage(stage);
    if (asked === "refresh") this.#record(item, report, false);
    return report;
  }

  async #look(item: Item): Promise<Report> {
    const { timeline, targets } = this.#settings;
    await this.machine.clock.sleep(timeline.between(5, 300), this.#never);
    return targets.report(this.targetOf(item), item, this.name);
  }

  #record(item: Item, report: Report, scheduled: boolean): void {
    const outcome = { report, scheduled, failureThreshold: item.failureThreshold };
    const change = this.standing.record(item, outcome, this.machine.clock.now());
    if (change !== undefined) this.#tell(item, change);
  }

  #tell(item: Item, change: Change): void {
    this.told += 1;
    this.outbox.tellStatus(integrationSubject(item.name), changedData(item, change));
    this.#sessions.kick();
  }

  /** All pods of one connector look at the same targets. */
  targetOf({ name }: Item): string {
    return `${this.connectorId}/${name}`;
  }
}
