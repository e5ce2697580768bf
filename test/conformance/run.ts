import process from "node:process";
import { parseArgs } from "node:util";
import { LONG, SHORT } from "./case.ts";
import { judgeConnector, judgePlane, type Verdict } from "./judge.ts";

const HELP = `npm run conformance -- [OPTIONS]: is this a control plane, or a connector, of docs/protocol.md?

Without options: this project's own two programs.

  --control-plane URL            one that runs at that address, with --token-file FILE (the operator's token) and
                                 --scale N where it runs at MOORING_TIME_SCALE=N
  --control-plane-command CMD    one that is started by CMD; {listen} is HOST:PORT, {url} its public address, {data} its
                                 folder; --token-file may hold {data}. It is given MOORING_TIME_SCALE
  --connector CMD                a connector that is started by CMD; {url} is its control plane, {config} its file,
                                 {join} the file of its join token, {state} a folder, {listen} HOST:PORT for health and
                                 metrics, {ca} a PEM file to trust. It is given MOORING_TIME_SCALE
  --only N,N                     these cases
  --long                         200 kills, 1,000 delays and reconnects instead of a few

Exit code 1 where a case failed.`;

const { values } = parseArgs({
  options: {
    "control-plane": { type: "string" },
    "control-plane-command": { type: "string" },
    "token-file": { type: "string" },
    connector: { type: "string" },
    scale: { type: "string" },
    only: { type: "string" },
    long: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const MARKS = { passed: "✓", failed: "✗", skipped: "–" } as const;
const rounds = values.long ? LONG : SHORT;
const only = (values.only ?? "").split(",").filter(Boolean).map(Number);
const counts = { passed: 0, failed: 0, skipped: 0 };

function tell({ number, says, outcome, saw }: Verdict): void {
  counts[outcome] += 1;
  console.log(`${MARKS[outcome]} ${String(number).padStart(2)}  ${says}`);
  if (saw !== "") console.log(`       ${saw}`);
}

// A frame that is none makes our scripted ends throw where nobody can catch it.
process.on("uncaughtException", (error) => {
  counts.failed += 1;
  console.log(`✗     a frame that no end may send: ${error.message}`);
});

const url = values["control-plane"];
const command = values["control-plane-command"];
const isOwn = url === undefined && command === undefined && values.connector === undefined;
if (isOwn || url !== undefined || command !== undefined) {
  console.log("A control plane");
  const scale = values.scale === undefined ? {} : { scale: Number(values.scale) };
  await judgePlane(
    { url, tokenFile: values["token-file"], rounds, ...(command === undefined ? {} : { command }), ...scale },
    only,
    tell,
  );
}
if (isOwn || values.connector !== undefined) {
  console.log("\nA connector");
  await judgeConnector({ command: values.connector, rounds }, only, tell);
}
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;
