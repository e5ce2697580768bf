// B4 and B5: memory of a connected connector, and CPU of 10,000 heartbeats every 5 s each, of the control plane with
// its store, against Debian's nats-server over WebSocket, whose clients publish as many bytes and wait for +OK. Of the
// clients nothing is counted.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BEAT_MS } from "./fleet-beat.ts";
import {
  answered,
  asked,
  cpuOf,
  folder,
  freePort,
  helper,
  listening,
  mooring,
  pause,
  program,
  rssOf,
  type Running,
} from "./processes.ts";
import { type Bench, type Figure, spreadOf } from "./rounds.ts";

const CLIENTS = Number(process.env["BENCH_CLIENTS"] ?? 2_000);
const EMPTY_MS = 3_000;
const WARM_MS = 3 * BEAT_MS;
const LOOKS = 15;
/** Bytes of the frame that a connector without integrations beats with. */
const BEAT_BYTES = 560;

interface Cost {
  readonly kilobytes: number;
  readonly perTenThousand: number;
}

/** Memory and CPU of a server while its clients beat. */
async function costOf(server: Running, clients: Running): Promise<Cost> {
  await pause(EMPTY_MS);
  const empty = await rssOf(server.pid);
  await asked(clients, "connect");
  await pause(WARM_MS);
  const [beats, used] = [await asked<number>(clients, "count"), await cpuOf(server.pid)];
  const rss: number[] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    await pause(1_000);
    rss.push(await rssOf(server.pid));
  }
  const beaten = (await asked<number>(clients, "count")) - beats;
  if (beaten < 0.8 * CLIENTS * ((LOOKS * 1_000) / BEAT_MS))
    throw new Error(`only ${beaten} beats were answered`);
  return {
    kilobytes: ((spreadOf(rss).median - empty) * 1_000) / CLIENTS,
    perTenThousand: (((await cpuOf(server.pid)) - used) / beaten) * 10_000,
  };
}

interface Ours extends AsyncDisposable {
  cost(): Promise<Cost>;
}

/** The fleet, enrolled once, and a control plane that is started anew for each round. */
async function ours(place: string): Promise<Ours> {
  const fleet = helper("fleet.ts", [String(CLIENTS)]);
  const port = await freePort();
  const [origin, data] = [`http://127.0.0.1:${port}`, join(place, "data")];
  const args = [
    "--listen",
    `127.0.0.1:${port}`,
    "--data",
    data,
    "--liveness",
    "fast",
    "--admission-rate",
    "1000",
  ];
  const started = async (): Promise<Running> => {
    const plane = mooring(["control-plane", ...args, "--log-level", "warn"]);
    await answered(`${origin}/readyz`);
    const token = (await readFile(join(data, "operator-token"), "utf8")).trim();
    fleet.child.send(JSON.stringify({ origin, token }));
    return plane;
  };
  const first = await started();
  await asked(fleet, "enrol");
  await first[Symbol.asyncDispose]();
  return {
    async cost() {
      await using plane = await started();
      const cost = await costOf(plane, fleet);
      await asked(fleet, "leave");
      return cost;
    },
    [Symbol.asyncDispose]: () => fleet[Symbol.asyncDispose](),
  };
}

async function peers(place: string): Promise<Cost> {
  const [port, webSocket] = [await freePort(), await freePort()];
  const config = join(place, "nats.conf");
  const lines = [
    `listen: 127.0.0.1:${port}`,
    `websocket { host: 127.0.0.1, port: ${webSocket}, no_tls: true }`,
  ];
  await writeFile(config, lines.join("\n"));
  await using server = program("nats-server", ["-c", config]);
  await listening(webSocket);
  const url = `ws://127.0.0.1:${webSocket}`;
  await using clients = helper("nats-fleet.ts", [String(CLIENTS), url, String(BEAT_BYTES)]);
  return await costOf(server, clients);
}

export const fleet: Bench = {
  name: "b4-b5",
  says: `memory and CPU of ${CLIENTS} connectors that beat every ${BEAT_MS / 1000} s against nats-server`,
  packages: ["nats-server"],
  async open() {
    const place = await folder();
    const mine = await ours(place.path);
    return {
      async round(peerFirst): Promise<readonly Figure[]> {
        const early = peerFirst ? await peers(place.path) : undefined;
        const own = await mine.cost();
        const other = early ?? (await peers(place.path));
        return [
          {
            what: "B4 memory of a connector",
            unit: "KB",
            ours: own.kilobytes,
            peer: other.kilobytes,
            bound: 0.5,
          },
          {
            what: "B5 10,000 heartbeats",
            unit: "ms CPU",
            ours: own.perTenThousand,
            peer: other.perTenThousand,
            bound: 1.6,
          },
        ];
      },
      async [Symbol.asyncDispose]() {
        await mine[Symbol.asyncDispose]();
        await place[Symbol.asyncDispose]();
      },
    };
  },
};
