// B8: how much memory the agent needs with 200 targets, and how soon after its start it has looked at one and is
// heard by its control plane, against Debian's prometheus-blackbox-exporter. The exporter has no control plane: its
// start to the first answered probe stands against both.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  answered,
  asked,
  folder,
  freePort,
  helper,
  mooring,
  pause,
  program,
  rssOf,
  type Running,
  until,
} from "./processes.ts";
import { controlPlane } from "./plane.ts";
import type { Bench, Figure } from "./rounds.ts";
import { workload, type Workload } from "./workload.ts";

const TARGETS = 200;
const INTERVAL_MS = 10_000;
/** All targets were looked at at least twice. */
const WARM_MS = 25_000;
/** How often it is asked whether it has happened. */
const ASK_MS = 5;
const RSS_BOUND = 2.2;
const START_BOUND = 10;

interface Footprint {
  readonly rss: number;
  readonly firstCheckMs: number;
}

interface OurFootprint extends Footprint {
  readonly sessionMs: number;
  readonly firstAckMs: number;
}

interface Place {
  readonly folder: string;
  readonly many: Workload;
  readonly one: Workload;
  readonly origin: string;
}

async function since(agent: Running, url: string, wanted: RegExp): Promise<number> {
  await until(url, async () => (wanted.test(await (await fetch(url)).text()) ? true : undefined), ASK_MS);
  return performance.now() - agent.startedAt;
}

const LOOKED = /^mooring_\w*probes_total\{.*\} [1-9]/m;
const CONNECTED = /^mooring_\w*control_plane_connected 1$/m;
const HEARD = /^mooring_\w*last_heartbeat_timestamp_seconds [1-9]/m;

async function ours({ folder, many, one, origin }: Place): Promise<OurFootprint> {
  const listen = `127.0.0.1:${await freePort()}`;
  const session = ["--control-plane", origin, "--state", join(folder, "state"), "--first-spread", "0"];
  const enrolment = ["--join-token-file", join(folder, "join")];
  const metrics = `http://${listen}/metrics`;
  const start = (configuration: string): Running =>
    mooring(["connector", configuration, "--listen", listen, ...session, ...enrolment]);
  const first = async (...wanted: RegExp[]): Promise<number[]> => {
    await using agent = start(one.configuration);
    const times: number[] = [];
    for (const each of wanted) times.push(await since(agent, metrics, each));
    return times;
  };
  const [firstCheckMs = Number.NaN] = await first(LOOKED);
  const [sessionMs = Number.NaN, firstAckMs = Number.NaN] = await first(CONNECTED, HEARD);
  await using agent = start(many.configuration);
  await pause(WARM_MS);
  return { firstCheckMs, sessionMs, firstAckMs, rss: await rssOf(agent.pid) };
}

async function peers({ many, one }: Place): Promise<Footprint> {
  const port = await freePort();
  const start = (): Running =>
    program("prometheus-blackbox-exporter", [
      `--config.file=${many.modules}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
  const first = async (): Promise<number> => {
    await using exporter = start();
    const [[module, target] = []] = JSON.parse(await readFile(one.list, "utf8")) as string[][];
    const query = new URLSearchParams({ module: module ?? "", target: target ?? "" }).toString();
    return await since(exporter, `http://127.0.0.1:${port}/probe?${query}`, /^probe_success 1$/m);
  };
  const startMs = await first();
  await using exporter = start();
  await answered(`http://127.0.0.1:${port}/-/healthy`);
  await using scraper = helper("scraper.ts", [String(port), many.list, String(INTERVAL_MS)]);
  await pause(WARM_MS);
  const { bad } = await asked<{ bad: number }>(scraper, "counts");
  if (bad > 0) throw new Error(`${bad} probes failed`);
  return { firstCheckMs: startMs, rss: await rssOf(exporter.pid) };
}

export const footprint: Bench = {
  name: "b8",
  says: `memory with ${TARGETS} mixed targets, and the start, against prometheus-blackbox-exporter`,
  packages: ["prometheus-blackbox-exporter"],
  async open() {
    const stack = new AsyncDisposableStack();
    const { path } = stack.use(await folder());
    const [many, one] = [stack.use(await folder()), stack.use(await folder())];
    const plane = stack.use(await controlPlane(path));
    const place: Place = {
      folder: path,
      many: stack.use(await workload(many.path, TARGETS, INTERVAL_MS)),
      one: stack.use(await workload(one.path, 1, INTERVAL_MS)),
      origin: plane.origin,
    };
    return {
      async round(peerFirst): Promise<readonly Figure[]> {
        const early = peerFirst ? await peers(place) : undefined;
        const own = await ours(place);
        const other = early ?? (await peers(place));
        const start = { unit: "ms", peer: other.firstCheckMs };
        return [
          { what: "B8 memory, 200 targets", unit: "MB", ours: own.rss, peer: other.rss, bound: RSS_BOUND },
          { ...start, what: "B8 start to first check", ours: own.firstCheckMs, bound: START_BOUND },
          { ...start, what: "B8 start to the session", ours: own.sessionMs },
          { ...start, what: "B8 start to first acked beat", ours: own.firstAckMs },
        ];
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  },
};
