import process from "node:process";
import manifest from "../../package.json" with { type: "json" };
import { problemLine } from "../connector/item.ts";
import type { ConnectorSettings } from "../connector/start.ts";
import { type Command, UsageError } from "./command.ts";
import { preferSmallMemory } from "./small-memory.ts";
import { firstSignal, judgeRemote, judgeResource, listenOf, load, numberOf } from "./settings.ts";

const DEFAULT_LISTEN = { host: "0.0.0.0", port: 7481 };

export const CONNECTOR_FLAGS = {
  "control-plane": { value: "URL", says: "report to this control plane: https://HOST" },
  ca: {
    value: "FILE",
    says: "PEM certificates that are trusted besides the system's, for the control plane",
  },
  "join-token-file": { value: "FILE", says: "the join token, for the first start" },
  "service-account-token-file": {
    value: "FILE",
    says: "a ServiceAccount's projected token, in place of a join token; read anew for each enrolment",
  },
  state: {
    value: "DIR|secret:NAME",
    says: "where the connector keeps its key: a folder, or a Secret of its own namespace; ./mooring-state",
  },
  listen: { value: "HOST:PORT", says: "metrics and health; 0.0.0.0:7481" },
  "crd-namespaces": {
    value: "A,B|*",
    says: "look at the Integration resources of these namespaces too; * for all",
  },
  lease: {
    value: "NAME",
    says: "for several replicas: only the one that holds this Lease of its own namespace works",
  },
  "first-spread": { value: "SECONDS", says: "the first attempt to connect comes within this time; 5" },
  readiness: {
    value: "WHEN",
    says: "ready once connected (startup), while connected (always), or never asked (never); startup",
  },
  tune: { value: "FOR", says: "memory, or speed for thousands of integrations; memory" },
  "log-level": { value: "LEVEL", says: "debug, info, warn or error; info" },
} as const;

export const connector: Command = {
  name: "connector",
  usage: "connector [FILE] [--control-plane URL]",
  says: "Runs the agent: checks on a schedule, serves metrics, and reports to a control plane where one is named.",
  flags: CONNECTOR_FLAGS,
  args: [0, 1],
  async run(given) {
    const [file] = given.args;
    const controlPlane = given.flag("control-plane");
    if (file === undefined && controlPlane === undefined) {
      throw new UsageError(
        "mooring connector: there is nothing to do; name a configuration FILE, --control-plane, or both",
      );
    }
    const stopped = firstSignal();
    if (choice("tune", given.flag("tune"), ["memory", "speed"]) !== "speed") preferSmallMemory();
    const { startConnector } = await import("../connector/main.ts");
    const starting = startConnector({
      version: manifest.version,
      file,
      load,
      judgeRemote,
      judgeResource,
      crdNamespaces: namespacesOf(given.flag("crd-namespaces")),
      controlPlane,
      ca: given.flag("ca"),
      joinTokenFile: given.flag("join-token-file"),
      serviceAccountTokenFile: given.flag("service-account-token-file"),
      stateDir: given.flag("state") ?? "mooring-state",
      listen: listenOf("connector", "listen", given, DEFAULT_LISTEN) ?? DEFAULT_LISTEN,
      timeScale: numberOf("connector", "MOORING_TIME_SCALE", process.env["MOORING_TIME_SCALE"]),
      firstSpreadMs: spreadOf(given.flag("first-spread")),
      readiness: choice("readiness", given.flag("readiness"), ["startup", "always", "never"]),
      install: installOf(process.env),
      instance: instanceOf(process.env),
      lease: given.flag("lease"),
      log: { level: choice("log-level", given.flag("log-level"), ["debug", "info", "warn", "error"]) },
      environment: process.env,
    });
    const running = await starting.catch(wrongUse);
    const ended = await Promise.race([stopped.then(() => undefined), running.ended]);
    if (ended?.trouble !== undefined) await wrongUse(ended.trouble);
    await running.drain();
    return 0;
  },
};

async function wrongUse(error: unknown): Promise<never> {
  const { StartError } = await import("../connector/start.ts");
  if (!(error instanceof StartError)) throw error;
  if (error.problems.length > 0) throw new UsageError(...error.problems.map(problemLine));
  throw new UsageError(`mooring connector: ${error.message}`);
}

function choice<T extends string>(
  flag: string,
  text: string | undefined,
  known: readonly T[],
): T | undefined {
  const chosen = known.find((word) => word === text);
  if (text === undefined || chosen !== undefined) return chosen;
  throw new UsageError(`mooring connector: --${flag} ${text} is not known; write ${known.join(", ")}`);
}

/** Milliseconds of `--first-spread`. */
function spreadOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (text !== "" && seconds >= 0 && seconds <= 60) return seconds * 1000;
  throw new UsageError(`mooring connector: --first-spread ${text} is not a number of seconds from 0 to 60`);
}

/** `a,b`, or `*` for all; undefined where nothing is given. */
export function namespacesOf(text: string | undefined): readonly string[] | "all" | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("*")) return "all";
  const wrong = names.find((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name));
  if (wrong === undefined) return names;
  throw new UsageError(
    `mooring connector: --crd-namespaces ${text}: "${wrong}" is not the name of a namespace; write NAME,NAME or *`,
  );
}

type Environment = Readonly<Record<string, string | undefined>>;

/** How it was installed, as the chart says it; a process where nothing says so. */
function installOf(environment: Environment): ConnectorSettings["install"] {
  const kind = environment["MOORING_INSTALL_KIND"];
  return {
    kind: kind === "helm" || kind === "manifest" ? kind : "process",
    namespace: environment["MOORING_INSTALL_NAMESPACE"] ?? null,
    name: environment["MOORING_INSTALL_NAME"] ?? null,
    release: environment["MOORING_INSTALL_RELEASE"] ?? null,
  };
}

/** The pod that it runs in, by the downward API; undefined outside of a cluster. */
function instanceOf(environment: Environment): ConnectorSettings["instance"] {
  const podUid = environment["MOORING_POD_UID"];
  if (podUid === undefined || podUid === "") return undefined;
  const podName = environment["MOORING_POD_NAME"] ?? null;
  return { id: podUid, podUid, podName, leaseUid: null, leaseTransitions: null };
}
