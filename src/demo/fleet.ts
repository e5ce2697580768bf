import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ControlPlane } from "../control-plane/main.ts";
import { startControlPlane } from "../control-plane/main.ts";
import { silentLog } from "../control-plane/log.ts";
import { type Listen, StartError } from "../control-plane/settings.ts";
import { ConnectorProcess } from "./connector-process.ts";

export interface FleetSettings {
  /** The demo's own folder. */
  readonly directory: string;
  /** The configuration file. */
  readonly file: string;
  /** Undefined: 127.0.0.1:7480, or the next free port. */
  readonly listen: Listen | undefined;
  readonly operatorToken: string | undefined;
  readonly version: string;
  /** What starts this program: the arguments before the command. */
  readonly program: readonly string[];
}

export interface Fleet {
  readonly controlPlane: ControlPlane;
  readonly connector: ConnectorProcess;
}

const FIRST_PORT = 7480;
const TRIES = 40;

/** A control plane in this process, and a connector in another one that is enrolled with it. */
export async function startFleet(stack: AsyncDisposableStack, settings: FleetSettings): Promise<Fleet> {
  const operatorToken = settings.operatorToken ?? randomBytes(24).toString("base64url");
  const controlPlane = await startOnFreePort(settings, operatorToken);
  stack.defer(() => controlPlane.close(0));
  const { directory, file, program } = settings;
  const token = join(directory, "join-token");
  await writeFile(token, await joinToken(controlPlane.publicUrl, operatorToken), { mode: 0o600 });
  const link = ["--control-plane", controlPlane.publicUrl, "--join-token-file", token];
  const own = ["--state", join(directory, "state"), "--listen", "127.0.0.1:0", "--first-spread", "0"];
  const args = [...program, "connector", file, ...link, ...own];
  const connector = stack.use(new ConnectorProcess(args, join(directory, "connector.log")));
  connector.start();
  return { controlPlane, connector };
}

async function startOnFreePort(settings: FleetSettings, operatorToken: string): Promise<ControlPlane> {
  const { directory, listen, version } = settings;
  const plane = {
    dataDir: join(directory, "data"),
    liveness: "fast" as const,
    operatorToken,
    version,
    log: silentLog,
  };
  if (listen !== undefined) return startControlPlane({ ...plane, listen });
  for (let port = FIRST_PORT; ; port += 1) {
    try {
      return await startControlPlane({ ...plane, listen: { host: "127.0.0.1", port } });
    } catch (error) {
      const taken = error instanceof StartError && isTaken(error.cause);
      if (!taken || port === FIRST_PORT + TRIES) throw error;
    }
  }
}

function isTaken(cause: unknown): boolean {
  return typeof cause === "object" && cause !== null && "code" in cause && cause.code === "EADDRINUSE";
}

/** By the API, as everybody else would ask for one. */
async function joinToken(origin: string, operatorToken: string): Promise<string> {
  const response = await fetch(`${origin}/api/v1/tokens`, {
    method: "POST",
    headers: { authorization: `Bearer ${operatorToken}`, "content-type": "application/json" },
    body: JSON.stringify({ connector: "demo" }),
    signal: AbortSignal.timeout(10_000),
  });
  const { token } = (await response.json()) as { token?: string };
  if (token === undefined)
    throw new Error(`the control plane answered ${response.status} to the request for a token`);
  return token;
}
