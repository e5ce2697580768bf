import { createHmac, randomBytes } from "node:crypto";
import type { ReasonCode } from "../protocol/reasons.ts";
import type { Report } from "../protocol/report.ts";
import { byStageOrder } from "../protocol/stages.ts";
import type { Check } from "./check.ts";
import type { Clock } from "./clock.ts";
import { Failure } from "./failure.ts";
import { valuesOf } from "./secrets/fields.ts";
import type { Secret } from "./secrets/secret-store.ts";

/** Answers that a target counts against the account: to ask again with the same login may lock it. */
const REJECTED: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  "credentials_rejected",
  "credentials_expired",
  "token_expired",
  "account_locked",
  "ssh_key_rejected",
]);

/** A login that was rejected is not tried again before this time, milliseconds. */
const REST_MS = 900_000;
const HOUR_MS = 3_600_000;
/** So often in an hour somebody who asks has it tried at once. */
const ASKED_IN_HOUR = 3;
const MOST_KEPT = 5_000;

interface Rejection {
  readonly version: string;
  readonly report: Report;
  readonly triedAt: number;
  /** When it was tried because somebody asked, monotonic milliseconds. */
  asked: number[];
}

export interface RejectedLoginsParts {
  readonly clock: Clock;
  /** Told of every secret that was read, so that its values can be kept out of logs. */
  readonly onSecret: (item: Check, values: readonly string[]) => void;
}

/** One look, guarded: `check` is to be walked, and `conclude` gives its report what was kept back. */
export interface Guarded {
  readonly check: Check;
  readonly conclude: (report: Report) => Report;
}

/**
 * Keeps a secret that a target rejected from being tried again and again. The stages before the login go on,
 * the secret is read, and where it is still the same one the walk ends with what the login said last.
 */
export class RejectedLogins {
  readonly #parts: RejectedLoginsParts;
  readonly #rejections = new Map<string, Rejection>();
  /** Versions are compared by this, in this process alone. */
  readonly #key = randomBytes(32);

  constructor(parts: RejectedLoginsParts) {
    this.#parts = parts;
  }

  /** `asked`: somebody waits for this look. */
  guard(item: Check, asked: boolean): Guarded {
    const { secret } = item;
    if (secret === undefined) return { check: item, conclude: (report) => report };
    const id = `${secret.store} ${secret.name} ${item.type.type} ${item.type.address(item.config)}`;
    let version = "";
    let held: Rejection | undefined;
    const read = async (signal: AbortSignal): Promise<Secret> => {
      const found = await secret.read(signal);
      const values = valuesOf(found);
      this.#parts.onSecret(item, values);
      version = this.#versionOf(found, values);
      held = this.#rests(id, version, asked);
      // It passes the stage secret untouched and stands where it came up first: at the login.
      if (held !== undefined) throw new Failure("authenticate", held.report.reason ?? "unknown");
      return found;
    };
    const conclude = (report: Report): Report => {
      if (held !== undefined) return kept(held.report, report);
      if (version !== "") this.#learn(id, version, report);
      return report;
    };
    return { check: { ...item, secret: { ...secret, read } }, conclude };
  }

  /** The rejection that still holds for this version, if one does. */
  #rests(id: string, version: string, asked: boolean): Rejection | undefined {
    const now = this.#parts.clock.tick();
    const rejection = this.#rejections.get(id);
    if (rejection === undefined || rejection.version !== version) return undefined;
    if (now - rejection.triedAt >= REST_MS) return undefined;
    rejection.asked = rejection.asked.filter((at) => now - at < HOUR_MS);
    if (!asked || rejection.asked.length >= ASKED_IN_HOUR) return rejection;
    rejection.asked.push(now);
    return undefined;
  }

  #learn(id: string, version: string, report: Report): void {
    const before = this.#rejections.get(id);
    const rejected = report.stage === "authenticate" && report.reason !== null && REJECTED.has(report.reason);
    if (rejected) {
      const asked = before?.version === version ? before.asked : [];
      this.#rejections.delete(id);
      this.#rejections.set(id, { version, report, triedAt: this.#parts.clock.tick(), asked });
    } else if (wasAccepted(report)) this.#rejections.delete(id);
    const [oldest] = this.#rejections.keys();
    if (oldest !== undefined && this.#rejections.size > MOST_KEPT) this.#rejections.delete(oldest);
  }

  #versionOf(secret: Secret, values: readonly string[]): string {
    const named = secret.version === undefined ? "" : `${secret.version}\n`;
    return createHmac("sha256", this.#key)
      .update(`${named}${JSON.stringify(values)}`)
      .digest("hex");
  }
}

function wasAccepted({ stages }: Report): boolean {
  return stages.some(({ stage, ok }) => stage === "authenticate" && ok);
}

/** What the login said last, with the stages before it as they are now. */
function kept(last: Report, now: Report): Report {
  if (now.stage !== last.stage || now.reason !== last.reason) return now;
  const fresh = now.stages.filter(({ stage }) => byStageOrder(stage, "secret") <= 0);
  const older = last.stages.filter(({ stage }) => byStageOrder(stage, "secret") > 0);
  return { ...last, name: now.name, stages: [...fresh, ...older] };
}
