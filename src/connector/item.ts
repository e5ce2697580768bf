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

/** What an Integration resource may name. */
export interface CrdPolicy {
  /** Names of secret stores. */
  readonly stores: readonly string[];
  /** `host:port` as in RemotePolicy; `{namespace}` stands for the resource's own. */
  readonly targets: readonly string[];
}

export interface Configuration {
  readonly items: readonly Item[];
  readonly remote: RemotePolicy;
  /** Absent: the default, DEFAULT_CRD_POLICY. */
  readonly crd?: CrdPolicy | undefined;
  /** Addresses and ranges that are dialled though they are forbidden by default. */
  readonly addressesAllow: readonly string[];
  /** The secret stores of the file, for what others may name; absent where there is no file. */
  readonly stores?: StoresOfFile | undefined;
}

/** Opaque here: what `config/` judges an item of somebody else's with. */
export interface StoresOfFile {
  readonly digest: string;
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
export type JudgeRemote = (
  item: unknown,
  configuration: Pick<Configuration, "remote" | "stores">,
) => Promise<Item | readonly Problem[]>;

/** An Integration resource, as far as it is judged. */
export interface JudgedResource {
  readonly namespace: string;
  readonly name: string;
  readonly spec: unknown;
}

/** Handed in: judges an Integration resource, by the local policy, before any look-up. Paths begin with `spec`. */
export type JudgeResource = (
  resource: JudgedResource,
  configuration: Pick<Configuration, "crd" | "stores">,
) => Promise<Item | readonly Problem[]>;

/** A problem on one line, fit for a terminal: place, what is wrong, what to do. */
export function problemLine({ file, line, column, path, text }: Problem): string {
  return printableLine(`${file}:${line}:${column}: ${path === "" ? "" : `${path}: `}${text}`);
}
