import type { Item } from "../../../src/connector/item.ts";
import type { Report } from "../../../src/protocol/report.ts";
import { tcpItem } from "../../connector/session/harness.ts";
import type { Timeline } from "./timeline.ts";

type Found = Pick<Report, "state" | "condition" | "stage" | "reason">;

/** How a target can be: works, fails at the network in two ways that differ by their reason alone, and so on. */
const FOUND: readonly Found[] = [
  { state: "online", condition: null, stage: null, reason: null },
  { state: "error", condition: "integration_unreachable", stage: "connect", reason: "connection_refused" },
  { state: "error", condition: "integration_unreachable", stage: "connect", reason: "connect_timeout" },
  { state: "error", condition: "secret_invalid", stage: "authenticate", reason: "credentials_rejected" },
  { state: "warning", condition: null, stage: null, reason: "certificate_expiring" },
];

/** What the connectors look at: targets that change at random, until the trouble is over. */
export class Targets {
  readonly #timeline: Timeline;
  readonly #found = new Map<string, Found>();
  #looks = 0;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  now(target: string): Found {
    const known = this.#found.get(target);
    if (known !== undefined) return known;
    this.change(target);
    return this.now(target);
  }

  change(target: string): void {
    this.#found.set(target, this.#timeline.pick(FOUND) as Found);
  }

  /** A report of it. Its message names the pod and the look, so that a transition says where it comes from. */
  report(target: string, item: Item, pod: string): Report {
    this.#looks += 1;
    return {
      name: item.name,
      type: item.type.type,
      ...this.now(target),
      message: `${pod} look ${this.#looks}`,
      cause: null,
      remedy: [],
      coverage: [],
      address: "127.0.0.1:1",
      blockedBy: null,
      findings: [],
      path: ["resolve", "connect"],
      stages: [{ stage: "connect", ok: true, ms: 1 }],
    };
  }
}

/** The configuration of one connector: so many integrations, looked at every so often. */
export function items(count: number, intervalMs: number, from = 0): Item[] {
  return Array.from({ length: count }, (_, index) => {
    const place = from + index;
    return tcpItem(`i${place}`, place + 1, { intervalMs, failureThreshold: 1 + (place % 2) });
  });
}
