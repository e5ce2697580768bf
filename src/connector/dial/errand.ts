import { TIMEOUTS } from "../../protocol/reasons.ts";
import type { Stage } from "../../protocol/stages.ts";
import type { Evidence } from "../../protocol/words.ts";
import type { Clock } from "../clock.ts";
import { codeOf, explainSystem, Failure } from "../failure.ts";
import type { Run } from "../run.ts";
import type { Network } from "./network.ts";

export interface ErrandParts {
  readonly clock: Clock;
  readonly network: Network;
  /** Ends whatever it does. */
  readonly signal: AbortSignal;
  /** How long one step may take, milliseconds. */
  readonly limitMs: number;
}

/**
 * A run for a connection that is no integration's: a secret store's, an identity's. Its steps throw Failures as those
 * of a check do, with the names that were known. Nothing is recorded, and sockets belong to the caller.
 */
export function createErrand(parts: ErrandParts): Run {
  const { clock, network, signal, limitMs } = parts;
  let known: Evidence = {};
  const nothing = (): void => {};
  const told = (error: unknown, stage: Stage): Failure => {
    const failure = asFailure(error, stage, signal);
    return new Failure(failure.stage, failure.reason, { ...known, ...failure.evidence }, failure.cause);
  };
  const run: Run = {
    signal,
    clock,
    network,
    hasSecret: false,
    stage: async (name, work) => {
      try {
        return await work(signal, limitMs);
      } catch (error) {
        throw told(error, name);
      }
    },
    secret: () => Promise.reject(new TypeError("an errand reads no secret")),
    own: (resource) => {
      if (signal.aborted) resource.destroy();
      return resource;
    },
    know: (evidence) => {
      known = { ...known, ...evidence };
    },
    find: nothing,
    warn: nothing,
    aside: () => run,
    shown: (text) => text,
  };
  return run;
}

function asFailure(error: unknown, stage: Stage, signal: AbortSignal): Failure {
  if (error instanceof Failure) return error;
  if (signal.aborted) return new Failure(stage, TIMEOUTS[stage], {}, error);
  return explainSystem(error, stage) ?? new Failure(stage, "unknown", { code: codeOf(error) ?? "" }, error);
}
