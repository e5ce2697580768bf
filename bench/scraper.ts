// What Prometheus does to blackbox_exporter: one request for each target and interval, spread evenly.
// node bench/scraper.ts PORT FILE INTERVAL_MS; FILE holds a JSON list of [module, target].
import { readFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { answers } from "./processes.ts";

const [port = "", file = "", interval = ""] = process.argv.slice(2);
const targets = JSON.parse(readFileSync(file, "utf8")) as [module: string, target: string][];
const intervalMs = Number(interval);
const agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 64 });
const counts = { good: 0, bad: 0 };

function scrape([module, target]: readonly [string, string]): void {
  const query = new URLSearchParams({ module, target }).toString();
  const count = (text: string): void => {
    if (text.includes("\nprobe_success 1")) counts.good += 1;
    else counts.bad += 1;
  };
  get({ agent, host: "127.0.0.1", port: Number(port), path: `/probe?${query}` }, (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (part: string) => (text += part));
    response.on("end", () => count(text));
  }).on("error", () => (counts.bad += 1));
}

for (const [index, target] of targets.entries()) {
  setTimeout(
    () => {
      scrape(target);
      setInterval(() => scrape(target), intervalMs);
    },
    (index / targets.length) * intervalMs,
  );
}
answers({ counts: () => counts });
