import { createHash } from "node:crypto";
import { stateDigest } from "../protocol/digest.ts";
import { integrationSubject } from "../protocol/envelope.ts";
import { scaled, TIMINGS } from "../protocol/limits.ts";
import { SECRETS_CAPABILITY } from "../protocol/secret-frames.ts";
import type { Report } from "../protocol/report.ts";
import type { Heartbeat, Hello, Instance } from "../protocol/session-frames.ts";
import type { Clock } from "./clock.ts";
import { Commands } from "./commands.ts";
import type { Network } from "./dial/network.ts";
import { createNetwork } from "./dial/place.ts";
import type { Configuration, Item, Problem } from "./item.ts";
import { Lag } from "./lag.ts";
import { errorFields, type Log } from "./log.ts";
import { Looks, type LooksParts, ownerOf } from "./looks.ts";
import { Metrics, type MetricsParts } from "./metrics.ts";
import { newId } from "./new-id.ts";
import { Outbox } from "./outbox.ts";
import { Schedule } from "./schedule.ts";
import type { Scrubber } from "./scrub.ts";
import { SecretWatch } from "./secret-watch.ts";
import { bounded, changedData, Standing } from "./standing.ts";
import { type ConnectorSettings, NOTHING_CONFIGURED } from "./start.ts";
import type { Change } from "./status.ts";
import { Telling } from "./telling.ts";

export interface WorkParts {
  readonly settings: Pick<ConnectorSettings, "environment" | "install" | "judgeRemote" | "version">;
  readonly clock: Clock;
  /** Of all times of the protocol. */
  readonly factor: number;
  readonly log: Log;
  readonly scrubber: Scrubber;
  /** What others know for the metrics. */
  readonly gauges: Pick<MetricsParts, "isConnected" | "leads" | "resources">;
  /** Absent where there is no cluster that could be asked. */
  readonly diagnose: LooksParts["diagnose"];
  /** An integration was looked at, whatever came of it. */
  readonly onLooked: (item: Item) => void;
  /** Whether there is a control plane to tell. */
  readonly tells: () => boolean;
  /** Something waits in the outbox. */
  readonly onWaiting: () => void;
}

/**
 * What a connector does whether or not it is connected: it looks at integrations, keeps their secrets, knows how all of
 * it stands, and lays what changes into the outbox.
 */
export class Work {
  readonly outbox: Outbox;
  readonly metrics: Metrics;
  readonly telling: Telling;
  readonly commands: Commands;
  readonly #parts: WorkParts;
  readonly #lag: Lag;
  readonly #standing = new Standing();
  readonly #secrets: SecretWatch;
  readonly #looks: Looks;
  readonly #schedule: Schedule<Item>;
  #network: Network;
  #configuration: Configuration = NOTHING_CONFIGURED;
  #configInvalid: string | null = null;
  /** The control plane stores secrets. */
  #tellsSecrets = false;

  constructor(parts: WorkParts) {
    this.#parts = parts;
    const { clock, log, settings } = parts;
    this.#lag = new Lag(clock);
    this.metrics = this.#makeMetrics();
    this.telling = new Telling(log, this.metrics);
    this.outbox = new Outbox({
      newId,
      time: () => new Date(clock.now()).toISOString(),
      truth: () => ({ items: this.#standing.snapshot(), digest: this.#digest() }),
    });
    this.#network = createNetwork(settings.environment, NOTHING_CONFIGURED.addressesAllow);
    this.#secrets = this.#makeSecrets();
    this.#looks = this.#makeLooks();
    this.#schedule = new Schedule({
      clock,
      random: Math.random,
      look: (item, signal) => this.#looks.scheduled(item, signal),
      prepare: (item, signal) => this.#secrets.ready(item, signal),
      onBegin: (lateMs) => this.metrics.began(lateMs),
    });
    this.commands = this.#makeCommands();
  }

  /** How names are looked up and whom TLS trusts, as the configuration of this moment has it. */
  get network(): Network {
    return this.#network;
  }

  /** How late the event loop turns, measured until the signal aborts. */
  watchLag(signal: AbortSignal): Promise<void> {
    return this.#lag.run(signal);
  }

  /** From now on this is what is looked at. */
  begin(configuration: Configuration): void {
    this.#apply(configuration);
  }

