import { type Case, NotJudged } from "./case.ts";
import { CONNECTOR_CASES } from "./connector-cases.ts";
import { PLANE_CASES } from "./plane-cases.ts";
import { ConnectorSubject, type ConnectorWish, PlaneSubject, type PlaneWish } from "./subjects.ts";

/** What came of a case. */
export interface Verdict {
  readonly number: number;
  readonly says: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** What was seen where it failed, or why it was skipped. */
  readonly saw: string;
}
export type Tell = (verdict: Verdict) => void;

/** How much of a program's output is told. */
const MOST_WORDS = 1_000;
const MOST_LINES = 3;

/** Runs a case; on a busy machine a deadline may be missed by it, so it is run once more before it counts as failed. */
export async function judge<S extends Judged>(one: Case<S>, subject: S): Promise<Verdict> {
  const first = await attempt(one, subject);
  if (first instanceof NotJudged) return verdict(one, "skipped", first.message);
  if (first === undefined) return verdict(one, "passed");
  const second = await attempt(one, subject);
  if (second instanceof NotJudged) return verdict(one, "skipped", second.message);
  return second === undefined
    ? verdict(one, "passed", `at the second try; the first one saw: ${first}`)
    : verdict(one, "failed", [second, ...lastWords(subject)].join("\n"));
}

/** What is judged, with all that its newest program wrote. */
interface Judged {
  readonly output: string;
}

/** The last lines of the program, where it wrote any. */
function lastWords({ output }: Judged): readonly string[] {
  const lines = output.trim().slice(-MOST_WORDS).split("\n").slice(-MOST_LINES);
  return lines.join("") === "" ? [] : ["the program's last words:", ...lines.map((line) => `  ${line}`)];
}

async function attempt<S>(one: Case<S>, subject: S): Promise<string | NotJudged | undefined> {
  try {
    await one.run(subject);
    return undefined;
  } catch (error) {
    if (error instanceof NotJudged) return error;
    return error instanceof Error ? error.message : String(error);
  }
}

function verdict({ number, says }: Case<never>, outcome: Verdict["outcome"], saw = ""): Verdict {
  return { number, says, outcome, saw };
}

/** Puts a control plane to all of its cases; a program of its own for each time scale. */
export async function judgePlane(
  wish: PlaneWish & { readonly scale?: number | undefined },
  only: readonly number[],
  tell: Tell,
): Promise<void> {
  const cases = chosen(PLANE_CASES, only);
  const scales = [...new Set(cases.map(({ scale }) => scale))];
  const judgeAt = async (scale: number): Promise<void> => {
    await using plane = await PlaneSubject.start(scale, wish);
    for (const one of cases.filter((candidate) => candidate.scale === scale)) {
      const why = whyNot(one, wish);
      const judged = why === undefined ? await judge(one, plane) : verdict(one, "skipped", why);
      tell(withUnseen(judged, one, plane));
      await plane.start();
    }
  };
  if (wish.url === undefined) await Promise.all(scales.map(judgeAt));
  else for (const scale of scales) await judgeAt(scale);
}

/** A case that passed without what only a program of its own shows says so. */
function withUnseen(judged: Verdict, { looksAt }: Case<PlaneSubject>, { program }: PlaneSubject): Verdict {
  if (program !== undefined || looksAt === undefined || judged.outcome !== "passed") return judged;
  const saw = `not seen: ${looksAt}, for which it has to be started here (--control-plane-command)`;
  return { ...judged, saw: [judged.saw, saw].filter(Boolean).join("; ") };
}

function whyNot(
  { needs, scale }: Case<PlaneSubject>,
  { url, scale: given = 1 }: PlaneWish & { readonly scale?: number | undefined },
): string | undefined {
  if (url === undefined) return undefined;
  if (needs === "restart")
    return "it ends and starts the control plane: give its command by --control-plane-command";
  return scale === given
    ? undefined
    : `its durations are those of MOORING_TIME_SCALE=${scale}: give --scale where yours runs at that`;
}

/** Connectors that are judged at the same time: most of it is waiting. */
const AT_ONCE = 3;

/** Puts a connector to all of its cases, each with a process of its own. */
export async function judgeConnector(
  wish: ConnectorWish,
  only: readonly number[],
  tell: Tell,
): Promise<void> {
  const waiting = [...chosen(CONNECTOR_CASES, only)];
  const worker = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift())
      tell(await judge(one, new ConnectorSubject(one.scale, wish)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function chosen<S>(cases: readonly Case<S>[], only: readonly number[]): readonly Case<S>[] {
  return only.length === 0 ? cases : cases.filter(({ number }) => only.includes(number));
}
