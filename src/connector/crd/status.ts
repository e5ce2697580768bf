import type { RemedyStep } from "../../protocol/words.ts";
import type { Said } from "./conditions.ts";
import type { Seen } from "./resource.ts";

export interface Condition extends Said {
  /** RFC 3339, whole seconds: metav1.Time. */
  readonly lastTransitionTime: string;
  readonly observedGeneration: number;
}

/** The `status` of an Integration resource. */
export interface Status {
  readonly observedGeneration: number;
  /** Absent where it was not looked at. */
  readonly lastCheckTime?: string;
  readonly conditions: Condition[];
  /** What to do, in order. */
  readonly remedy?: { readonly text: string; readonly command?: string }[];
}

export interface News {
  readonly said: readonly Said[];
  readonly generation: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Epoch milliseconds; undefined where it was not looked at. */
  readonly checkedAt?: number | undefined;
  readonly remedy: readonly RemedyStep[];
}

const MOST_STEPS = 8;
const MOST_TEXT = 4096;

/** The status that says this. A condition's time moves only where its status does. */
export function statusOf(
  { said, generation, at, checkedAt, remedy }: News,
  before: Seen | undefined,
): Status {
  const now = seconds(at);
  const conditions = said.map((one) => {
    const old = before?.conditions.find(({ type }) => type === one.type);
    const stands = old?.status === one.status && old.lastTransitionTime !== "";
    const lastTransitionTime = stands ? old.lastTransitionTime : now;
    return { ...one, lastTransitionTime, observedGeneration: generation };
  });
  const steps = remedy
    .filter(({ text, command }) => text.length <= MOST_TEXT && (command ?? "").length <= MOST_TEXT)
    .slice(0, MOST_STEPS)
    .map(({ text, command }) => (command === null ? { text } : { text, command }));
  return {
    observedGeneration: generation,
    ...(checkedAt === undefined ? {} : { lastCheckTime: seconds(checkedAt) }),
    conditions,
    ...(steps.length === 0 ? {} : { remedy: steps }),
  };
}

/** Whether two statuses say the same: codes are compared, never words, and no times. */
export function saysSame(before: Seen, next: Status): boolean {
  return (
    before.observedGeneration === next.observedGeneration &&
    before.conditions.length === next.conditions.length &&
    next.conditions.every((one) => {
      const old = before.conditions.find(({ type }) => type === one.type);
      return old?.status === one.status && old.reason === one.reason;
    })
  );
}

/** As the next status compares with it. */
export function asSeen({ observedGeneration, lastCheckTime = "", conditions }: Status): Seen {
  return {
    observedGeneration,
    lastCheckTime,
    conditions: conditions.map(({ type, status, reason, lastTransitionTime }) => ({
      type,
      status,
      reason,
      lastTransitionTime,
    })),
  };
}

function seconds(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
}
