import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Report } from "../protocol/report.ts";
import { STATES } from "../protocol/stages.ts";
import type { Item } from "./item.ts";
import { processMetrics } from "./process-metrics.ts";
import type { Stand } from "./standing.ts";
import { resourceMetrics } from "./resource-metrics.ts";
import type { IntegrationsCounts } from "./sources/crd.ts";
import { type Look, type MakeGauge, MOST_INTEGRATIONS, OTHER, standingGauges } from "./standing-gauges.ts";

/** What is read at the moment of a scrape. */
export interface MetricsParts {
  readonly version: string;
  readonly stands: () => Iterable<Stand>;
  readonly outbox: () => { readonly events: number; readonly coalesced: number; readonly dropped: number };
  readonly isConnected: () => boolean;
  /** Integration resources, where they are followed. */
  readonly resources: () => IntegrationsCounts | undefined;
  /** Whether this replica works. */
  readonly leads: () => boolean;
  readonly secrets: () => Iterable<{
    readonly store: string;
    readonly state: string;
    readonly count: number;
  }>;
  /** Seconds, the worst since the last scrape. */
  readonly lagSeconds: () => number;
}

export type MakeCounter = <L extends string>(name: string, help: string, labels?: readonly L[]) => Counter<L>;
type MakeHistogram = <L extends string>(name: string, help: string, labels?: readonly L[]) => Histogram<L>;
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What makes the metrics of one registry, each name with our prefix. */
function makers(registry: Registry): {
  readonly counter: MakeCounter;
  readonly gauge: MakeGauge;
  readonly seconds: MakeHistogram;
} {
  const about = <L extends string>(name: string, help: string, labels: readonly L[] = []) => ({
    name: `mooring_${name}`,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    counter: (...wish) => new Counter(about(...wish)),
    gauge: (...wish) => new Gauge(about(...wish)),
    seconds: (...wish) => new Histogram({ ...about(...wish), buckets: BUCKETS }),
  };
}

/** Everything under `/metrics`. State is read from what stands when it is scraped: no series outlives its integration. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #parts: MetricsParts;
  readonly #looks = new Map<string, Look>();
  readonly #make = makers(this.#registry);
  readonly #attempts = this.#make.counter(
    "control_plane_connect_attempts_total",
    "Attempts to open a session, by how they ended: ready or the word of the refusal.",
    ["result"],
  );
  readonly #disconnects = this.#make.counter(
    "control_plane_disconnects_total",
    "Sessions that ended, by why.",
    ["reason"],
  );
  readonly #lastHeartbeat = this.#make.gauge(
    "control_plane_last_heartbeat_timestamp_seconds",
    "When the control plane last answered a heartbeat.",
  );
  readonly #rtt = this.#make.seconds(
    "control_plane_heartbeat_rtt_seconds",
    "How long the control plane took to answer a heartbeat.",
  );
  readonly #strange = this.#make.counter(
    "control_plane_frames_ignored_total",
    "Frames of the control plane that were none, or had no place.",
  );
  readonly #events = this.#make.counter(
    "status_events_total",
    "Events that were put into the outbox, by type.",
    ["type"],
  );
  readonly #probeSeconds = this.#make.seconds(
    "probe_duration_seconds",
    "How long a look at an integration took, by type.",
    ["type"],
  );
  readonly #lateness = this.#make.seconds(
    "probe_lateness_seconds",
    "How much later than planned a look of the schedule began.",
  );
  readonly #probes = this.#make.counter(
    "probes_total",
    "Looks at an integration, by the state that they found.",
    ["integration", "result"],
  );
  readonly #failures = this.#make.counter("probe_failures_total", "Looks that failed, by type and reason.", [
    "type",
    "reason",
  ]);
  readonly #secretReads = this.#make.counter(
    "secret_reads_total",
    "Times that a store was asked for a secret, by how it ended: ok or the reason.",
    ["store", "result"],
  );
  readonly #reloadSuccess = this.#make.gauge(
    "config_last_reload_success",
    "1 while the last reload of the configuration was good, 0 while the last good set stands instead.",
  );
  readonly #reloadAt = this.#make.gauge(
    "config_last_reload_timestamp_seconds",
    "When the configuration was last read and found good.",
    ["source"],
  );
  readonly #apiRequests = this.#make.counter(
    "kubernetes_api_requests_total",
    "Requests to the Kubernetes API for state, Lease, resources and diagnoses, by the status of the answer; none: there was no answer.",
    ["verb", "resource", "code"],
  );
  readonly #fill: () => void;
  #rejected = 0;

  constructor(parts: MetricsParts) {
    this.#parts = parts;
    this.#fill = this.#filler();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    this.#fill();
    return this.#registry.metrics();
  }

  /** A look ended, whoever asked for it. `at` is epoch milliseconds. */
  looked(item: Item, report: Report, { at, ms }: { readonly at: number; readonly ms: number }): void {
    const type = item.type.type;
    this.#probeSeconds.observe({ type }, ms / 1000);
    this.#looks.set(item.name, { ...this.#looks.get(item.name), at, ms });
    this.#probes.inc({ integration: this.#labelOf(item.name), result: report.state });
    if (report.state === "error") this.#failures.inc({ type, reason: report.reason ?? "unknown" });
  }

  /** A store was asked for a secret of these integrations. `result`: ok or the reason. */
  secretRead(read: { store: string; result: string; users: readonly string[]; at: number }): void {
    const { store, result, users, at } = read;
    this.#secretReads.inc({ store, result });
    if (result !== "ok") return;
    for (const name of users)
      this.#looks.set(name, { at: 0, ms: 0, ...this.#looks.get(name), secretReadAt: at });
  }

  /** A look of the schedule began so late, milliseconds. */
  began(lateMs: number): void {
    this.#lateness.observe(lateMs / 1000);
  }

  /** Forgets what was counted of integrations that are gone. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#looks.keys()) {
      if (names.has(name)) continue;
      this.#looks.delete(name);
      for (const result of STATES) this.#probes.remove({ integration: name, result });
    }
  }

  attempted(result: string): void {
    this.#attempts.inc({ result });
  }

  disconnected(reason: string): void {
    this.#disconnects.inc({ reason });
  }

  answered(rttMs: number, at: number): void {
    this.#rtt.observe(rttMs / 1000);
    this.#lastHeartbeat.set(at / 1000);
  }

  /** The control plane could not take one of our events. */
  rejected(): void {
    this.#rejected += 1;
  }

  /** `status` 0: there was no answer. */
  askedCluster(call: { readonly verb: string; readonly resource: string; readonly status: number }): void {
    const { verb, resource, status } = call;
    this.#apiRequests.inc({ verb, resource, code: status === 0 ? "none" : String(status) });
  }

  strange(): void {
    this.#strange.inc();
  }

  told(type: string): void {
    this.#events.inc({ type });
  }

  /** `isGood` undefined: a source whose parts are judged one by one. */
  reloaded(source: string, isGood: boolean | undefined, at: number): void {
    if (isGood !== undefined) this.#reloadSuccess.set(isGood ? 1 : 0);
    if (isGood !== false) this.#reloadAt.set({ source }, at / 1000);
  }

  #labelOf(name: string): string {
    return this.#looks.size <= MOST_INTEGRATIONS ? name : OTHER;
  }

  /** What is read when somebody looks. */
  #filler(): () => void {
    const { gauge, counter } = this.#make;
    const { version, outbox, isConnected, lagSeconds, secrets, leads } = this.#parts;
    const info = gauge("build_info", "The program's version.", ["version"]);
    info.set({ version }, 1);
    const connected = gauge("control_plane_connected", "1 while a session with the control plane is ready.");
    const queued = gauge("status_events_queued", "Events that wait to be stored by the control plane.");
    const leading = gauge(
      "leader",
      "1 while this replica works, 0 while it stands by for the one that does.",
    );
    const held = gauge("secrets", "Secrets that integrations need, by store and state.", ["store", "state"]);
    const lag = gauge(
      "event_loop_lag_seconds",
      "How late the event loop was at worst since the last scrape.",
    );
    const merged = counter("status_events_coalesced_total", "Changes that were merged into later ones.");
    const dropped = counter("status_events_dropped_total", "Events that were given up, by why.", ["reason"]);
    const ofResources = resourceMetrics({ gauge, counter }, this.#parts.resources);
    const ofProcess = processMetrics([this.#registry]);
    const standing = standingGauges(gauge, this.#parts.stands, (name) => this.#looks.get(name));
    return () => {
      const { events, coalesced, dropped: overflowed } = outbox();
      connected.set(isConnected() ? 1 : 0);
      queued.set(events);
      leading.set(leads() ? 1 : 0);
      held.reset();
      for (const { store, state, count } of secrets()) held.set({ store, state }, count);
      lag.set(lagSeconds());
      merged.reset();
      merged.inc(coalesced);
      dropped.reset();
      dropped.inc({ reason: "overflow" }, overflowed);
      dropped.inc({ reason: "rejected" }, this.#rejected);
      standing();
      ofResources();
      ofProcess();
    };
  }
}
