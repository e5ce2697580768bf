import type { z } from "zod";
import type { Stage } from "../../protocol/stages.ts";
import type { Evidence } from "../../protocol/words.ts";
import type { Explain } from "../failure.ts";
import type { Run } from "../run.ts";

/** What a type needs of a secret: one of several sets of fields, the first that is there. */
export interface SecretNeed {
  readonly required: boolean;
  readonly shapes: readonly (readonly string[])[];
}

/** Where a check would connect to, and how far what it sends there is protected. */
export interface TargetPlace {
  readonly host: string;
  readonly port: number;
  readonly protection: "none" | "encrypted" | "verified";
}

/**
 * One kind of system. `open` walks the stages to a connection that is authenticated and may work; a check is
 * open-then-close. An absent member is an absent capability.
 *
 * `open` throws only what a stage of the run throws, leaves every socket to the run, and ends when the run's
 * signal aborts.
 */
export interface IntegrationType<Config = unknown, Connection extends AsyncDisposable = AsyncDisposable> {
  /** The word in the configuration, lower case. */
  readonly type: string;
  /** One line for the reference page. */
  readonly summary: string;
  readonly config: z.ZodType<Config>;
  readonly secret?: SecretNeed;
  /** Whether it lists resources: then a missing right is told as "Discovery of resources failed." */
  readonly discovers?: boolean;
  /** The stages that an item of this type declares, in order. */
  stages(config: Config, hasSecret: boolean): readonly Stage[];
  /** What people call the place: `host:port/database`, a URL. Never a secret. */
  address(config: Config): string;
  /** What it would connect to; for the policy on what others than the local file may ask for. */
  target(config: Config): TargetPlace;
  /** Names for the words of whatever fails: protocol, database, url … */
  facts(config: Config): Evidence;
  /** What a pass does not prove, in short sentences. */
  coverage(config: Config, hasSecret: boolean): readonly string[];
  /** Files that must be readable when the configuration is loaded, by their path in `config`. */
  files?(config: Config): readonly { readonly path: readonly string[]; readonly file: string }[];
  readonly explain?: Explain;
  open(config: Config, run: Run): Promise<Connection>;
}
