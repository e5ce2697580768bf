import { createHash, randomBytes, randomUUID } from "node:crypto";
import { stateDigest } from "../protocol/digest.ts";
import { integrationSubject, uuidv7 } from "../protocol/envelope.ts";
import { scaled, TIMINGS } from "../protocol/limits.ts";
import type { Bye, Heartbeat, Hello } from "../protocol/session-frames.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Commands } from "./commands.ts";
import type { Network } from "./dial/network.ts";
import { createNetwork } from "./dial/place.ts";
import { httpEnrol } from "./enrol.ts";
import { codeOf } from "./failure.ts";
import { type HealthServer, serveHealth } from "./http.ts";
import { Identity } from "./identity.ts";
import type { Configuration, Item, Problem } from "./item.ts";
import { Lag } from "./lag.ts";
import { createLog, type Log } from "./log.ts";
import { Looks, ownerOf } from "./looks.ts";
import { Metrics } from "./metrics.ts";
import { Outbox } from "./outbox.ts";
import { Refusal } from "./refusal.ts";
import { Schedule } from "./schedule.ts";
import { Scrubber } from "./scrub.ts";
import { type Dial, type LinkState, Sessions } from "./sessions.ts";
import { followFile, markOf } from "./sources/file.ts";
import { bounded, changedData, Standing } from "./standing.ts";
import {
  addressOf,
  type ConnectorSettings,
  listenTrouble,
  NOTHING_CONFIGURED,
  StartError,
  timeScaleOf,
} from "./start.ts";
import type { Change } from "./status.ts";
import { Telling } from "./telling.ts";
import { webSocketDial } from "./transport.ts";

/** A connector that runs. */
export interface RunningConnector {
  /** Where health and metrics are served. */
  readonly address: { readonly host: string; readonly port: number };
  readonly link: () => LinkState;
  /** Stops looking, sends what waits, says goodbye, and ends. Takes some seconds at most. */
  drain(reason?: "restart" | "shutdown"): Promise<void>;
  /** The same without time for what waits. */
  close(): Promise<void>;
}

const RETURN_MS = 60_000;
/** A loop that did not turn, or a look that is late, for this long: the process is not alive. */
const STUCK_LOOP_MS = 15_000;
const STUCK_SCHEDULE_MS = 600_000;

/** Starts a connector. Rejects with a StartError that says in one sentence what is wrong. */
export async function startConnector(settings: ConnectorSettings): Promise<RunningConnector> {
  const address = addressOf(settings);
  const factor = timeScaleOf(settings);
  const { configuration, seen } = await firstConfiguration(settings);
  const connector = new Connector(settings, factor);
  if (address !== undefined) await connector.connectTo(address);
  await connector.serve();
  connector.begin(configuration, seen);
  return connector;
}

async function firstConfiguration({ file, load }: ConnectorSettings): Promise<{
  readonly configuration: Configuration;
  readonly seen: string;
}> {
  if (file === undefined) return { configuration: NOTHING_CONFIGURED, seen: "" };
  const seen = await markOf(file);
  const loaded = await load(file);
  if (loaded.ok) return { configuration: loaded.configuration, seen };
  throw new StartError(`The configuration file ${file} is not valid.`, loaded.problems);
}

class Connector implements RunningConnector {
  readonly #settings: ConnectorSettings;
  readonly #factor: number;
  readonly #clock: Clock = systemClock;
  readonly #scrubber = new Scrubber();
  readonly #log: Log;
  readonly #lag: Lag;
  readonly #standing = new Standing();
  readonly #metrics: Metrics;
  readonly #telling: Telling;
  readonly #outbox: Outbox;
  readonly #looks: Looks;
  readonly #schedule: Schedule<Item>;
  readonly #commands: Commands;
  readonly #over = new AbortController();
  readonly #background: Promise<void>[] = [];
  readonly #instance: Hello["instance"];
  #sessions: Sessions | undefined;
  #health: HealthServer | undefined;
  #network: Network;
  #configuration: Configuration = NOTHING_CONFIGURED;
  #configInvalid: string | null = null;
  #link: LinkState = { state: "over" };
  #wasReady = false;
  #draining: Promise<void> | undefined;

