import process from "node:process";
import { type Case, LONG, SHORT } from "./case.ts";
import { CONNECTOR_CASES } from "./connector-cases.ts";
import { judgeConnector, judgePlane, type Verdict } from "./judge.ts";
import { PLANE_CASES } from "./plane-cases.ts";
import { probeConnector, probePlane } from "./probe.ts";
import { endAll } from "./running.ts";
import { chosenOf, HELP, Refusal, type Wish, wishOf } from "./wish.ts";

const MARKS = { passed: "✓", failed: "✗", skipped: "–" } as const;
/** What our scripted ends throw at a frame that is none: nobody can catch it there. */
const NO_FRAME = /^the (control plane|connector) sent /;
let isEnding = false;
const counts = { passed: 0, failed: 0, skipped: 0 };

function tell({ number, says, outcome, saw }: Verdict): void {
  // What is judged while its programs are being ended says nothing of them.
  if (isEnding) return;
  counts[outcome] += 1;
  console.log(`${MARKS[outcome]} ${String(number).padStart(2)}  ${says}`);
  if (saw !== "") console.log(`       ${saw.replaceAll("\n", "\n       ")}`);
  if (outcome === "failed") console.log(`       again: ${again(number)}`);
}

/** The command that runs one case as this run did. */
function again(number: number): string {
  const args = process.argv.slice(2);
  const at = args.findIndex((arg) => arg === "--only");
  if (at >= 0) args.splice(at, 2);
  const kept = args.filter((arg) => !arg.startsWith("--only="));
  const quoted = kept.map((arg) => (/^[\w./:=@-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`));
  return ["npm run conformance --", ...quoted, "--only", number].join(" ");
}

/** Ends what runs; folders go with the process. */
async function end(code: number): Promise<never> {
  isEnding = true;
  await endAll();
  process.exit(code);
}

function listen(): void {
  // Whoever read what is told is gone: there is nobody to judge for.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => void end(1));
  process.on("SIGINT", () => void end(130));
  process.on("SIGTERM", () => void end(143));
  process.on("uncaughtException", (error, origin) => {
    if (isEnding) return;
    const isTheirs = NO_FRAME.test(error.message) || origin === "unhandledRejection";
    if (!isTheirs) {
      console.error(`conformance: the run itself broke: ${error.stack}`);
      void end(1);
      return;
    }
    // A promise of a scripted end that its case waits for no more is rejected by what the other end did.
    counts.failed += 1;
    const what = NO_FRAME.test(error.message)
      ? "a frame that no end may send"
      : "an end of ours was left with";
    console.log(`✗     ${what}: ${error.message}`);
  });
}

async function judgeAll(wish: Wish): Promise<void> {
  const { url, command, tokenFile, connector, scale } = wish;
  const isOwn = url === undefined && command === undefined && connector === undefined;
  const isPlane = isOwn || url !== undefined || command !== undefined;
  const isConnector = isOwn || connector !== undefined;
  const cases: readonly Case<never>[] = [
    ...(isPlane ? PLANE_CASES : []),
    ...(isConnector ? CONNECTOR_CASES : []),
  ];
  const only = chosenOf(
    wish.only,
    cases.map(({ number }) => number),
  );
  const has = (some: readonly Case<never>[]): boolean =>
    only.length === 0 || some.some(({ number }) => only.includes(number));
  const rounds = wish.long ? LONG : SHORT;
  const hasPlane = isPlane && has(PLANE_CASES);
  if (hasPlane) {
    const plane = { url, tokenFile, rounds, command };
    if (!isOwn) await probePlane(plane, scale ?? 0.01);
    console.log("A control plane");
    await judgePlane({ ...plane, scale }, only, tell);
  }
  if (isConnector && has(CONNECTOR_CASES)) {
    if (!isOwn) await probeConnector({ command: connector });
    console.log(`${hasPlane ? "\n" : ""}A connector`);
    await judgeConnector({ command: connector, rounds }, only, tell);
  }
}

async function main(): Promise<number> {
  const wish = wishOf(process.argv.slice(2));
  if (wish.help) {
    console.log(HELP);
    return 0;
  }
  await judgeAll(wish);
  console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  if (counts.passed + counts.failed > 0) return counts.failed === 0 ? 0 : 1;
  console.error(
    "conformance: nothing was judged: each case was skipped; the lines above say what each one needs",
  );
  return 1;
}

listen();
try {
  await end(await main());
} catch (error) {
  const isKnown = error instanceof Refusal;
  console.error(`conformance: ${isKnown ? error.message : `the run itself broke: ${String(error)}`}`);
  await end(isKnown ? error.code : 1);
}
