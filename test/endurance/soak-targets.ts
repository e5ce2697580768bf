import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Postgres, PostgresAbsent, startPostgres } from "../../src/demo/postgres.ts";
import type { Authority } from "../../src/demo/certificates.ts";
import { httpsServer, scripted, silent, tlsServer } from "../fake/targets.ts";
import { type Flipping, flipping } from "../process/flipping.ts";
import { folder, tcp } from "../process/programs.ts";

const INTERVAL = "5s";

/** What the connectors of a soak look at: one target of each kind, some of which change. */
export interface SoakTargets extends AsyncDisposable {
  /** Changes at every look, and knows what it answered. */
  readonly flipping: Flipping;
  /** What every connector looks at besides; `n` keeps the names apart. */
  readonly others: readonly object[];
  /** The name of one of those, which always works. */
  readonly steady: string;
  readonly secretStores: readonly object[];
  /** Secrets of the store env. */
  readonly environment: Readonly<Record<string, string>>;
  /** Writes the file secret anew. */
  rotate(): Promise<void>;
  /** Breaks what works, and heals what is broken: the TCP port and PostgreSQL. */
  flip(): Promise<void>;
  /** What is missing on this machine, one line each. */
  readonly without: readonly string[];
}

/** So many integrations that change; a few of each other kind for each connector. */
export async function soakTargets(
  changing: number,
  trust: { readonly authority: Authority; readonly ca: string },
): Promise<SoakTargets> {
  await using parts = new AsyncDisposableStack();
  const { path } = parts.use(await folder());
  const { certPem, keyPem } = await trust.authority.issue({ names: ["127.0.0.1"] });
  // With its issuer, as servers do.
  const pair = { cert: `${certPem}\n${trust.authority.certPem}`, key: keyPem };
  const bearer = `canary-soak-${randomUUID()}`;
  let isUp = true;
  const port = parts.use(await scripted((socket) => (isUp ? socket.resume() : socket.resetAndDestroy())));
  const well = parts.use(await silent());
  const secure = parts.use(await tlsServer({ ...pair }));
  const asked = parts.use(
    await httpsServer(pair, ({ headers }, response) =>
      response.writeHead(headers.authorization === `Bearer ${bearer}` ? 200 : 401).end("well\n"),
    ),
  );
  const postgres = await postgresOf(parts);
  const login = { username: "postgres", password: postgres?.password ?? "" };
  const file = join(path, "login.json");
  const rotate = (): Promise<void> => writeFile(file, JSON.stringify({ ...login, turn: Date.now() }));
  await rotate();
  const tls = { ca: trust.ca };
  const kinds: readonly ((n: number) => object)[] = [
    (n) => tcp(`port-${n}`, port.port, { interval: INTERVAL, failureThreshold: 1 }),
    (n) => tcp(`well-${n}`, well.port, { interval: INTERVAL }),
    (n) => one(`secure-${n}`, "tls", { host: "127.0.0.1", port: secure.port, tls }),
    (n) => one(`untrusted-${n}`, "tls", { host: "127.0.0.1", port: secure.port }),
    (n) => ({
      ...one(`asked-${n}`, "http", { url: `https://127.0.0.1:${asked.port}/${n}`, tls }),
      secret: { store: "env", variable: "MOORING_SECRET_SOAK" },
    }),
    (n) => ({
      ...one(`database-${n}`, "postgresql", {
        host: "127.0.0.1",
        port: postgres?.server.port ?? 1,
        database: "postgres",
        tls: { mode: "disable" },
      }),
      secret: { store: "files", path: file },
    }),
  ];
  const present = postgres === undefined ? kinds.slice(0, -1) : kinds;
  const changes = parts.use(await flipping(changing));
  const kept = parts.move();
  return {
    flipping: changes,
    others: present.flatMap((kind) => [1, 2, 3].map(kind)),
    steady: "well-1",
    secretStores: [{ name: "files", type: "file", config: { reread: "1s" } }],
    environment: { MOORING_SECRET_SOAK: bearer },
    rotate,
    flip: async () => {
      isUp = !isUp;
      await (isUp ? postgres?.server.start() : postgres?.server.stop("fast"));
    },
    without: postgres === undefined ? ["PostgreSQL is not installed: no integration of its type"] : [],
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function one(name: string, type: string, config: object): object {
  return { name, type, interval: INTERVAL, failureThreshold: 1, config };
}

async function postgresOf(
  parts: AsyncDisposableStack,
): Promise<{ readonly server: Postgres; readonly password: string } | undefined> {
  const password = `canary-soak-${randomUUID()}`;
  try {
    return { server: parts.use(await startPostgres({ superuserPassword: password })), password };
  } catch (error) {
    if (error instanceof PostgresAbsent) return undefined;
    throw error;
  }
}
