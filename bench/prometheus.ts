import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { answered, freePort, program, until } from "./processes.ts";

/** How often it is asked. */
const ASK_MS = 20;

/** Prometheus and the exporter, watching that port. */
export async function prometheus(
  place: string,
  { port, intervalS }: { readonly port: number; readonly intervalS: number },
) {
  const stack = new AsyncDisposableStack();
  const [exporter, server] = [await freePort(), await freePort()];
  const files = {
    modules: join(place, "modules.yml"),
    rules: join(place, "rules.yml"),
    config: join(place, "prometheus.yml"),
  };
  const tcp = { prober: "tcp", timeout: "4s", tcp: { preferred_ip_protocol: "ip4" } };
  await writeFile(files.modules, JSON.stringify({ modules: { tcp } }));
  const rule = { alert: "Down", expr: "probe_success == 0" };
  await writeFile(files.rules, JSON.stringify({ groups: [{ name: "bench", rules: [rule] }] }));
  const job = {
    job_name: "bench",
    metrics_path: "/probe",
    params: { module: ["tcp"], target: [`127.0.0.1:${port}`] },
    static_configs: [{ targets: [`127.0.0.1:${exporter}`] }],
  };
  const every = `${intervalS}s`;
  const global = { scrape_interval: every, scrape_timeout: "4s", evaluation_interval: every };
  await writeFile(files.config, JSON.stringify({ global, rule_files: [files.rules], scrape_configs: [job] }));
  stack.use(
    program("prometheus-blackbox-exporter", [
      `--config.file=${files.modules}`,
      `--web.listen-address=127.0.0.1:${exporter}`,
    ]),
  );
  stack.use(
    program("prometheus", [
      `--config.file=${files.config}`,
      `--web.listen-address=127.0.0.1:${server}`,
      `--storage.tsdb.path=${join(place, "tsdb")}`,
    ]),
  );
  const origin = `http://127.0.0.1:${server}`;
  await answered(`${origin}/-/ready`);
  const queried = async (expression: string): Promise<string | undefined> => {
    const response = await fetch(`${origin}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
    return data.result[0]?.value[1];
  };
  const is = (expression: string, wanted: string | undefined): Promise<unknown> =>
    until(expression, async () => ((await queried(expression)) === wanted ? true : undefined), ASK_MS);
  return {
    stored: (value: "0" | "1") => is("probe_success", value),
    firing: () => is('count(ALERTS{alertstate="firing"})', "1"),
    quiet: () => is('count(ALERTS{alertstate="firing"})', undefined),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
