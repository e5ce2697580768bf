// Benchmarks against peers: npm run bench -- [NAME …] [--rounds N] [--markdown FILE]
// Linux, as root or not, with the peers of Debian: apt-get install prometheus-blackbox-exporter nats-server prometheus
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { checks } from "./b1-checks.ts";
import { fleet } from "./b4-b5-fleet.ts";
import { footprint } from "./b8-footprint.ts";
import { fault } from "./b9-fault.ts";
import { type Bench, type Row, rounds, tableOf } from "./rounds.ts";

const BENCHES: readonly Bench[] = [checks, fleet, footprint, fault];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "5" }, markdown: { type: "string" } },
});

/** `prometheus 2.42.0+ds-5`, as Debian's package manager has it. */
function versionOf(name: string): string {
  const version = execFileSync("dpkg-query", ["-W", "-f", "${Version}", name], { encoding: "utf8" });
  return `${name} ${version}`;
}

const names = positionals.length > 0 ? positionals : BENCHES.map(({ name }) => name);
const wanted = names.map((name) => {
  const known = BENCHES.find((bench) => bench.name === name);
  if (known === undefined)
    throw new Error(
      `there is no benchmark ${name}; there are ${BENCHES.map((bench) => bench.name).join(", ")}`,
    );
  return known;
});
const packages = [...new Set(wanted.flatMap((bench) => bench.packages))].map(versionOf);
const rows: Row[] = [];
for (const bench of wanted) {
  console.log(`${bench.name}: ${bench.says}`);
  rows.push(...(await rounds(bench, Number(values.rounds), (line) => console.log(`  ${line}`))));
}
const table = tableOf(rows);
console.log(
  `\nNode ${process.versions.node} against ${packages.join(", ")}; median (least … most) of the rounds\n`,
);
console.log(table);
if (values.markdown !== undefined) await writeFile(values.markdown, table);
if (rows.some(({ bound, ratio }) => bound !== undefined && !(ratio.median <= bound))) process.exitCode = 1;
