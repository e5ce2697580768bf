/** A real Prometheus (Debian's package) as a process of the test: it scrapes what it is given, and is asked by its API. */
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chartPath } from "../../chart/helm.ts";
import { eventually, freePort } from "../../process/programs.ts";
import { program } from "../binaries.ts";
import { type Server, startServer } from "../processes.ts";

/** A target, with the labels that a PodMonitor gives it. */
export interface Scraped {
  /** HOST:PORT */
  readonly address: string;
  readonly namespace: string;
  readonly job: string;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus extends AsyncDisposable {
  /** What a PromQL query gives now. */
  query(text: string): Promise<readonly Sample[]>;
  /** The alerts that fire. */
  firing(): Promise<readonly Readonly<Record<string, string>>[]>;
  rules(): Promise<
    readonly { readonly name: string; readonly health: string; readonly lastError?: string }[]
  >;
}

/** Scrapes and judges every second; the chart's alerts, which here fire after one second in place of minutes. */
export async function startPrometheus(directory: string, scraped: readonly Scraped[]): Promise<Prometheus> {
  const folder = await mkdtemp(join(directory, "prometheus-"));
  const alerts = await readFile(chartPath("mooring-connector", "files", "alerts.yaml"), "utf8");
  await writeFile(join(folder, "alerts.yaml"), alerts.replaceAll(/for: \d+m/g, "for: 1s"));
  const settings = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: ["alerts.yaml"],
    scrape_configs: [
      {
        job_name: "mooring",
        static_configs: scraped.map(({ address, ...labels }) => ({ targets: [address], labels })),
      },
    ],
  };
  await writeFile(join(folder, "prometheus.yml"), JSON.stringify(settings));
  const address = `127.0.0.1:${await freePort()}`;
  const flags = [
    "--config.file=prometheus.yml",
    "--storage.tsdb.path=data",
    `--web.listen-address=${address}`,
  ];
  const server: Server = startServer("prometheus", [program("prometheus"), ...flags], folder);
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(5_000) });
    const body = (await response.json()) as { status: string; data: T };
    if (body.status !== "success") throw new Error(`prometheus ${path}: ${JSON.stringify(body)}`);
    return body.data;
  };
  await server.until(() =>
    fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return {
    async query(text) {
      interface Vector {
        readonly result: readonly { metric: Sample["metric"]; value: [number, string] }[];
      }
      const { result } = await ask<Vector>(`/api/v1/query?query=${encodeURIComponent(text)}`);
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    async firing() {
      interface Alerts {
        readonly alerts: readonly { labels: Record<string, string>; state: string }[];
      }
      const { alerts } = await ask<Alerts>("/api/v1/alerts");
      return alerts.filter(({ state }) => state === "firing").map(({ labels }) => labels);
    },
    async rules() {
      interface Groups {
        readonly groups: readonly { rules: { name: string; health: string; lastError?: string }[] }[];
      }
      const judged = async () => (await ask<Groups>("/api/v1/rules")).groups.flatMap(({ rules }) => rules);
      return eventually("every rule was judged", async () => {
        const all = await judged();
        return all.some(({ health }) => health === "unknown") ? undefined : all;
      });
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
