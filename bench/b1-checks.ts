// B1: CPU for 1,000 checks, against Debian's prometheus-blackbox-exporter with a scraper at the same rate. Every
// handshake is a fresh one on both sides. The connector's results are scraped every 15 s; those of the exporter are
// its answers. Of the scraper and of the targets no CPU is counted.
import { answered, asked, cpuOf, folder, freePort, helper, mooring, pause, program } from "./processes.ts";
import type { Bench, Figure } from "./rounds.ts";
import { workload, type Workload } from "./workload.ts";

const TARGETS = Number(process.env["BENCH_TARGETS"] ?? 1_000);
const INTERVAL_MS = 10_000;
/** Every target was looked at, and the code is warm. */
const WARM_MS = 15_000;
const SCRAPE_MS = 15_000;
const BOUND = 0.4;

interface Cost {
  /** Milliseconds of CPU for 1,000 checks. */
  readonly perThousand: number;
}

/** Looks by the connector's own count. A look that did not pass spoils the comparison. */
function looksIn(metrics: string): number {
  let looks = 0;
  for (const [, result, count] of metrics.matchAll(
    /^mooring_\w*probes_total\{.*result="(\w+)".*\} (\d+)$/gm,
  )) {
    if (result !== "online" && Number(count) > 0) throw new Error(`${count} checks ended in ${result}`);
    looks += Number(count);
  }
  return looks;
}

async function ours({ configuration }: Workload, tune: readonly string[]): Promise<Cost> {
  const listen = `127.0.0.1:${await freePort()}`;
  await using connector = mooring(["connector", configuration, "--listen", listen, ...tune]);
  const scrape = async (): Promise<number> => looksIn(await answered(`http://${listen}/metrics`));
  await pause(WARM_MS);
  const looked = await scrape();
  const used = await cpuOf(connector.pid);
  await pause(SCRAPE_MS);
  const looks = (await scrape()) - looked;
  return { perThousand: ((await cpuOf(connector.pid)) - used) / (looks / 1_000) };
}

async function peers({ modules, list }: Workload): Promise<Cost> {
  const port = await freePort();
  const args = [`--config.file=${modules}`, `--web.listen-address=127.0.0.1:${port}`];
  await using exporter = program("prometheus-blackbox-exporter", args);
  await answered(`http://127.0.0.1:${port}/-/healthy`);
  await using scraper = helper("scraper.ts", [String(port), list, String(INTERVAL_MS)]);
  const counts = async (): Promise<number> => {
    const { good, bad } = await asked<{ good: number; bad: number }>(scraper, "counts");
    if (bad > 0) throw new Error(`${bad} probes failed`);
    return good;
  };
  await pause(WARM_MS);
  const probed = await counts();
  const used = await cpuOf(exporter.pid);
  await pause(SCRAPE_MS);
  const probes = (await counts()) - probed;
  return { perThousand: ((await cpuOf(exporter.pid)) - used) / (probes / 1_000) };
}

export const checks: Bench = {
  name: "b1",
  says: `CPU of ${TARGETS} mixed checks every ${INTERVAL_MS / 1000} s against prometheus-blackbox-exporter`,
  packages: ["prometheus-blackbox-exporter"],
  async open() {
    const place = await folder();
    const work = await workload(place.path, TARGETS, INTERVAL_MS);
    const both = {
      memory: () => ours(work, []),
      speed: () => ours(work, ["--tune", "speed"]),
      peer: () => peers(work),
    };
    return {
      async round(peerFirst): Promise<readonly Figure[]> {
        const cost = { memory: Number.NaN, speed: Number.NaN, peer: Number.NaN };
        const order = peerFirst
          ? (["peer", "speed", "memory"] as const)
          : (["memory", "speed", "peer"] as const);
        for (const side of order) cost[side] = (await both[side]()).perThousand;
        const what = { unit: "ms CPU / 1,000", peer: cost.peer, bound: BOUND };
        return [
          { ...what, what: "B1 checks, --tune memory", ours: cost.memory },
          { ...what, what: "B1 checks, --tune speed", ours: cost.speed },
        ];
      },
      async [Symbol.asyncDispose]() {
        await work[Symbol.asyncDispose]();
        await place[Symbol.asyncDispose]();
      },
    };
  },
};
