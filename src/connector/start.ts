import { isLoopback } from "../protocol/loopback.ts";
import { isIP } from "node:net";
import type { Install, Instance } from "../protocol/session-frames.ts";
import { type ControlPlaneAddress, parseControlPlane } from "./control-plane-address.ts";
import type { Configuration, Item, JudgeRemote, JudgeResource, Load, Problem } from "./item.ts";
import type { LogLevel } from "./log.ts";

export type Readiness = "startup" | "always" | "never";

/** Everything that a connector is started with. Paths are as the process sees them. */
export interface ConnectorSettings {
  readonly version: string;
  /** The configuration file. Without one there is nothing to check; a configuration may come later. */
  readonly file?: string | undefined;
  readonly load: Load;
  readonly judgeRemote: JudgeRemote;
  /** Judges Integration resources; needed with `crdNamespaces`. */
  readonly judgeResource?: JudgeResource | undefined;
  /** The namespaces whose Integration resources are looked at too. Absent: none. */
  readonly crdNamespaces?: readonly string[] | "all" | undefined;
  /** Without one it checks and exports metrics all the same. */
  readonly controlPlane?: string | undefined;
  readonly ca?: string | undefined;
  readonly joinTokenFile?: string | undefined;
  /** A ServiceAccount's projected token, which takes the place of a join token. */
  readonly serviceAccountTokenFile?: string | undefined;
  /** A folder, made where it is missing, or `secret:NAME`, a Secret of its own namespace. Needed with `controlPlane`. */
  readonly stateDir?: string | undefined;
  /** The name of a Lease in its own namespace: only who holds it works. Absent: this one works. */
  readonly lease?: string | undefined;
  readonly listen: { readonly host: string; readonly port: number };
  /** 0.01 to 1, for tests; default 1. */
  readonly timeScale?: number | undefined;
  /** The first attempt to connect comes within this time; default 5 s × timeScale. Milliseconds. */
  readonly firstSpreadMs?: number | undefined;
  readonly readiness?: Readiness | undefined;
  readonly install?: Install | null | undefined;
  /** Default: one of this process. */
  readonly instance?: Instance | undefined;
  readonly log?:
    | { readonly level?: LogLevel | undefined; readonly write?: ((line: string) => void) | undefined }
    | undefined;
  /** As `process.env` has it: proxies, MOORING_RESOLV_CONF, MOORING_HOSTS. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A connector that cannot start: one sentence that says what is wrong and what to do. */
export class StartError extends Error {
  override readonly name = "StartError";
  /** Where it is the configuration file that is wrong: all that is. */
  readonly problems: readonly Problem[];

  constructor(message: string, problems: readonly Problem[] = [], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.problems = problems;
  }
}

export const NOTHING_CONFIGURED: Configuration = {
  items: [] as readonly Item[],
  remote: { targets: [], secrets: [] },
  addressesAllow: [],
};

/** The control plane's address, where there is one. Throws a StartError. */
export function addressOf(settings: ConnectorSettings): ControlPlaneAddress | undefined {
  const { controlPlane, stateDir, joinTokenFile, serviceAccountTokenFile } = settings;
  if (joinTokenFile !== undefined && serviceAccountTokenFile !== undefined)
    throw new StartError(
      "--join-token-file and --service-account-token-file exclude each other: name the one that the connector is to join by.",
    );
  if (controlPlane === undefined) return undefined;
  const address = parseControlPlane(controlPlane);
  if ("trouble" in address) throw new StartError(`--control-plane: ${address.trouble}`);
  if (stateDir === undefined)
    throw new StartError("--state is missing: name a folder where the connector keeps its key.");
  if (stateDir === "secret:")
    throw new StartError("--state secret: names no Secret; write --state secret:NAME.");
  return address;
}

/** The time scale. Throws a StartError where it is none, or where others than this machine could be served by it. */
export function timeScaleOf({ timeScale = 1, listen }: ConnectorSettings): number {
  if (timeScale === 1) return 1;
  if (!(timeScale >= 0.01 && timeScale <= 1))
    throw new StartError(`MOORING_TIME_SCALE is a number from 0.01 to 1, not ${timeScale}.`);
  if (!isLoopback(listen.host))
    throw new StartError(
      `MOORING_TIME_SCALE is for tests: --listen must be loopback then, and ${listen.host} is not.`,
    );
  return timeScale;
}

/** Why the health listener could not be opened. */
export function listenTrouble(
  listen: { readonly host: string; readonly port: number },
  code: string,
): string {
  const place = isIP(listen.host) === 6 ? `[${listen.host}]:${listen.port}` : `${listen.host}:${listen.port}`;
  const says: Readonly<Record<string, string>> = {
    EADDRINUSE: "the port is in use; stop what listens there, or name another one",
    EACCES: "this user may not listen there; name a port above 1023",
    EADDRNOTAVAIL: "this machine has no such address; name one that it has",
    ENOTFOUND: "this is no address; write HOST:PORT",
  };
  return `--listen ${place}: ${says[code] ?? `it cannot be listened on (${code})`}.`;
}
