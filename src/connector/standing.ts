import type { DigestItem } from "../protocol/digest.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { Report } from "../protocol/report.ts";
import type { State } from "../protocol/stages.ts";
import type { ObservedReport, SnapshotItem, StatusChanged } from "../protocol/status-frames.ts";
import type { Item } from "./item.ts";
import { type Change, fold, type Outcome, pending, type Status } from "./status.ts";

/** An item and what is known of it. */
export interface Stand {
  readonly item: Item;
  readonly status: Status;
}

const iso = (at: number): string => new Date(at).toISOString();
const short = (text: string, most = 1024): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`;

/** A report as the wire takes it: bounded, whatever a driver wrote into it. */
export function bounded(report: Report): Report {
  const { message, cause, remedy, coverage, address, findings } = report;
  const whole: Report = {
    ...report,
    message: short(message),
    cause: cause === null ? null : short(cause),
    remedy: remedy
      .filter(({ command }) => command === null || command.length <= 4096)
      .slice(0, 32)
      .map(({ text, command }) => ({ text: short(text), command })),
    coverage: coverage.slice(0, 32).map((text) => short(text)),
    address: short(address),
    findings: findings.slice(0, 64).map((finding) => ({
      ...finding,
      subject: short(finding.subject, 256),
      text: short(finding.text),
    })),
  };
  const bytes = Buffer.byteLength(JSON.stringify(whole));
  return bytes <= LIMITS.eventBytes / 2 ? whole : { ...whole, findings: [], remedy: [] };
}

function observed(report: Report, item: Item, at: number): ObservedReport {
  return { ...bounded(report), source: item.source, observedAt: iso(at) };
}

/** The data of `status.changed`. */
export function changedData(item: Item, { report, previous, observedAt }: Change): StatusChanged {
  return { ...observed(report, item, observedAt), previous, coalesced: 0 };
}

/** What stands for each integration of this process. */
export class Standing {
  readonly #stands = new Map<string, Stand>();

  /**
   * The items from now on. An unchanged one keeps all, a changed one what was told of it until its first new
   * look. True where what a snapshot says is another now.
   */
  replace(items: readonly Item[], at: number): boolean {
    const before = new Map(this.#stands);
    this.#stands.clear();
    let changed = items.length !== before.size;
    for (const item of items) {
      const old = before.get(item.name);
      changed ||= old === undefined || old.item.digest !== item.digest;
      const status =
        old === undefined
          ? pending(at)
          : old.item.digest === item.digest
            ? old.status
            : { ...pending(at), told: sameKind(old.item, item) ? old.status.told : null };
      this.#stands.set(item.name, { item, status });
    }
    return changed;
  }

  get(name: string): Stand | undefined {
    return this.#stands.get(name);
  }

  all(): Iterable<Stand> {
    return this.#stands.values();
  }

  /** Folds what a look brought. Nothing for an item that is not configured like that any more. */
  record(item: Item, outcome: Outcome, at: number): Change | undefined {
    const stand = this.#stands.get(item.name);
    if (stand === undefined || stand.item.digest !== item.digest) return undefined;
    // The first look of a process, or of a changed item, is told at once.
    const first = stand.status.checkedAt === null;
    const [status, change] = fold(stand.status, first ? { ...outcome, scheduled: false } : outcome, at);
    this.#stands.set(item.name, { item: stand.item, status });
    return change;
  }

  snapshot(): SnapshotItem[] {
    return [...this.#stands.values()].map(({ item, status }) => {
      if (status.told !== null) return observed(status.told, item, status.since);
      const { name, type, source, config, secret } = item;
      const path = [...type.stages(config, secret !== undefined)];
      return { pending: true, name, type: type.type, source, address: short(type.address(config)), path };
    });
  }

  digestItems(): DigestItem[] {
    return [...this.#stands.values()].map(({ item, status }) => {
      const { told } = status;
      if (told === null) return { name: item.name, type: item.type.type, pending: true };
      const { name, type, state, condition, stage, reason } = told;
      return { name, type, state, condition, stage, reason };
    });
  }

  counts(): Record<State, number> {
    const counts = { online: 0, warning: 0, error: 0, unknown: 0 };
    for (const { status } of this.#stands.values()) counts[status.told?.state ?? "unknown"] += 1;
    return counts;
  }
}

/** Whether what was told of one can stand for the other until it was looked at. */
function sameKind(before: Item, after: Item): boolean {
  return before.type.type === after.type.type && before.suspend === after.suspend;
}
