// How late looks begin when a secret store is away: the same integrations twice, once beside a hundred others whose
// store takes connections and never answers. node bench/store-away.ts
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttp } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const HEALTHY = 200;
const WAITING = 100;
const SECONDS = 60;

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Upper bound of the bucket in which the quantile lies, from a Prometheus histogram. */
function quantile(
  text: string,
  name: string,
  q: number,
): { readonly seconds: string; readonly looks: number } {
  const buckets = [...text.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} (\\d+)$`, "gm"))].map(
    ([, le = "", count]) => ({ le, count: Number(count) }),
  );
  const looks = buckets.at(-1)?.count ?? 0;
  return { seconds: buckets.find(({ count }) => count >= q * looks)?.le ?? "?", looks };
}

async function run(waiting: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "mooring-bench-"));
  const target = createHttp((_request, response) => response.end("ok"));
  const silent = createServer(() => {});
  const [port, away] = [await listening(target), await listening(silent)];
  const url = `http://127.0.0.1:${port}/`;
  await writeFile(join(directory, "token"), "canary");
  const auth = { method: "token", tokenFile: "./token" };
  const healthy = Array.from({ length: HEALTHY }, (_, index) => ({
    ...{ name: `healthy-${index}`, type: "http", interval: "5s", timeout: "4s", config: { url } },
    secret: { store: "file", path: "./token" },
  }));
  const others = Array.from({ length: waiting }, (_, index) => ({
    ...{ name: `waiting-${index}`, type: "http", interval: "5s", timeout: "4s", config: { url } },
    secret: { store: "vault", mount: "kv", path: `secret-${index}`, fields: { token: "token" } },
  }));
  const stores = [{ name: "vault", type: "vault", config: { address: `http://127.0.0.1:${away}`, auth } }];
  const file = join(directory, "mooring.yaml");
  await writeFile(file, JSON.stringify({ secretStores: stores, integrations: [...healthy, ...others] }));
  const probe = createServer();
  const listen = await listening(probe);
  await new Promise((resolve) => probe.close(resolve));
  const child = spawn("node", ["bin/mooring.js", "connector", file, "--listen", `127.0.0.1:${listen}`], {
    stdio: "ignore",
  });
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  const text = await (await fetch(`http://127.0.0.1:${listen}/metrics`)).text();
  const { seconds, looks } = quantile(text, "mooring_probe_lateness_seconds", 0.99);
  console.log(
    `${String(waiting).padStart(4)} waiting for their store: ${looks} looks, p99 late at most ${seconds} s`,
  );
  child.kill("SIGTERM");
  await once(child, "exit");
  target.close().closeAllConnections();
  silent.close();
  await rm(directory, { recursive: true });
}

await run(0);
await run(WAITING);
process.exit(0);
