import type { ReasonCode, Step } from "../reasons.ts";

/**
 * How one kind of secret store says its reasons: wordings and steps that come before those of the table, with the
 * commands of the store's own tool. Templates as in the table; their names are the store's facts and evidence.
 */
export type StoreWords = {
  readonly [Code in ReasonCode]?: {
    readonly says?: readonly string[];
    /** Instead of the table's steps, wherever one of them can be filled. */
    readonly remedy?: readonly (Step | readonly Step[])[];
  };
};
