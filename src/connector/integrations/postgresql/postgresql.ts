import type { Socket } from "node:net";
import type { Client } from "pg";
import { z } from "zod";
import type { Stage } from "../../../protocol/stages.ts";
import { endpoint } from "../../dial/address.ts";
import { certificateLeft, dial, secureTarget } from "../../dial/dial.ts";
import { caFile, host, namedProxy, port, proxy, serverName } from "../../dial/target-config.ts";
import { isoDate } from "../../dial/tls.ts";
import { durationWords } from "../../duration.ts";
import { Failure } from "../../failure.ts";
import type { Run } from "../../run.ts";
import type { IntegrationType } from "../integration.ts";
import { explain, refusedQuery } from "./errors.ts";
import { type Account, explainEnd, login } from "./login.ts";
import { askForTls } from "./ssl-request.ts";
import { doubtTurnedAway, type SecondThought } from "./turned-away.ts";

const config = z.strictObject({
  host,
  port: port.optional().describe("default 5432"),
  database: z
    .string("must be the name of a database")
    .min(1, "must be the name of a database")
    .regex(/^\P{Cc}*$/u, "holds a control character, which no name of a database has; leave it out")
    .describe("the name of the database"),
  tls: z
    .strictObject({
      mode: z
        .enum(["disable", "require", "verify"], "must be disable, require or verify")
        .optional()
        .describe("default verify; require encrypts but trusts anyone"),
      ca: caFile.optional(),
      serverName: serverName.optional(),
    })
    .optional()
    .describe("how the connection is encrypted, and how the server's certificate is judged"),
  proxy: proxy.optional(),
});
type Config = z.infer<typeof config>;

const SHAPES = [["username", "password"]] as const;

function portOf(config: Config): number {
  return config.port ?? 5432;
}

function modeOf(config: Config): "disable" | "require" | "verify" {
  return config.tls?.mode ?? "verify";
}

const PROTECTION = { disable: "none", require: "encrypted", verify: "verified" } as const;

/** A connection that is logged in. */
export interface PostgresConnection extends AsyncDisposable {
  readonly client: Client;
}

/** A PostgreSQL database: encryption, login, and the right to connect. */
export const postgresql: IntegrationType<Config, PostgresConnection> = {
  type: "postgresql",
  summary: "A PostgreSQL database: encryption, login, and the right to connect.",
  config,
  secret: { required: true, shapes: SHAPES },
  discovers: true,
  stages(config) {
    const tls: readonly Stage[] = modeOf(config) === "disable" ? [] : ["tls"];
    return ["resolve", "connect", ...tls, "secret", "respond", "authenticate", "authorize"];
  },
  address: (config) => `${endpoint(config.host, portOf(config))}/${config.database}`,
  target: (config) => ({ host: config.host, port: portOf(config), protection: PROTECTION[modeOf(config)] }),
  facts: (config) => ({
    protocol: "PostgreSQL",
    database: config.database,
    starttls: "postgres",
    plainMode: "disable",
  }),
  coverage: () => [
    "Rights inside the database: no table was read and nothing was written.",
    "Discovery, grants and revokes: they were not tried.",
  ],
  files: (config) => (config.tls?.ca === undefined ? [] : [{ path: ["tls", "ca"], file: config.tls.ca }]),
  explain,
  async open(config, run) {
    const target = { host: config.host, port: portOf(config), proxy: namedProxy(config.proxy) };
    const raw = await dial(run, target);
    const mode = modeOf(config);
    const socket = mode === "disable" ? raw : await encrypt(run, raw, config, mode);
    const account = await readAccount(run, config);
    if (mode === "disable") {
      const text = "the login went over a connection without encryption (tls.mode: disable)";
      run.find({ subject: "encryption", verdict: "failed", text });
    }
    const secondThought: SecondThought =
      mode === "disable" ? doubtTurnedAway(run, target) : (failure) => Promise.resolve(failure);
    const client = await login(run, socket, account, secondThought);
    await run.stage("authorize", (signal) => lookAround(run, client, signal));
    return { client, [Symbol.asyncDispose]: () => leave(client, socket) };
  },
};

async function readAccount(run: Run, { database }: Config): Promise<Account> {
  const { username = "", password = "" } = await run.secret(...SHAPES);
  const broken = Object.entries({ username, password }).find(([, value]) => value.includes("\0"));
  if (broken === undefined) return { user: username, password, database };
  const [field] = broken;
  const failure = new Failure("secret", "secret_unparsable", {
    form: "a login",
    trouble: `its ${field} holds a zero character, which PostgreSQL cannot take`,
    example: '{"username": "…", "password": "…"}, without \\u0000',
  });
  return run.stage("secret", () => Promise.reject(failure));
}

function encrypt(run: Run, raw: Socket, config: Config, mode: "require" | "verify"): Promise<Socket> {
  return run.stage("tls", async (signal) => {
    await askForTls(raw, signal);
    const { ca, serverName } = config.tls ?? {};
    const { socket, certificate } = await secureTarget(
      run,
      raw,
      config.host,
      { mode, ca, serverName },
      signal,
    );
    const left = certificateLeft(certificate, run.clock.now());
    const text = `expires at ${isoDate(certificate.valid_to)}, in ${durationWords(left ?? 0)}`;
    if (left !== undefined) run.find({ subject: "certificate", verdict: "passed", text });
    return socket;
  });
}

/** How many slots ordinary accounts have, and how many of them are taken. Readable by every account. */
const SLOTS = `select
  (select count(*) from pg_catalog.pg_stat_activity where backend_type = 'client backend')::int as taken,
  current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true), '0')::int as ordinary`;

/** What a server says is taken for nothing else than numbers: the words that hold them are shown. */
const slotCounts = z.object({ taken: z.int().nonnegative(), ordinary: z.int() });

/**
 * One query proves that the session works, also where it is refused: then the slots were not counted. A check that
 * took the last one says so and leaves at once.
 */
async function lookAround(run: Run, client: Client, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let rows: readonly unknown[];
  try {
    ({ rows } = await client.query<Record<string, unknown>>(SLOTS));
  } catch (error) {
    const code = refusedQuery(error);
    if (code === undefined) throw explainEnd(error, "authorize", "a part");
    const text = `not counted: the server refused the question (${run.shown(code)})`;
    return run.find({ subject: "connections", verdict: "not_checked", text });
  }
  const slots = slotCounts.safeParse(rows[0]).data;
  if (slots === undefined) throw new Failure("respond", "protocol_mismatch");
  const full = slots.taken >= slots.ordinary;
  const text = `${slots.taken} of ${slots.ordinary} connections for ordinary accounts are taken`;
  run.find({ subject: "connections", verdict: full ? "failed" : "passed", text });
}

/** Says goodbye, so that the server's log has no broken connection; waits for the server to hang up. */
async function leave(client: Client, socket: Socket): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once("close", () => resolve());
  });
  client.end(() => {});
  socket.end();
  await closed;
}
