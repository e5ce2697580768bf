import { LIMITS } from "../protocol/limits.ts";
import type { Report } from "../protocol/report.ts";
import type { Sample } from "../protocol/session-frames.ts";
import { type Check, check } from "./check.ts";
import type { Clock } from "./clock.ts";
import type { Asked, OnStage } from "./commands.ts";
import type { Network } from "./dial/network.ts";
import type { Item } from "./item.ts";
import { errorFields, type Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { REJECTED, RejectedLogins } from "./rejected-login.ts";
import { createMarks, type SecretWatch } from "./secret-watch.ts";
import type { Standing } from "./standing.ts";
import type { Change } from "./status.ts";

export interface LooksParts {
  readonly clock: Clock;
  readonly network: () => Network;
  readonly standing: Standing;
  readonly metrics: Metrics;
  readonly secrets: SecretWatch;
  readonly log: Log;
  /** Adds what is known of the target besides; absent where nothing is. */
  readonly diagnose?: ((item: Item, report: Report, signal: AbortSignal) => Promise<Report>) | undefined;
  /** A look was recorded, whatever came of it. */
  readonly onLooked?: (item: Item) => void;
  /** A transition to tell. */
  readonly onChange: (item: Item, change: Change) => void;
}

/** How somebody asked. `since`: no secret that was read before this tick will do. */
export interface HowAsked {
  readonly onStage: OnStage;
  readonly signal: AbortSignal;
  readonly since: number;
}

interface How extends Partial<Omit<HowAsked, "since">> {
  readonly asked: boolean;
  readonly signal: AbortSignal;
  readonly since?: number | undefined;
}

/** One look after the other: check, then report to metrics, then report to fold, by plain calls. */
export class Looks {
  readonly #parts: LooksParts;
  readonly #logins: RejectedLogins;
  #samples: Omit<Sample, "next">[] = [];

  constructor(parts: LooksParts) {
    this.#parts = parts;
    this.#logins = new RejectedLogins({ clock: parts.clock, markOf: createMarks() });
  }

  /** A look of the schedule. Resolves with whether all is well; never rejects. */
  async scheduled(item: Item, signal: AbortSignal): Promise<boolean> {
    try {
      const report = await this.#look(item, { asked: false, signal });
      if (signal.aborted) return true;
      this.#record(item, report, true);
      return report.state !== "error";
    } catch (error) {
      this.#parts.log.error(`Integration ${item.name} could not be looked at.`, {
        error: errorFields(error),
      });
      return false;
    }
  }

  /** A look that somebody asked for. A test is told to whoever asked, and nowhere else. */
  async asked(item: Item, asked: Asked, { onStage, signal, since }: HowAsked): Promise<Report> {
    const report = await this.#look(item, { asked: true, onStage, signal, since });
    if (asked === "refresh" && !signal.aborted) this.#record(item, report, false);
    return report;
  }

  /** The looks since the last call, at most as many as a heartbeat carries. */
  takeSamples(nextIn: (name: string) => number | undefined): Sample[] {
    const now = this.#parts.clock.now();
    const samples = this.#samples;
    this.#samples = [];
    return samples.map((sample) => {
      const left = nextIn(sample.name);
      return { ...sample, next: left === undefined ? null : new Date(now + left).toISOString() };
    });
  }

  async #look(item: Item, how: How): Promise<Report> {
    const { clock, metrics, secrets } = this.#parts;
    const started = clock.tick();
    let walked = await this.#walk(item, how);
    // A target may reject what was the secret a moment ago: the one that the store has now is tried at once.
    if (isRejected(walked) && (await secrets.hasNewer(item, started, how.signal)))
      walked = await this.#walk(item, how);
    const diagnosed = (await this.#parts.diagnose?.(item, walked, how.signal)) ?? walked;
    const report = secrets.looked(item, diagnosed);
    const ms = Math.round((clock.tick() - started) * 10) / 10;
    const at = clock.now();
    if (how.signal.aborted || this.#parts.standing.get(item.name)?.item.digest !== item.digest) return report;
    metrics.looked(item, report, { at, ms });
    this.#samples.push({ name: item.name, at: new Date(at).toISOString(), ms, state: report.state });
    if (this.#samples.length > LIMITS.samplesPerHeartbeat) this.#samples.shift();
    return report;
  }

  /** One walk through the stages. */
  async #walk(item: Item, { asked, since, onStage, signal }: How): Promise<Report> {
    const { clock, network, log, secrets } = this.#parts;
    const guarded = this.#logins.guard(secrets.kept(item, since), asked);
    const onUnknown = (error: unknown): void =>
      log.warn(`Integration ${item.name} failed in a way that Mooring does not know.`, {
        integration: item.name,
        error: errorFields(error),
      });
    const place = {
      clock,
      network: network(),
      onUnknown,
      signal,
      ...(onStage === undefined ? {} : { onStage }),
    };
    return guarded.conclude(await check(guarded.check, place));
  }

  #record(item: Item, report: Report, scheduled: boolean): void {
    const { standing, clock, onChange } = this.#parts;
    const { failureThreshold } = item;
    const change = standing.record(item, { report, scheduled, failureThreshold }, clock.now());
    if (change !== undefined) onChange(item, change);
    this.#parts.onLooked?.(item);
  }
}

function isRejected({ reason, stage }: Report): boolean {
  return stage === "authenticate" && reason !== null && REJECTED.has(reason);
}

/** By whom the scrubber knows the values of an item's secret: items may share one. */
export function ownerOf({ secret }: Check): string {
  return secret?.id ?? "";
}
