import type { Heartbeat } from "../protocol/session-frames.ts";
import { tellConfigProblem } from "./config-problem.ts";
import type { SessionPlace } from "./session-place.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Beats that may come at once, after the network held them. */
const BURST = 5;

/** One session's heartbeats: how fast they may come, and what they tell beside life. */
export class Beats {
  readonly #place: SessionPlace;
  readonly #connectorId: string;
  readonly #bucket: TokenBucket;
  #configProblem: string | null | undefined;

  constructor(place: SessionPlace, connectorId: string, tick: () => number) {
    const { leastHeartbeatMs, heartbeatMs } = place.profile;
    const leastMs = 0.8 * Math.min(leastHeartbeatMs, heartbeatMs);
    this.#place = place;
    this.#connectorId = connectorId;
    this.#bucket = new TokenBucket({ perSecond: 1000 / leastMs, burst: BURST }, tick);
  }

  /** False where they come too fast. */
  mayCome(): boolean {
    return this.#bucket.take();
  }

  /** Keeps how long looks and answers took, and stores what the connector thinks of its configuration. */
  told({ rttMs, samples, reads = [], configInvalid }: Heartbeat): Promise<void> | undefined {
    const now = this.#place.clock.now();
    this.#place.samples.heartbeat(this.#connectorId, rttMs, now);
    for (const sample of samples) this.#place.samples.look(this.#connectorId, sample, now);
    for (const read of reads) this.#place.samples.read(this.#connectorId, read, now);
    if (configInvalid === this.#configProblem) return undefined;
    this.#configProblem = configInvalid;
    return tellConfigProblem(this.#place, this.#connectorId, configInvalid);
  }
}
