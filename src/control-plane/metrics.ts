import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { STATES } from "../protocol/stages.ts";
import type { Commands } from "./commands.ts";
import type { Hub } from "./hub.ts";
import type { Liveness } from "./liveness.ts";
import type { Breach, SessionCounters } from "./session-place.ts";
import { CONNECTOR_STATES } from "./store/rows.ts";
import { type Reads, SILENT } from "./store/store.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** What is measured as it happens, and read when it is asked for. One registry a control plane. */
export class Metrics implements SessionCounters {
  readonly registry = new Registry();
  readonly #ack = this.#histogram(
    "ack_seconds",
    "From the receipt of an event to its ack, after the commit.",
  );
  readonly #commit = this.#histogram("store_commit_seconds", "How long a commit took.");
  readonly #rejected = this.#counter(
    "admission_rejected_total",
    "Upgrades refused because of too many at once.",
    [],
  );
  readonly #ignored = this.#counter("frames_ignored_total", "Unknown types and attributes of newer peers.", [
    "what",
  ]);
  readonly #refused = this.#counter("frames_refused_total", "Frames that broke the protocol, by how.", [
    "what",
  ]);

  ackSeconds(seconds: number): void {
    this.#ack.observe(seconds);
  }
  commitMs(ms: number): void {
    this.#commit.observe(ms / 1000);
  }
  admissionRejected(): void {
    this.#rejected.inc();
  }
  ignored(what: "type" | "attribute"): void {
    this.#ignored.inc({ what });
  }
  refused(what: Breach): void {
    this.#refused.inc({ what });
  }

  /** Adds what is read when it is asked for. */
  watch(place: { hub: Hub; liveness: Liveness; commands: Commands; reads: Reads }): void {
    this.#gauge("sessions", "Sessions that are ready.", () => place.hub.size);
    this.#gauge("verdicts_held", "Verdicts that are due and held.", () => place.liveness.guard.held);
    this.#gauge(
      "command_age_seconds",
      "Age of the oldest command that is not ended.",
      () => place.commands.oldestMs() / 1000,
    );
    this.#states("connectors", "Connectors by state.", async () => {
      const counts = place.liveness.counts();
      return CONNECTOR_STATES.map((state) => [state, counts.get(state) ?? 0] as const);
    });
    this.#states("integrations", "Integrations by state, as they are shown.", () => integrationCounts(place));
  }

  #histogram(name: string, help: string): Histogram {
    return new Histogram({
      name: `mooring_control_plane_${name}`,
      help,
      buckets: SECONDS,
      registers: [this.registry],
    });
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({
      name: `mooring_control_plane_${name}`,
      help,
      labelNames,
      registers: [this.registry],
    });
  }

  #gauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({
      name: `mooring_control_plane_${name}`,
      help,
      registers: [this.registry],
      collect: () => gauge.set(read()),
    });
  }

  #states(name: string, help: string, read: () => Promise<readonly (readonly [string, number])[]>): void {
    const gauge: Gauge = new Gauge({
      name: `mooring_control_plane_${name}`,
      help,
      labelNames: ["state"],
      registers: [this.registry],
      collect: async () => {
        for (const [state, count] of await read()) gauge.set({ state }, count);
      },
    });
  }
}

async function integrationCounts(place: {
  liveness: Liveness;
  reads: Reads;
}): Promise<readonly (readonly [string, number])[]> {
  const counts = new Map<string, number>(STATES.map((state) => [state, 0]));
  for (const { connectorId, state, count } of await place.reads.countIntegrations()) {
    const isSilent = SILENT.includes(place.liveness.state(connectorId) ?? "never_connected");
    const shown = isSilent ? "unknown" : state;
    counts.set(shown, (counts.get(shown) ?? 0) + count);
  }
  return [...counts];
}
