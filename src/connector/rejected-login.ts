import type { ReasonCode } from "../protocol/reasons.ts";
import type { Report } from "../protocol/report.ts";
import { byStageOrder } from "../protocol/stages.ts";
import type { BoundSecret, Check } from "./check.ts";
import type { Clock } from "./clock.ts";
import { Failure } from "./failure.ts";
import type { Secret } from "./secrets/secret-store.ts";

/** Answers that a target counts against the account: to ask again with the same login may lock it. */
export const REJECTED: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
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
  readonly report: Report;
  readonly triedAt: number;
  /** The same in epoch milliseconds, for people. */
  readonly rejectedAt: number;
  /** When it was tried because somebody asked, monotonic milliseconds. */
  asked: number[];
}

export interface RejectedLoginsParts {
  readonly clock: Clock;
  /** Tells versions of a secret apart, without holding them. */
  readonly markOf: (secret: Secret) => string;
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

  constructor(parts: RejectedLoginsParts) {
    this.#parts = parts;
  }

  /** `asked`: somebody waits for this look. */
  guard(item: Check, asked: boolean): Guarded {
    const { secret } = item;
    if (secret === undefined) return { check: item, conclude: (report) => report };
    let login = "";
    let held: Rejection | undefined;
    const read = async (signal: AbortSignal): Promise<Secret> => {
      const found = await secret.read(signal);
      login = loginOf(item, secret, this.#parts.markOf(found));
      held = this.#rests(login, asked);
      // It passes the stage secret untouched and stands where it came up first: at the login.
      if (held !== undefined) throw new Failure("authenticate", held.report.reason ?? "unknown");
      return found;
    };
    const conclude = (report: Report): Report => {
      if (held !== undefined) return kept(held, report);
      if (login !== "") this.#learn(login, report);
      return report;
    };
    return { check: { ...item, secret: { ...secret, read } }, conclude };
  }

  /** The rejection that still holds for this login, if one does. */
  #rests(login: string, asked: boolean): Rejection | undefined {
    const now = this.#parts.clock.tick();
    const rejection = this.#rejections.get(login);
    if (rejection === undefined) return undefined;
    if (now - rejection.triedAt >= REST_MS) return undefined;
    rejection.asked = rejection.asked.filter((at) => now - at < HOUR_MS);
    if (!asked || rejection.asked.length >= ASKED_IN_HOUR) return rejection;
    rejection.asked.push(now);
    return undefined;
  }

  #learn(login: string, report: Report): void {
    const before = this.#rejections.get(login);
    const rejected = report.stage === "authenticate" && report.reason !== null && REJECTED.has(report.reason);
    if (rejected) {
      this.#rejections.delete(login);
      const { clock } = this.#parts;
      const [triedAt, rejectedAt] = [clock.tick(), clock.now()];
      this.#rejections.set(login, { report, triedAt, rejectedAt, asked: before?.asked ?? [] });
    } else if (wasAccepted(report)) this.#rejections.delete(login);
    const [oldest] = this.#rejections.keys();
    if (oldest !== undefined && this.#rejections.size > MOST_KEPT) this.#rejections.delete(oldest);
  }
}

/**
 * What a target counts against an account: where, and one version of the same fields of the same secret. Versions each
 * have their own rest: a store whose replicas take turns in giving the old one and the new one gets neither tried again.
 */
function loginOf({ type, config }: Check, { id, mapping }: BoundSecret, version: string): string {
  const fields = Object.entries(mapping).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([type.type, type.address(config), id, fields, version]);
}

function wasAccepted({ stages }: Report): boolean {
  return stages.some(({ stage, ok }) => stage === "authenticate" && ok);
}

/** What the login said last, with the stages before it as they are now. It says that it was not asked again. */
function kept({ report: last, rejectedAt }: Rejection, now: Report): Report {
  if (now.stage !== last.stage || now.reason !== last.reason) return now;
  const fresh = now.stages.filter(({ stage }) => byStageOrder(stage, "secret") <= 0);
  const older = last.stages.filter(({ stage }) => byStageOrder(stage, "secret") > 0);
  const text = `not tried again: rejected at ${timeOf(rejectedAt)}, and left alone until ${timeOf(rejectedAt + REST_MS)} so that the account is not locked; another version of the secret is tried at once`;
  const findings = [...last.findings, { subject: "login", verdict: "not_checked" as const, text }];
  return { ...last, name: now.name, stages: [...fresh, ...older], findings };
}

/** `09:02:54 UTC` */
function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 19)} UTC`;
}
