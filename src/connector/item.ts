import { printableLine } from "../protocol/words.ts";
import type { Check } from "./check.ts";

/** One integration as configured: a check with its schedule. */
export interface Item extends Check {
  /** Milliseconds from one look to the next. */
  readonly intervalMs: number;
  /** How many failures in a row are told, of the stages up to respond. */
  readonly failureThreshold: number;
  readonly source: "file" | "crd" | "remote";
  /** Changes when anything that a check depends on changes. */
  readonly digest: string;
}

/** What the control plane may make the connector do beyond the file: nothing by default. */
export interface RemotePolicy {
  /** `host:port`, each part with `*` where it may be anything. */
  readonly targets: readonly string[];
  readonly secrets: readonly {
    readonly store: string;
    readonly name: string;
    readonly targets: readonly string[];
  }[];
}

export interface Configuration {
  readonly items: readonly Item[];
  readonly remote: RemotePolicy;
  /** Addresses and ranges that are dialled though they are forbidden by default. */
  readonly addressesAllow: readonly string[];
}

/** Something wrong with the configuration, and where. Lines and columns count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `integrations[2].config.port`; empty where the file as a whole is meant. */
  readonly path: string;
  /** What is wrong and what to do. */
  readonly text: string;
}

export type Loaded =
  | { readonly ok: true; readonly configuration: Configuration }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Handed in: reads and judges the file. What cannot be read is a problem too. */
export type Load = (file: string) => Promise<Loaded>;

/** Handed in: judges one item that is not in the file, by the local policy, before any look-up. */
export type JudgeRemote = (item: unknown, policy: RemotePolicy) => Promise<Item | readonly Problem[]>;

/** A problem on one line, fit for a terminal: place, what is wrong, what to do. */
export function problemLine({ file, line, column, path, text }: Problem): string {
  return printableLine(`${file}:${line}:${column}: ${path === "" ? "" : `${path}: `}${text}`);
}