  constructor(settings: ConnectorSettings, factor: number) {
    this.#settings = settings;
    this.#factor = factor;
    const clock = this.#clock;
    this.#lag = new Lag(clock);
    const { level = "info", write } = settings.log ?? {};
    this.#log = createLog({ level, version: settings.version, scrubber: this.#scrubber, write });
    this.#metrics = this.#makeMetrics();
    this.#telling = new Telling(this.#log, this.#metrics);
    this.#outbox = new Outbox({
      newId,
      time: () => new Date(clock.now()).toISOString(),
      truth: () => ({ items: this.#standing.snapshot(), digest: this.#digest() }),
    });
    this.#network = createNetwork(settings.environment, NOTHING_CONFIGURED.addressesAllow);
    this.#looks = this.#makeLooks();
    this.#schedule = new Schedule({
      clock,
      random: Math.random,
      look: (item, signal) => this.#looks.scheduled(item, signal),
    });
    this.#commands = this.#makeCommands();
    this.#instance = settings.instance ?? ownInstance();
  }

  get address(): { readonly host: string; readonly port: number } {
    return this.#health?.address ?? this.#settings.listen;
  }

  link = (): LinkState => this.#link;

  /** Makes ready to connect. Rejects with a StartError where it is plain now that it cannot. */
  async connectTo(address: Exclude<ReturnType<typeof addressOf>, undefined>): Promise<void> {
    const { ca, environment, joinTokenFile, stateDir = "" } = this.#settings;
    const transport = { address, trust: this.#network.trust, caFile: ca, environment };
    const identity = new Identity({
      stateDir,
      joinTokenFile,
      audience: address.origin,
      enrol: httpEnrol(transport),
      clock: this.#clock,
      onToken: (token) => this.#scrubber.learn(JOIN_TOKEN, [token]),
    });
    // Read now, so that a bad file is known now; without one there is nothing that could be wrong.
    if (ca !== undefined)
      await this.#network.trust(ca).catch((error: unknown) => {
        throw new StartError(`--ca: the file ${ca} cannot be read as PEM certificates.`, [], error);
      });
    await identity.prepare().catch((error: unknown) => {
      throw error instanceof Refusal ? new StartError(error.message, [], error) : error;
    });
    this.#sessions = this.#makeSessions(identity, webSocketDial(transport));
  }

  #makeSessions(identity: Identity, dial: Dial): Sessions {
    return new Sessions({
      clock: this.#clock,
      random: Math.random,
      newId,
      factor: this.#factor,
      timings: scaled(TIMINGS, this.#factor),
      outbox: this.#outbox,
      hello: () => this.#hello(),
      vitals: () => this.#vitals(),
      onCommand: (dispatch) => this.#commands.dispatch(dispatch),
      onCancel: (commandId) => this.#commands.cancel(commandId),
      dial,
      credential: (offsetMs, signal) => identity.credential(offsetMs, signal),
      hasNewToken: () => identity.hasNewToken(),
      onState: (state) => this.#linked(state),
      onNotice: (notice) => this.#telling.noticed(notice, this.#clock.now()),
      onEnd: (end) => this.#telling.ended(end),
    });
  }

  /** Opens the listener for health and metrics. Rejects with a StartError. */
  async serve(): Promise<void> {
    const { listen } = this.#settings;
    try {
      this.#health = await serveHealth(listen, {
        alive: () => this.#alive(),
        ready: () => this.#ready(),
        metrics: async () => ({
          contentType: this.#metrics.contentType,
          text: await this.#metrics.text(),
        }),
      });
    } catch (error) {
      throw new StartError(listenTrouble(listen, codeOf(error) ?? "unknown"), [], error);
    }
  }

  begin(configuration: Configuration, seen: string): void {
    const { file, load, version } = this.#settings;
    this.#log.info(`Connector ${version} has started.`, { integrations: configuration.items.length });
    this.#apply(configuration);
    this.#background.push(this.#lag.run(this.#over.signal));
    if (file !== undefined) {
      const source = { file, load, clock: this.#clock, seen };
      const onConfiguration = (next: Configuration): void => this.#reload(next);
      const onProblems = (problems: readonly Problem[]): void => this.#judge(problems);
      this.#background.push(followFile({ ...source, onConfiguration, onProblems }, this.#over.signal));
    }
    this.#sessions?.start(this.#settings.firstSpreadMs);
  }

  drain(reason?: "restart" | "shutdown"): Promise<void> {
    this.#draining ??= this.#end(reason ?? this.#usualReason());
    return this.#draining;
  }

  close(): Promise<void> {
    return this.drain("shutdown");
  }

  async #end(reason: Bye["reason"]): Promise<void> {
    this.#over.abort();
    await Promise.all([this.#schedule.close(), this.#commands.close()]);
    const expectedReturnMs = reason === "restart" ? RETURN_MS * this.#factor : null;
    await this.#sessions?.drain({ reason, expectedReturnMs });
    await Promise.all(this.#background);
    await this.#health?.close();
    this.#log.info("Connector has ended.", { reason });
  }

  /** A pod that is told to end comes back as another one, as a rule; a process does not. */
  #usualReason(): "restart" | "shutdown" {
    const kind = this.#settings.install?.kind ?? "process";
    return kind === "process" ? "shutdown" : "restart";
  }

  #makeMetrics(): Metrics {
    return new Metrics({
      version: this.#settings.version,
      stands: () => this.#standing.all(),
      outbox: () => ({ events: this.#outbox.events, ...this.#outbox.counts }),
      isConnected: () => this.#link.state === "ready",
      lagSeconds: () => this.#lag.take("metrics") / 1000,
    });
  }

  #makeLooks(): Looks {
    return new Looks({
      clock: this.#clock,
      network: () => this.#network,
      standing: this.#standing,
      metrics: this.#metrics,
      scrubber: this.#scrubber,
      log: this.#log,
      onChange: (item, change) => this.#tell(item, change),
    });
  }

  #makeCommands(): Commands {
    return new Commands({
      clock: this.#clock,
      timings: scaled(TIMINGS, this.#factor),
      tell: (event) => {
        this.#metrics.told(event.type);
        this.#outbox.tellCommand(event);
        this.#sessions?.kick();
      },
      names: () => this.#configuration.items.map(({ name }) => name),
      look: (name, asked, onStage) =>
        this.#schedule.ask(name, async (item, signal) => {
          const report = await this.#looks.asked(item, asked, { onStage, signal });
          if (asked === "refresh") this.#schedule.note(name, report.state !== "error");
          return bounded(report);
        }),
      lookUnsaved: async (item, onStage, signal) =>
        bounded(await this.#looks.asked(item, "test", { onStage, signal })),
      judgeUnsaved: (item) => this.#settings.judgeRemote(item, this.#configuration.remote),
    });
  }

  #apply(configuration: Configuration): boolean {
    this.#configuration = configuration;
    this.#network = createNetwork(
      this.#settings.environment,
      configuration.addressesAllow,
      this.#network.trust,
    );
    const { items } = configuration;
    const names = items.flatMap(({ name, type, config }) => [name, type.address(config)]);
    this.#scrubber.keep(names);
    this.#scrubber.retain(new Set([JOIN_TOKEN, ...items.map(ownerOf)]));
    const isNew = this.#standing.replace(items, this.#clock.now());
    this.#metrics.keepOnly(new Set(items.map(({ name }) => name)));
    this.#metrics.reloaded("file", true, this.#clock.now());
    this.#schedule.replace(items);
    return isNew;
  }

  #reload(configuration: Configuration): void {
    if (this.#over.signal.aborted || !this.#apply(configuration)) return;
    this.#telling.reloaded(configuration.items.length);
    if (this.#sessions === undefined) return;
    this.#outbox.tellSnapshot();
    this.#sessions.kick();
  }

  #judge([first, ...more]: readonly Problem[]): void {
    const now = this.#clock.now();
    this.#configInvalid = first === undefined ? null : this.#telling.refused([first, ...more], now);
  }

  #tell(item: Item, change: Change): void {
    this.#telling.changed(item, change);
    if (this.#sessions === undefined) return;
    this.#metrics.told("status.changed");
    this.#outbox.tellStatus(integrationSubject(item.name), changedData(item, change));
    this.#sessions.kick();
  }

  #linked(state: LinkState): void {
    this.#link = state;
    if (state.state === "ready") this.#wasReady = true;
    this.#telling.linked(state);
  }

  #digest(): string {
    return stateDigest(this.#standing.digestItems(), sha256);
  }

  #hello(): Omit<Hello, "stream" | "wallClock"> {
    return {
      version: this.#settings.version,
      capabilities: [],
      instance: this.#instance,
      install: this.#settings.install ?? null,
      stateDigest: this.#outbox.owesStatus ? null : this.#digest(),
      config: NO_CONFIG,
    };
  }

  #vitals(): Pick<Heartbeat, "lagMs" | "config" | "checks" | "configInvalid" | "samples"> {
    return {
      lagMs: this.#lag.take("heartbeat"),
      config: NO_CONFIG,
      checks: this.#standing.counts(),
      configInvalid: this.#configInvalid,
      samples: this.#looks.takeSamples((name) => this.#schedule.nextIn(name)),
    };
  }

  #alive(): Record<string, boolean> {
    return {
      eventLoop: this.#lag.idleMs < STUCK_LOOP_MS,
      schedule: this.#schedule.overdueMs() < STUCK_SCHEDULE_MS,
    };
  }

  #ready(): Record<string, boolean> {
    const { readiness = "startup" } = this.#settings;
    const { state } = this.#link;
    const connected = readiness === "always" ? state === "ready" : this.#wasReady && state !== "stopped";
    const needsNone = readiness === "never" || this.#sessions === undefined;
    return {
      configuration: true,
      controlPlane: needsNone || connected,
      running: !this.#over.signal.aborted,
    };
  }
}

/** The scrubber's name for it. */
const JOIN_TOKEN = "join token";
const NO_CONFIG = { generation: 0, digest: "" };

function newId(): string {
  return uuidv7(Date.now(), randomBytes);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function ownInstance(): Hello["instance"] {
  return { id: randomUUID(), podUid: null, podName: null, leaseUid: null, leaseTransitions: null };
}
