import { randomUUID } from "node:crypto";
import { scaled, TIMINGS } from "../protocol/limits.ts";
import type { Bye, Instance } from "../protocol/session-frames.ts";
import { caTrouble } from "./ca-trouble.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Cluster } from "./cluster.ts";
import { httpEnrol } from "./enrol.ts";
import { ClusterEvidence } from "./evidence/evidence.ts";
import { codeOf } from "./failure.ts";
import { type HealthServer, serveHealth } from "./http.ts";
import { Identity } from "./identity.ts";
import type { Configuration, Item, Problem } from "./item.ts";
import { createLog, errorFields, type Log } from "./log.ts";
import type { LooksParts } from "./looks.ts";
import { newId } from "./new-id.ts";
import { Refusal } from "./refusal.ts";
import { type Ended, Replica } from "./replica.ts";
import { Scrubber } from "./scrub.ts";
import { type Dial, type LinkState, Sessions } from "./sessions.ts";
import { type FollowedIntegrations, followIntegrations } from "./sources/crd.ts";
import { followFile, markOf } from "./sources/file.ts";
import { mergeSources } from "./sources/merge.ts";
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
import { webSocketDial } from "./transport.ts";
import { JOIN_TOKEN, Work } from "./work.ts";

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

/** A process that ends for another one comes back within this time. */
const RETURN_MS = 60_000;

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
  readonly #work: Work;
  readonly #over = new AbortController();
  readonly #background: Promise<void>[] = [];
  readonly #ended = Promise.withResolvers<Ended>();
  readonly ended = this.#ended.promise;
  #instance: Instance;
  #cluster: Cluster | undefined;
  #looking: Cluster | undefined;
  #replica: Replica | undefined;
  #sessions: Sessions | undefined;
  #health: HealthServer | undefined;
  /** The integrations of the file, and those of resources. */
  #file: Configuration = NOTHING_CONFIGURED;
  #resources: readonly Item[] = [];
  #crd: { readonly source: FollowedIntegrations; readonly cluster: Cluster } | undefined;
  #link: LinkState = { state: "over" };
  #wasReady = false;
  #draining: Promise<void> | undefined;

  constructor(settings: ConnectorSettings, factor: number) {
    this.#settings = settings;
    this.#factor = factor;
    const { level = "info", write } = settings.log ?? {};
    this.#log = createLog({ level, version: settings.version, scrubber: this.#scrubber, write });
    this.#instance = settings.instance ?? ownInstance();
    this.#work = this.#makeWork();
  }

  get address(): { readonly host: string; readonly port: number } {
    return this.#health?.address ?? this.#settings.listen;
  }

  link = (): LinkState => this.#link;

  /** Whether it works: with a Lease, only while it holds it. */
  get #leads(): boolean {
    return this.#replica?.leads ?? true;
  }

  /** Makes ready to connect. Rejects with a StartError where it is plain now that it cannot. */
  async connectTo(address: Exclude<ReturnType<typeof addressOf>, undefined>): Promise<void> {
    const { ca, environment, joinTokenFile, serviceAccountTokenFile } = this.#settings;
    const transport = { address, trust: this.#work.network.trust, caFile: ca, environment };
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
      await this.#work.network.trust(ca).catch((error: unknown) => {
        throw new StartError(caTrouble(ca, error), [], error);
      });
    await identity.prepare().catch((error: unknown) => {
      throw error instanceof Refusal ? new StartError(error.message, [], error) : error;
    });
    this.#sessions = this.#makeSessions(identity, webSocketDial(transport));
  }

  /** The API server was asked. */
  #asked = (call: Parameters<Work["metrics"]["askedCluster"]>[0]): void =>
    this.#work.metrics.askedCluster(call);

  #state(): StateStore {
    const { stateDir = "" } = this.#settings;
    const name = secretNameOf(stateDir);
    if (name === undefined) return folderState(stateDir);
    return this.#inCluster().state(name, this.#over.signal);
  }

  #inCluster(): Cluster {
    this.#cluster ??= new Cluster(this.#settings.environment, this.#clock, this.#asked);
    return this.#cluster;
  }

  /** Waits for its turn to lead, then begins; where it leads no more, it ends. */
  standBy(lease: string, begin: () => Promise<void>): void {
    const { podName, id } = this.#instance;
    const leadership = this.#inCluster().leadership(lease, `${podName ?? id}_${id}`, (says) =>
      this.#log.warn(says),
    );
    this.#replica = new Replica({
      leadership,
      log: this.#log,
      begin: async ({ uid, transitions }) => {
        this.#instance = { ...this.#instance, leaseUid: uid, leaseTransitions: transitions };
        await begin();
      },
      // Not awaited by what runs in the background: the end waits for that.
      onEnd: (ended) => void this.drain("leader-lost").then(() => this.#ended.resolve(ended)),
    });
    this.#log.info(`This replica stands by: it works once it holds the Lease ${lease}.`);
    this.#background.push(this.#replica.run(this.#over.signal));
  }

  #makeSessions(identity: Identity, dial: Dial): Sessions {
    return new Sessions({
      clock: this.#clock,
      random: Math.random,
      newId,
      factor: this.#factor,
      timings: scaled(TIMINGS, this.#factor),
      outbox: this.#work.outbox,
      hello: () => this.#work.hello(this.#instance),
      vitals: () => this.#work.vitals(),
      onCommand: (dispatch) => this.#work.commands.dispatch(dispatch),
      onSecrets: (digest) => this.#work.secretsAre(digest),
      onCancel: (commandId) => this.#work.commands.cancel(commandId),
      dial,
      credential: (offsetMs, signal) => identity.credential(offsetMs, signal),
      hasNewToken: () => identity.hasNewToken(),
      onKeyRefused: () => identity.mustEnrol(),
      onState: (state) => this.#linked(state),
      onNotice: (notice) => this.#work.telling.noticed(notice, this.#clock.now()),
      onEnd: (end) => this.#work.telling.ended(end),
    });
  }

  /** Opens the listener for health and metrics. Rejects with a StartError. */
  async serve(): Promise<void> {
    const { listen } = this.#settings;
    try {
      this.#health = await serveHealth(listen, {
        alive: () => this.#work.alive(),
        ready: () => this.#ready(),
        metrics: async () => ({
          contentType: this.#work.metrics.contentType,
          text: await this.#work.metrics.text(),
        }),
      });
    } catch (error) {
      throw new StartError(listenTrouble(listen, codeOf(error) ?? "unknown"), [], error);
    }
  }

  begin(configuration: Configuration, seen: string): void {
    if (this.#over.signal.aborted) return;
    const { file, load, version } = this.#settings;
    this.#log.info(`Connector ${version} has started.`, { integrations: configuration.items.length });
    this.#file = configuration;
    this.#work.begin(configuration);
    this.#work.metrics.reloaded("file", true, this.#clock.now());
    this.#background.push(this.#work.watchLag(this.#over.signal));
    if (file !== undefined) {
      const source = { file, load, clock: this.#clock, seen };
      const onConfiguration = (next: Configuration): void => this.#fileRead(next);
      const onProblems = (problems: readonly Problem[]): void => this.#work.judge(problems);
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
    const cluster = new Cluster(environment, this.#clock, this.#asked);
    const source = followIntegrations({
      api: cluster.api,
      namespaces,
      clock: this.#clock,
      random: Math.random,
      instance: this.#instance.podName ?? this.#instance.id,
      judge: (resource) => judgeResource(resource, this.#file),
      onItems: (items) => {
        this.#resources = items;
        this.#work.metrics.reloaded("crd", undefined, this.#clock.now());
        this.#reload();
      },
      onProblem: (problem) => this.#work.telling.resourceProblem(problem),
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
    await this.#work.close();
    const expectedReturnMs = reason === "shutdown" ? null : RETURN_MS * this.#factor;
    await this.#sessions?.drain({ reason, expectedReturnMs });
    await Promise.all(this.#background);
    await this.#crd?.source.ended;
    await this.#crd?.cluster.close();
    await this.#replica?.release();
    await Promise.all([this.#health?.close(), this.#cluster?.close(), this.#looking?.close()]);
    this.#log.info("Connector has ended.", { reason });
  }

  /** A pod that is told to end comes back as another one, as a rule; a process does not. */
  #usualReason(): "restart" | "shutdown" {
    const kind = this.#settings.install?.kind ?? "process";
    return kind === "process" ? "shutdown" : "restart";
  }

  #makeWork(): Work {
    return new Work({
      settings: this.#settings,
      clock: this.#clock,
      factor: this.#factor,
      log: this.#log,
      scrubber: this.#scrubber,
      gauges: {
        isConnected: () => this.#link.state === "ready",
        leads: () => this.#leads,
        resources: () => this.#crd?.source.counts(),
      },
      diagnose: this.#diagnosis(),
      onLooked: (item) => this.#tellResource(item),
      tells: () => this.#sessions !== undefined,
      onWaiting: () => this.#sessions?.kick(),
    });
  }

  /** In a cluster, what it knows of the Services that are checked. */
  #diagnosis(): LooksParts["diagnose"] {
    const { environment } = this.#settings;
    if (environment["KUBERNETES_SERVICE_HOST"] === undefined) return undefined;
    if (environment["MOORING_DIAGNOSTICS"] === "false") return undefined;
    // Connections of its own, and pauses that the API server asks for: a diagnosis must not hold up the Lease.
    this.#looking = new Cluster(environment, this.#clock, this.#asked);
    const { api, namespace } = this.#looking;
    const evidence = new ClusterEvidence({ api, namespace, clock: this.#clock });
    return (item, report, signal) => evidence.add(item, report, signal);
  }

  #fileRead(configuration: Configuration): void {
    this.#file = configuration;
    this.#work.metrics.reloaded("file", true, this.#clock.now());
    this.#crd?.source.rejudge();
    this.#reload();
  }

  /** Takes what the file and the resources have now. A name of the file's is never a resource's: that has a dot. */
  #reload(): void {
    if (this.#over.signal.aborted) return;
    const { items } = mergeSources({ file: this.#file.items, crd: this.#resources, remote: [] });
    this.#work.change({ ...this.#file, items });
  }

  /** What stands for a resource's integration, for its own status. */
  #tellResource(item: Item): void {
    const stands = item.source === "crd" ? this.#work.standsFor(item.name) : undefined;
    if (stands !== undefined) this.#crd?.source.tell(item, stands.report, stands.checkedAt);
  }

  #linked(state: LinkState): void {
    this.#link = state;
    if (state.state === "ready") this.#wasReady = true;
    this.#work.telling.linked(state);
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

/** The first session waits so long for the list of resources. */
const LIST_MS = 10_000;

function ownInstance(): Instance {
  return { id: randomUUID(), podUid: null, podName: null, leaseUid: null, leaseTransitions: null };
}
