import { createHash, randomBytes, randomUUID } from "node:crypto";
import { stateDigest } from "../protocol/digest.ts";
import { integrationSubject, uuidv7 } from "../protocol/envelope.ts";
import { scaled, TIMINGS } from "../protocol/limits.ts";
import { SECRETS_CAPABILITY } from "../protocol/secret-frames.ts";
import type { Bye, Heartbeat, Hello } from "../protocol/session-frames.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Cluster } from "./cluster.ts";
import { Commands } from "./commands.ts";
import type { Network } from "./dial/network.ts";
import { createNetwork } from "./dial/place.ts";
import { httpEnrol } from "./enrol.ts";
import { codeOf } from "./failure.ts";
import { type HealthServer, serveHealth } from "./http.ts";
import { Identity } from "./identity.ts";
import type { Configuration, Item, Problem } from "./item.ts";
import { Lag } from "./lag.ts";
import { createLog, errorFields, type Log } from "./log.ts";
import type { Leadership } from "./lease.ts";
import { ClusterEvidence } from "./evidence/evidence.ts";
import { Looks, type LooksParts, ownerOf } from "./looks.ts";
import { Metrics } from "./metrics.ts";
import { Outbox } from "./outbox.ts";
import { Refusal } from "./refusal.ts";
import { Schedule } from "./schedule.ts";
import { SecretWatch } from "./secret-watch.ts";
import { Scrubber } from "./scrub.ts";
import { type Dial, type LinkState, Sessions } from "./sessions.ts";
import { type FollowedIntegrations, followIntegrations } from "./sources/crd.ts";
import { followFile, markOf } from "./sources/file.ts";
import { mergeSources } from "./sources/merge.ts";
import { bounded, changedData, Standing } from "./standing.ts";
import {
  addressOf,
  type ConnectorSettings,
  listenTrouble,
  NOTHING_CONFIGURED,
  StartError,
  timeScaleOf,
} from "./start.ts";
import type { StateStore } from "./state.ts";
import { folderState } from "./state-dir.ts";
import { secretNameOf } from "./state-secret.ts";
import type { Change } from "./status.ts";
import { Telling } from "./telling.ts";
import { webSocketDial } from "./transport.ts";

/** A connector that runs. */
export interface RunningConnector {
  /** Where health and metrics are served. */
  readonly address: { readonly host: string; readonly port: number };
  readonly link: () => LinkState;
  /** Resolves where it ends by itself: another replica leads now, or it could not begin when it was its turn. */
  readonly ended: Promise<Ended>;
  /** Stops looking, sends what waits, says goodbye, and ends. Takes some seconds at most. */
  drain(reason?: Bye["reason"]): Promise<void>;
  /** The same without time for what waits. */
  close(): Promise<void>;
}

/** Why a connector ended by itself. */
export interface Ended {
  /** What kept it from beginning; absent where it only leads no more. */
  readonly trouble?: StartError;
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
  const begin = async (): Promise<void> => {
    if (address !== undefined) await connector.connectTo(address);
  };
  if (settings.lease === undefined) await begin();
  await connector.serve();
  if (settings.lease === undefined) connector.begin(configuration, seen);
  else connector.standBy(settings.lease, () => begin().then(() => connector.begin(configuration, seen)));
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
  readonly #secrets: SecretWatch;
  readonly #looks: Looks;
  readonly #schedule: Schedule<Item>;
  readonly #commands: Commands;
  readonly #over = new AbortController();
  readonly #background: Promise<void>[] = [];
  readonly #ended = Promise.withResolvers<Ended>();
  readonly ended = this.#ended.promise;
  #instance: Hello["instance"];
  #cluster: Cluster | undefined;
  #leadership: Leadership | undefined;
  /** Whether it works: with a Lease, only while it holds it. */
  #leads = true;
  #sessions: Sessions | undefined;
  #health: HealthServer | undefined;
  #network: Network;
  /** What is looked at: the file's integrations, and those of resources. */
  #configuration: Configuration = NOTHING_CONFIGURED;
  #file: Configuration = NOTHING_CONFIGURED;
  #resources: readonly Item[] = [];
  #crd: { readonly source: FollowedIntegrations; readonly cluster: Cluster } | undefined;
  #configInvalid: string | null = null;
  #link: LinkState = { state: "over" };
  #wasReady = false;
  #tellsSecrets = false;
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
    this.#secrets = this.#makeSecrets();
    this.#looks = this.#makeLooks();
    this.#schedule = new Schedule({
      clock,
      random: Math.random,
      look: (item, signal) => this.#looks.scheduled(item, signal),
      prepare: (item, signal) => this.#secrets.ready(item, signal),
      onBegin: (lateMs) => this.#metrics.began(lateMs),
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
    const { ca, environment, joinTokenFile, serviceAccountTokenFile } = this.#settings;
    const transport = { address, trust: this.#network.trust, caFile: ca, environment };
    const identity = new Identity({
      state: this.#state(),
      joinTokenFile,
      serviceAccountTokenFile,
      audience: address.origin,
      enrol: httpEnrol(transport, { serviceAccountTokenFile }),
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

  #state(): StateStore {
    const { stateDir = "" } = this.#settings;
    const name = secretNameOf(stateDir);
    if (name === undefined) return folderState(stateDir);
    return this.#inCluster().state(name, this.#over.signal);
  }

  #inCluster(): Cluster {
    this.#cluster ??= new Cluster(this.#settings.environment, this.#clock);
    return this.#cluster;
  }

  /** Waits for its turn to lead, then begins; where it leads no more, it ends. */
  standBy(lease: string, begin: () => Promise<void>): void {
    this.#leads = false;
    const holder = this.#instance.podName ?? this.#instance.id;
    this.#leadership = this.#inCluster().leadership(lease, `${holder}_${this.#instance.id}`, (says) =>
      this.#log.warn(says),
    );
    this.#log.info(`This replica stands by: it works once it holds the Lease ${lease}.`);
    this.#background.push(this.#lead(this.#leadership, begin));
  }

