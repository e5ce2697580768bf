import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent, type Environment, folder, Plane } from "../process/programs.ts";
import { configuration } from "./configuration.ts";
import { crashable } from "./crash.ts";
import type { Canaries } from "./detector.ts";
import { Recorder } from "./recorder.ts";

export const CONNECTOR = "prod";

/** Letters that each encoding writes in its own way. A Bearer token may hold no others than ASCII. */
const AWKWARD = String.raw`"/\+%&'`;

const unique = (name: string, more = ""): string => `cnry-${name}-${randomBytes(9).toString("hex")}${more}`;

/** Secrets of one run. */
export function newValues() {
  return {
    file: unique("file", AWKWARD),
    filePassword: unique("filepw", `${AWKWARD} é€`),
    brokenFile: unique("broken", AWKWARD),
    environmentPassword: unique("env", `${AWKWARD} ü`),
    vaultValue: unique("vault", AWKWARD),
    vaultLoginToken: unique("login"),
    vaultSecretId: unique("secretid"),
    vaultTokenFile: unique("token"),
    mistaken: unique("mistaken", AWKWARD),
  };
}
export type Values = ReturnType<typeof newValues>;

/** Both programs, with targets and a store that repeat whatever they get to know. */
export interface World extends AsyncDisposable {
  readonly values: Values;
  /** The values, and the tokens and the key that the programs made themselves. */
  readonly canaries: Canaries;
  readonly recorder: Recorder;
  readonly plane: Plane;
  readonly agent: Agent;
  /** Of the connector, and of the commands that read its configuration. */
  readonly environment: Environment;
  /** Names of the integrations. */
  readonly integrations: readonly string[];
  /** Where Node puts a report of a crash. */
  readonly reports: string;
}

export async function startWorld(): Promise<World> {
  await using parts = new AsyncDisposableStack();
  const values = newValues();
  const { path: dir } = parts.use(await folder());
  const { environment: crashing, reports } = await crashable(dir);
  const recorder = parts.use(await Recorder.start());
  const debug = ["--log-level", "debug"];
  // It is known by the recorder's address; it is ready at its own.
  const plane = parts.use(await Plane.start({ through: recorder.url, flags: debug, environment: crashing }));
  recorder.to = Number(new URL(plane.own).port);
  const login = { username: "orders", password: values.environmentPassword };
  const environment = { MOORING_SECRET_CANARY: JSON.stringify(login) };
  const wish = await configuration(values, dir, parts);
  const joinTokenFile = await plane.joinToken(CONNECTOR);
  const agent = parts.use(
    await Agent.start({
      ...{ to: plane.url, joinTokenFile, ...wish, flags: debug },
      environment: { ...environment, ...crashing },
    }),
  );
  const canaries = new Map<string, string | Uint8Array>([
    ...Object.entries(values),
    ["joinToken", (await readFile(joinTokenFile, "utf8")).trim()],
    ["operatorToken", plane.token],
    ["viewerToken", (await readFile(join(plane.dir, "data/viewer-token"), "utf8")).trim()],
    ...(await keyOf(agent.state)),
  ]);
  const integrations = wish.integrations.map(({ name }) => name);
  const owned = parts.move();
  return {
    ...{ values, canaries, recorder, plane, agent, environment, integrations, reports },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The connector's private key: as it stands in its file, and its bytes. */
async function keyOf(state: string): Promise<readonly (readonly [string, string | Uint8Array])[]> {
  const text = await readFile(join(state, "key.json"), "utf8");
  const [, d = ""] = /"d":"([\w-]{43})"/.exec(text) ?? [];
  if (d === "") throw new Error("key.json holds no private key");
  return [
    ["connectorKey", d],
    ["connectorKeyBytes", Buffer.from(d, "base64url")],
  ];
}
