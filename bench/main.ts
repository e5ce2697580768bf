// Benchmarks against peers: npm run bench -- [NAME …] [--rounds N] [--markdown FILE]
// Linux, as root or not, with the peers of Debian: apt-get install prometheus-blackbox-exporter nats-server prometheus
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { endInOrder } from "../scripts/ending.ts";
import { flagsOf, refused } from "../scripts/flags.ts";
import { checks } from "./b1-checks.ts";
import { fleet } from "./b4-b5-fleet.ts";
import { footprint } from "./b8-footprint.ts";
import { fault } from "./b9-fault.ts";
import { program } from "./processes.ts";
import { type Bench, type Row, rounds, tableOf } from "./rounds.ts";

const BENCHES: readonly Bench[] = [checks, fleet, footprint, fault];

const { values, names } = flagsOf({
  command: "bench",
  does: "builds, and measures against peers; Linux alone",
  flags: {
    rounds: { type: "number", says: "of each comparison", least: 1, most: 1_000, default: 5 },
    markdown: { type: "text", says: "where the table is written as well", takes: "a file", fits: /^[^-]/ },
  },
  names: { what: "benchmark", known: BENCHES.map(({ name }) => name) },
});
endInOrder();

/** `prometheus 2.42.0+ds-5`, as Debian's package manager has it. */
function versionOf(name: string): string {
  try {
    const args = ["-W", "-f", "${Version}", name];
    const stdio = ["ignore", "pipe", "ignore"] as const;
    return `${name} ${execFileSync("dpkg-query", args, { encoding: "utf8", stdio: [...stdio] })}`;
  } catch {
    return refused("bench", `its peer ${name} is not here: apt-get install ${name}`);
  }
}

const wanted = names.length === 0 ? BENCHES : BENCHES.filter(({ name }) => names.includes(name));
const packages = [...new Set(wanted.flatMap((bench) => bench.packages))].map(versionOf);
const root = fileURLToPath(new URL("..", import.meta.url));
const build = program("npm", ["run", "--silent", "--prefix", root, "build"], true);
const [code] = (await once(build.child, "close")) as [number | null];
if (code !== 0) process.exit(1);
const rows: Row[] = [];
for (const bench of wanted) {
  console.log(`${bench.name}: ${bench.says}`);
  rows.push(...(await rounds(bench, values.rounds, (line) => console.log(`  ${line}`))));
}
const table = tableOf(rows);
console.log(
  `\nNode ${process.versions.node} against ${packages.join(", ")}; median (least … most) of the rounds\n`,
);
console.log(table);
if (values.markdown !== undefined) await writeFile(values.markdown, table);
if (rows.some(({ bound, ratio }) => bound !== undefined && !(ratio.median <= bound))) process.exitCode = 1;
