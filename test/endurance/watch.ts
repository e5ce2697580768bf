import { Events } from "../process/events.ts";
import { pause, type Plane, type ShownConnector } from "../process/programs.ts";

/** How often all connectors are read, milliseconds: no two heartbeats of a connector come sooner than that. */
const EVERY_MS = 500;
/** How often this process looks whether it was kept waiting, milliseconds. */
const TICK_MS = 25;

/** A verdict of silence that fell. */
export interface Alarm {
  readonly connector: string;
  readonly since: string;
  readonly lastHeartbeatAt: string | null;
  readonly message: string;
}

/** Sees all that a control plane says of its connectors, by its stream of events and by reading them. */
export class Watch implements AsyncDisposable {
  readonly #plane: Plane;
  readonly #events: Events;
  readonly #heard = new Map<string, string>();
  /** The longest time between two frames of each connector, milliseconds. */
  readonly #silences = new Map<string, number>();
  readonly #reading: Promise<void>;
  readonly #ticks: NodeJS.Timeout;
  #ticked = performance.now();
  #isOver = false;
  #from = 0;
  /** Verdicts that the mass guard held, at most: where it held any, their absence proves nothing. */
  heldMost = 0;
  /** Readings that failed. */
  failures: string[] = [];
  /** How long this process was kept waiting by the machine: in all, and at most, milliseconds. */
  standstill = { ms: 0, longestMs: 0 };

  private constructor(plane: Plane, events: Events) {
    this.#plane = plane;
    this.#events = events;
    this.#ticks = setInterval(() => this.#tick(), TICK_MS);
    this.#reading = this.#read();
  }

  static async of(plane: Plane): Promise<Watch> {
    return new Watch(plane, await Events.of(plane));
  }

  /** What came before counts no more. */
  begin(): void {
    this.#from = this.#events.received.length;
    this.#silences.clear();
    this.standstill = { ms: 0, longestMs: 0 };
    this.heldMost = 0;
    this.failures = [];
  }

  /** Every verdict of silence since the beginning. */
  get alarms(): readonly Alarm[] {
    return this.#shown("unreachable").map(({ name, since, lastHeartbeatAt, message }) => ({
      connector: name,
      since,
      lastHeartbeatAt,
      message,
    }));
  }

  /** The longest times between two frames of a connector, each connector's own, longest first: milliseconds. */
  silences(except: string): readonly number[] {
    return [...this.#silences].flatMap(([name, ms]) => (name === except ? [] : [ms])).sort((a, b) => b - a);
  }

  /** How often a connector was shown in that state. */
  count(state: string): number {
    return this.#shown(state).length;
  }

  #shown(state: string): readonly ShownConnector[] {
    const shown = this.#events.received
      .slice(this.#from)
      .filter(({ event }) => event === "connector")
      .map(({ data }) => data as unknown as ShownConnector);
    const last = new Map<string, string>();
    return shown.filter((connector) => {
      const isNew = last.get(connector.name) !== connector.state;
      last.set(connector.name, connector.state);
      return isNew && connector.state === state;
    });
  }

  /** Whether all events were told: the stream never began anew. */
  get isWhole(): boolean {
    return !this.#events.received.some(({ event }) => event === "reset");
  }

  #tick(): void {
    const now = performance.now();
    const ms = Math.max(0, now - this.#ticked - 2 * TICK_MS);
    this.#ticked = now;
    this.standstill.ms += ms;
    this.standstill.longestMs = Math.max(this.standstill.longestMs, ms);
  }

  async #read(): Promise<void> {
    while (!this.#isOver) {
      await this.#readOnce().catch((error: unknown) => this.failures.push(String(error)));
      await pause(EVERY_MS);
    }
  }

  async #readOnce(): Promise<void> {
    const { items } = await this.#plane.get<{ items: readonly ShownConnector[] }>("/connectors?limit=500");
    for (const { name, lastHeartbeatAt } of items) {
      const before = this.#heard.get(name);
      if (lastHeartbeatAt === null || before === lastHeartbeatAt) continue;
      this.#heard.set(name, lastHeartbeatAt);
      const ms = before === undefined ? 0 : Date.parse(lastHeartbeatAt) - Date.parse(before);
      this.#silences.set(name, Math.max(ms, this.#silences.get(name) ?? 0));
    }
    const text = await (await fetch(`${this.#plane.own}/metrics`)).text();
    const held = Number(/^mooring_control_plane_verdicts_held (\d+)/m.exec(text)?.[1] ?? 0);
    this.heldMost = Math.max(this.heldMost, held);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#ticks);
    await this.#reading;
    await this.#events[Symbol.asyncDispose]();
  }
}
