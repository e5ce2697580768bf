import process from "node:process";
import manifest from "../../package.json" with { type: "json" };
import type { ControlPlane } from "../control-plane/main.ts";
import type { Settings } from "../control-plane/settings.ts";
import { type Command, type Given, UsageError } from "./command.ts";
import { preferSmallGarbage } from "./small-memory.ts";
import { firstSignal, listenOf, numberOf, tokenIn } from "./settings.ts";

const DEFAULT_LISTEN = { host: "127.0.0.1", port: 7480 };
/** How long the connectors are told to go before the sockets end. Milliseconds. */
const DRAIN_MS = 5_000;

export const controlPlane: Command = {
  name: "control-plane",
  usage: "control-plane [--listen HOST:PORT] [--data DIR]",
  says: "Runs the control plane: connectors report to it, and it answers the API.",
  flags: {
    listen: { value: "HOST:PORT", says: "connectors and API; 127.0.0.1:7480" },
    "health-listen": {
      value: "HOST:PORT",
      says: "health and metrics, plain; the main listener where that is loopback",
    },
    data: { value: "DIR", says: "where it keeps its database and its tokens; ./mooring-data" },
    "tls-cert": { value: "FILE", says: "PEM certificate and chain; read again when it changes" },
    "tls-key": { value: "FILE", says: "PEM key of the certificate" },
    "behind-tls-proxy": { says: "TLS ends at a proxy in front of it" },
    "public-url": { value: "URL", says: "the address that users and connectors know: https://HOST" },
    liveness: { value: "PROFILE", says: "standard (silence is told after 45 s) or fast (16 s); standard" },
    "admission-rate": { value: "N", says: "connections that are taken in a second; 200" },
    chart: { value: "REF", says: 'the chart that "add a connector" names' },
    "log-level": { value: "LEVEL", says: "debug, info, warn or error; info" },
  },
  args: [0, 0],
  async run(given) {
    const stopped = firstSignal();
    const settings = await settingsOf(given);
    preferSmallGarbage();
    const { startControlPlane } = await import("../control-plane/main.ts");
    const running = await startControlPlane(settings).catch(wrongUse);
    process.stderr.write(greeting(running));
    await stopped;
    await running.close(DRAIN_MS);
    return 0;
  },
};

async function wrongUse(error: unknown): Promise<never> {
  const { SettingsError, StartError } = await import("../control-plane/settings.ts");
  if (!(error instanceof SettingsError) && !(error instanceof StartError)) throw error;
  throw new UsageError(`mooring control-plane: ${error.message}`);
}

async function settingsOf(given: Given): Promise<Settings> {
  const certFile = given.flag("tls-cert");
  const keyFile = given.flag("tls-key");
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new UsageError("mooring control-plane: --tls-cert and --tls-key go together; name both");
  }
  const liveness = given.flag("liveness") ?? "standard";
  if (liveness !== "standard" && liveness !== "fast") {
    throw new UsageError(
      `mooring control-plane: --liveness ${liveness} is not known; write standard or fast`,
    );
  }
  return {
    listen: listenOf("control-plane", "listen", given, DEFAULT_LISTEN) ?? DEFAULT_LISTEN,
    healthListen: listenOf("control-plane", "health-listen", given),
    dataDir: given.flag("data") ?? "mooring-data",
    tls: certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile },
    behindTlsProxy: given.isSet("behind-tls-proxy"),
    publicUrl: given.flag("public-url"),
    liveness,
    timeScale: numberOf("control-plane", "MOORING_TIME_SCALE", process.env["MOORING_TIME_SCALE"]),
    admissionRate: numberOf("control-plane", "--admission-rate", given.flag("admission-rate")),
    operatorToken: await tokenIn("control-plane", "MOORING_OPERATOR_TOKEN_FILE"),
    viewerToken: await tokenIn("control-plane", "MOORING_VIEWER_TOKEN_FILE"),
    chart: given.flag("chart"),
    cluster: clusterOf(process.env),
    version: manifest.version,
    log: await logOf(given.flag("log-level")),
  };
}

/** Where a Pod finds its cluster and its own ServiceAccount. Whether there is one is found out when it is asked. */
function clusterOf(environment: Readonly<Record<string, string | undefined>>): Settings["cluster"] {
  return {
    host: environment["KUBERNETES_SERVICE_HOST"] || "kubernetes.default.svc",
    port:
      Number(environment["KUBERNETES_SERVICE_PORT_HTTPS"] || environment["KUBERNETES_SERVICE_PORT"]) || 443,
    directory: environment["MOORING_SERVICE_ACCOUNT_DIR"] || "/var/run/secrets/kubernetes.io/serviceaccount",
  };
}

/** JSON lines on standard output. */
async function logOf(level: string | undefined): Promise<Settings["log"]> {
  const known = ["debug", "info", "warn", "error"];
  if (level !== undefined && !known.includes(level)) {
    throw new UsageError(
      `mooring control-plane: --log-level ${level} is not known; write ${known.join(", ")}`,
    );
  }
  const { pino } = await import("pino");
  const logger = pino({
    level: level ?? "info",
    messageKey: "message",
    base: { service: "mooring-control-plane", version: manifest.version },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
  return {
    info: (facts, words) => logger.info(facts, words),
    warn: (facts, words) => logger.warn(facts, words),
    error: (facts, words) => logger.error(facts, words),
  };
}

/** Where it is and where the token lies, for the person who started it; standard output is for the log alone. */
function greeting({ publicUrl, healthAddress, operatorTokenFile }: ControlPlane): string {
  const lines = [`Mooring control plane: ${publicUrl}`];
  if (healthAddress !== undefined)
    lines.push(`Health and metrics: http://${healthAddress.host}:${healthAddress.port}`);
  if (operatorTokenFile !== undefined) lines.push(`Operator token: ${operatorTokenFile}`);
  return `${lines.join("\n")}\n`;
}