  async #lead(leadership: Leadership, begin: () => Promise<void>): Promise<void> {
    const { signal } = this.#over;
    const term = await leadership.acquire(signal);
    if (term === undefined) return;
    this.#leads = true;
    this.#instance = { ...this.#instance, leaseUid: term.uid, leaseTransitions: term.transitions };
    this.#log.info("This replica leads now.", { transitions: term.transitions });
    try {
      await begin();
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      return this.#give({ trouble: error });
    }
    if ((await leadership.keep(signal)) === "over") return;
    this.#log.warn("This replica could not keep the Lease in time: it leads no more, and ends.");
    this.#give({});
  }

  /** Ends by itself. Not awaited by what runs in the background: the end waits for that. */
  #give(ended: Ended): void {
    void this.drain("leader-lost").then(() => this.#ended.resolve(ended));
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
      onSecrets: (digest) => this.#secretsAre(digest),
      onCancel: (commandId) => this.#commands.cancel(commandId),
      dial,
      credential: (offsetMs, signal) => identity.credential(offsetMs, signal),
      hasNewToken: () => identity.hasNewToken(),
      onKeyRefused: () => identity.mustEnrol(),
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
    this.#file = configuration;
    this.#apply(configuration);
    this.#metrics.reloaded("file", true, this.#clock.now());
    this.#background.push(this.#lag.run(this.#over.signal));
    if (file !== undefined) {
      const source = { file, load, clock: this.#clock, seen };
      const onConfiguration = (next: Configuration): void => this.#fileRead(next);
      const onProblems = (problems: readonly Problem[]): void => this.#judge(problems);
      this.#background.push(followFile({ ...source, onConfiguration, onProblems }, this.#over.signal));
    }
    this.#background.push(this.#startSessions(this.#followResources()));
  }

  /** The first snapshot has the integrations of resources too: else they would be gone, and there again. */
  async #startSessions(listed: Promise<void>): Promise<void> {
    await Promise.race([listed, this.#clock.sleep(LIST_MS, this.#over.signal)]);
    this.#sessions?.start(this.#settings.firstSpreadMs);
  }

  /** Resolves once the Integration resources are known, where they are wanted. */
  #followResources(): Promise<void> {
    const { crdNamespaces: namespaces, judgeResource, environment } = this.#settings;
    if (namespaces === undefined || judgeResource === undefined) return Promise.resolve();
    // Connections of its own: what is written to statuses must not hold up the Lease.
    const cluster = new Cluster(environment, this.#clock);
    const source = followIntegrations({
      api: cluster.api,
      namespaces,
      clock: this.#clock,
      random: Math.random,
      instance: this.#instance.podName ?? this.#instance.id,
      judge: (resource) => judgeResource(resource, this.#file),
      onItems: (items) => {
        this.#resources = items;
        this.#metrics.reloaded("crd", undefined, this.#clock.now());
        this.#reload();
      },
      onProblem: (problem) => this.#telling.resourceProblem(problem),
      onUnknown: (error) =>
        this.#log.error("Integration resources failed in a way that Mooring does not know.", {
          error: errorFields(error),
        }),
      signal: this.#over.signal,
    });
    this.#crd = { source, cluster };
    return source.listed;
  }

  drain(reason?: Bye["reason"]): Promise<void> {
    this.#draining ??= this.#end(reason ?? this.#usualReason());
    return this.#draining;
  }

  close(): Promise<void> {
    return this.drain("shutdown");
  }

  async #end(reason: Bye["reason"]): Promise<void> {
    this.#over.abort();
    await Promise.all([this.#schedule.close(), this.#commands.close(), this.#secrets.close()]);
    const expectedReturnMs = reason === "shutdown" ? null : RETURN_MS * this.#factor;
    await this.#sessions?.drain({ reason, expectedReturnMs });
    await Promise.all(this.#background);
    await this.#crd?.source.ended;
    await this.#crd?.cluster.close();
    await this.#leadership?.release(AbortSignal.timeout(RELEASE_MS));
    await Promise.all([this.#health?.close(), this.#cluster?.close()]);
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
      secrets: () => this.#secrets.counts(),
      leads: () => this.#leads,
      resources: () => this.#crd?.source.counts(),
      lagSeconds: () => this.#lag.take("metrics") / 1000,
    });
  }

  #makeLooks(): Looks {
    return new Looks({
      clock: this.#clock,
      network: () => this.#network,
      standing: this.#standing,
      metrics: this.#metrics,
      secrets: this.#secrets,
      log: this.#log,
      diagnose: this.#diagnosis(),
      onLooked: (item) => this.#tellResource(item),
      onChange: (item, change) => this.#tell(item, change),
    });
  }

  /** In a cluster, what it knows of the Services that are checked. */
  #diagnosis(): LooksParts["diagnose"] {
    const { environment } = this.#settings;
    if (environment["KUBERNETES_SERVICE_HOST"] === undefined) return undefined;
    if (environment["MOORING_DIAGNOSTICS"] === "false") return undefined;
    const { api, namespace } = this.#inCluster();
    const evidence = new ClusterEvidence({ api, namespace, clock: this.#clock });
    return (item, report, signal) => evidence.add(item, report, signal);
  }

  #makeSecrets(): SecretWatch {
    return new SecretWatch({
      clock: this.#clock,
      random: Math.random,
      onValues: (item, values) => this.#scrubber.learn(ownerOf(item), values),
      onRead: (read) => this.#metrics.secretRead(read),
      onChange: (items, all) => {
        for (const item of items) this.#telling.secretChanged(item);
        if (!this.#tellsSecrets) return;
        this.#metrics.told("secrets.changed");
        this.#outbox.tellSecrets(items, all);
        this.#sessions?.kick();
      },
      lookSoon: (name) => this.#schedule.soon(name),
      onUnknown: (error, store) =>
        this.#log.warn(`The store ${store} failed in a way that Mooring does not know.`, {
          error: errorFields(error),
        }),
    });
  }

  /** The control plane stores secrets, and what it has of them; null where it knows none. */
  #secretsAre(digest: string | null): void {
    this.#tellsSecrets = digest !== null;
    if (digest === null || digest === this.#secrets.digest()) return;
    const items = this.#secrets.all();
    this.#outbox.tellSecrets(
      items,
      items.map(({ id }) => id),
    );
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
      look: (name, asked, how) =>
        this.#schedule.ask(name, async (item, signal) => {
          const report = await this.#looks.asked(item, asked, { ...how, signal });
          if (asked === "refresh") this.#schedule.note(name, report.state !== "error");
          return bounded(report);
        }),
      lookUnsaved: async (item, how) => bounded(await this.#looks.asked(item, "test", how)),
      judgeUnsaved: (item) => this.#settings.judgeRemote(item, this.#configuration),
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
    this.#secrets.replace(items);
    this.#schedule.replace(items);
    return isNew;
  }

  #fileRead(configuration: Configuration): void {
    this.#file = configuration;
    this.#metrics.reloaded("file", true, this.#clock.now());
    this.#crd?.source.rejudge();
    this.#reload();
  }

  /** Takes what the file and the resources have now. A name of the file's is never a resource's: that has a dot. */
  #reload(): void {
    const { items } = mergeSources({ file: this.#file.items, crd: this.#resources, remote: [] });
    if (this.#over.signal.aborted || !this.#apply({ ...this.#file, items })) return;
    this.#telling.reloaded(items.length);
    if (this.#sessions === undefined) return;
    this.#outbox.tellSnapshot();
    this.#sessions.kick();
  }

  #judge([first, ...more]: readonly Problem[]): void {
    const now = this.#clock.now();
    this.#configInvalid = first === undefined ? null : this.#telling.refused([first, ...more], now);
  }

  /** What stands for a resource's integration, for its own status. */
  #tellResource(item: Item): void {
    if (item.source !== "crd") return;
    const status = this.#standing.get(item.name)?.status;
    if (status === undefined || status.told === null || status.checkedAt === null) return;
    this.#crd?.source.tell(item, status.told, status.checkedAt);
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
      capabilities: [SECRETS_CAPABILITY],
      instance: this.#instance,
      install: this.#settings.install ?? null,
      stateDigest: this.#outbox.owesStatus ? null : this.#digest(),
      config: NO_CONFIG,
    };
  }

  #vitals(): Pick<Heartbeat, "lagMs" | "config" | "checks" | "configInvalid" | "samples" | "reads"> {
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
    // A replica that stands by is as ready as it can be.
    const needsNone = readiness === "never" || !this.#leads || this.#sessions === undefined;
    return {
      configuration: true,
      controlPlane: needsNone || connected,
      running: !this.#over.signal.aborted,
    };
  }
}

const RELEASE_MS = 2_000;
/** The first session waits so long for the list of resources. */
const LIST_MS = 10_000;

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