  /** The same while it runs: what is new is told. */
  change(configuration: Configuration): void {
    if (!this.#apply(configuration)) return;
    this.telling.reloaded(configuration.items.length);
    if (!this.#parts.tells()) return;
    this.outbox.tellSnapshot();
    this.#parts.onWaiting();
  }

  /** What is wrong with the file as it is now; the last good one stays in use. Nothing: it is well again. */
  judge([first, ...more]: readonly Problem[]): void {
    const wasInvalid = this.#configInvalid !== null;
    const now = this.#parts.clock.now();
    this.#configInvalid = first === undefined ? null : this.telling.refused([first, ...more], now);
    if (wasInvalid && first === undefined) this.telling.validAgain();
  }

  /** What stands for an integration since its last look; undefined where it was not looked at. */
  standsFor(name: string): { readonly report: Report; readonly checkedAt: number } | undefined {
    const status = this.#standing.get(name)?.status;
    if (status === undefined || status.told === null || status.checkedAt === null) return undefined;
    return { report: status.told, checkedAt: status.checkedAt };
  }

  /** What a session begins with. */
  hello(instance: Instance): Omit<Hello, "stream" | "wallClock"> {
    const { version, install = null } = this.#parts.settings;
    return {
      version,
      capabilities: [SECRETS_CAPABILITY],
      instance,
      install,
      stateDigest: this.outbox.owesStatus ? null : this.#digest(),
      config: NO_CONFIG,
    };
  }

  /** What a heartbeat carries. */
  vitals(): Pick<Heartbeat, "lagMs" | "config" | "checks" | "configInvalid" | "samples" | "reads"> {
    const reads = this.#tellsSecrets ? this.#secrets.takeReads() : [];
    return {
      ...(reads.length > 0 ? { reads } : {}),
      lagMs: this.#lag.take("heartbeat"),
      config: NO_CONFIG,
      checks: this.#standing.counts(),
      configInvalid: this.#configInvalid,
      samples: this.#looks.takeSamples((name) => this.#schedule.nextIn(name)),
    };
  }

  /** The control plane stores secrets, and what it has of them; null where it knows none. */
  secretsAre(digest: string | null): void {
    this.#tellsSecrets = digest !== null;
    if (digest === null || digest === this.#secrets.digest()) return;
    const items = this.#secrets.all();
    this.outbox.tellSecrets(
      items,
      items.map(({ id }) => id),
    );
  }

  /** For the liveness probe: what is stuck is not alive. */
  alive(): Record<string, boolean> {
    return {
      eventLoop: this.#lag.idleMs < STUCK_LOOP_MS,
      schedule: this.#schedule.overdueMs() < STUCK_SCHEDULE_MS,
    };
  }

  /** Ends what runs. Takes some seconds at most. */
  async close(): Promise<void> {
    await Promise.all([this.#schedule.close(), this.commands.close(), this.#secrets.close()]);
  }

  /** Gives whether anything that is told of the integrations is another than before. */
  #apply(configuration: Configuration): boolean {
    const { settings, scrubber, clock } = this.#parts;
    this.#configuration = configuration;
    this.#network = createNetwork(settings.environment, configuration.addressesAllow, this.#network.trust);
    const { items } = configuration;
    const names = items.flatMap(({ name, type, config }) => [name, type.address(config)]);
    scrubber.keep(names);
    scrubber.retain(new Set([JOIN_TOKEN, ...items.map(ownerOf)]));
    const isNew = this.#standing.replace(items, clock.now());
    this.metrics.keepOnly(new Set(items.map(({ name }) => name)));
    this.#secrets.replace(items);
    this.#schedule.replace(items);
    return isNew;
  }

  #makeMetrics(): Metrics {
    return new Metrics({
      ...this.#parts.gauges,
      version: this.#parts.settings.version,
      stands: () => this.#standing.all(),
      outbox: () => ({ events: this.outbox.events, ...this.outbox.counts }),
      secrets: () => this.#secrets.counts(),
      lagSeconds: () => this.#lag.take("metrics") / 1000,
    });
  }

  #makeLooks(): Looks {
    return new Looks({
      clock: this.#parts.clock,
      network: () => this.#network,
      standing: this.#standing,
      metrics: this.metrics,
      secrets: this.#secrets,
      log: this.#parts.log,
      diagnose: this.#parts.diagnose,
      onLooked: (item) => this.#parts.onLooked(item),
      onChange: (item, change) => this.#tell(item, change),
    });
  }

  #makeSecrets(): SecretWatch {
    return new SecretWatch({
      clock: this.#parts.clock,
      random: Math.random,
      onValues: (item, values) => this.#parts.scrubber.learn(ownerOf(item), values),
      onRead: (read) => this.metrics.secretRead(read),
      onChange: (items, all) => {
        for (const item of items) this.telling.secretChanged(item);
        if (!this.#tellsSecrets) return;
        this.metrics.told("secrets.changed");
        this.outbox.tellSecrets(items, all);
        this.#parts.onWaiting();
      },
      lookSoon: (name) => this.#schedule.soon(name),
      onUnknown: (error, store) =>
        this.#parts.log.warn(`The store ${store} failed in a way that Mooring does not know.`, {
          error: errorFields(error),
        }),
    });
  }

  #makeCommands(): Commands {
    return new Commands({
      clock: this.#parts.clock,
      timings: scaled(TIMINGS, this.#parts.factor),
      tell: (event) => {
        this.metrics.told(event.type);
        this.outbox.tellCommand(event);
        this.#parts.onWaiting();
      },
      names: () => this.#configuration.items.map(({ name }) => name),
      look: (name, asked, how) =>
        this.#schedule.ask(name, async (item, signal) => {
          const report = await this.#looks.asked(item, asked, { ...how, signal });
          if (asked === "refresh") this.#schedule.note(name, report.state !== "error");
          return bounded(report);
        }),
      lookUnsaved: async (item, how) => bounded(await this.#looks.asked(item, "test", how)),
      judgeUnsaved: (item) => this.#parts.settings.judgeRemote(item, this.#configuration),
    });
  }

  #tell(item: Item, change: Change): void {
    this.telling.changed(item, change);
    if (!this.#parts.tells()) return;
    this.metrics.told("status.changed");
    this.outbox.tellStatus(integrationSubject(item.name), changedData(item, change));
    this.#parts.onWaiting();
  }

  #digest(): string {
    return stateDigest(this.#standing.digestItems(), sha256);
  }
}

/** A loop that did not turn, or a look that is late, for this long: the process is not alive. */
const STUCK_LOOP_MS = 15_000;
const STUCK_SCHEDULE_MS = 600_000;

/** The scrubber's name for it. */
export const JOIN_TOKEN = "join token";
const NO_CONFIG = { generation: 0, digest: "" };

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
