import type { RemedyStep } from "../../protocol/words.ts";
import type { Said } from "./conditions.ts";
import type { Events } from "./events.ts";
import type { Seen, Which } from "./resource.ts";
import { asSeen, saysSame, type Status, statusOf } from "./status.ts";
import type { StatusWriter } from "./status-writer.ts";

export interface TellerParts {
  readonly writer: Pick<StatusWriter, "write" | "drop">;
  readonly events: Pick<Events, "tell">;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface Finding {
  readonly said: readonly Said[];
  readonly remedy: readonly RemedyStep[];
  /** Epoch milliseconds. */
  readonly at: number;
  /** Epoch milliseconds; undefined where it was not looked at. */
  readonly checkedAt?: number | undefined;
}

/**
 * A status that says the same is written again no sooner than this, for the time of the last look and for whatever
 * somebody else wrote over it. Milliseconds, give or take a tenth.
 */
const REFRESH_MS = 600_000;

/** What stands on each resource: a status is written, and an Event made, only where it says something else. */
export class Teller {
  readonly #parts: TellerParts;
  /** By uid. */
  readonly #stands = new Map<string, Seen>();

  constructor(parts: TellerParts) {
    this.#parts = parts;
  }

  /** `seen`: what the resource says, for the first time that this process tells it something. */
  tell(which: Which, seen: Seen | undefined, { said, remedy, at, checkedAt }: Finding): void {
    const before = this.#stands.get(which.uid) ?? seen;
    const next = statusOf({ said, remedy, at, checkedAt, generation: which.generation }, before);
    const same = before !== undefined && saysSame(before, next);
    this.#stands.set(which.uid, same ? before : asSeen(next));
    if (same && !this.#isOld(before, checkedAt)) return;
    this.#stands.set(which.uid, asSeen(next));
    this.#parts.writer.write(which, next);
    if (!same) this.#tellTransition(which, before, next);
  }

  forget(which: Which): void {
    this.#stands.delete(which.uid);
    this.#parts.writer.drop(which);
  }

  #isOld({ lastCheckTime }: Seen, checkedAt: number | undefined): boolean {
    if (checkedAt === undefined) return false;
    const written = Date.parse(lastCheckTime);
    return Number.isNaN(written) || checkedAt - written >= REFRESH_MS * (0.9 + 0.2 * this.#parts.random());
  }

  /** Ready says it all: its status or its reason has changed. That a new one works is no news. */
  #tellTransition(which: Which, before: Seen | undefined, { conditions }: Status): void {
    const ready = conditions.find(({ type }) => type === "Ready");
    if (ready === undefined) return;
    const old = before?.conditions.find(({ type }) => type === "Ready");
    if (old?.status === ready.status && old.reason === ready.reason) return;
    if (old === undefined && ready.status === "True") return;
    const { reason, message, status } = ready;
    this.#parts.events.tell(which, { type: status === "False" ? "Warning" : "Normal", reason, message });
  }
}
