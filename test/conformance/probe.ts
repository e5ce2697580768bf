import { fakeControlPlane } from "../fake/control-plane.ts";
import { eventually } from "../process/programs.ts";
import { ConnectorSubject, type ConnectorWish, PlaneSubject, type PlaneWish } from "./subjects.ts";
import { Refusal } from "./wish.ts";

/** How long a start and a connector's first word are waited for, milliseconds. */
const START_MS = 30_000;
const FIRST_WORD_MS = 20_000;

const wordsOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const more = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : "";
  return more === "" ? error.message : `${error.message} (${more})`;
};
/** The last words of a program, in one line. */
const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, " | ");

/** One look before the cases: is it a Mooring control plane, and is the token its operator's? Throws a Refusal. */
export async function probePlane(wish: PlaneWish, scale: number): Promise<void> {
  await using plane = await startedPlane(wish, scale);
  const listed = await answerOf(plane, "GET", "/connectors");
  if (listed.status === 401 || listed.status === 403)
    throw new Refusal(
      `${listed.what}: saw ${listed.status}: the token is not one of this control plane: give its operator's`,
    );
  if (listed.status !== 200 || !Array.isArray((listed.body as { items?: unknown } | undefined)?.items))
    throw new Refusal(
      `${listed.what}: wanted 200 and a list, saw ${listed.saw}: this is no Mooring control plane`,
      1,
    );
  const token = await answerOf(plane, "POST", "/tokens", { connector: "conformance-probe" });
  if (token.status === 403)
    throw new Refusal(
      `${token.what}: saw 403: the token may only look: give the operator's token, not a viewer's`,
    );
  if (typeof (token.body as { token?: unknown } | undefined)?.token !== "string")
    throw new Refusal(
      `${token.what}: wanted a join token, saw ${token.saw}: this is no Mooring control plane`,
      1,
    );
}

async function startedPlane(wish: PlaneWish, scale: number): Promise<PlaneSubject> {
  try {
    return await PlaneSubject.start(scale, { ...wish, startMs: START_MS });
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw notStarted("control plane", "--control-plane-command", error);
  }
}

function notStarted(what: string, flag: string, error: unknown): Refusal {
  const words = oneLine(wordsOf(error)).replace(/\.$/, "");
  const isNoProgram = /spawn \S+ (ENOENT|EACCES)/.test(words);
  return new Refusal(
    `the ${what} of ${flag} is not there: ${words}. Try the command by hand; docs/conformance.md tells its places`,
    isNoProgram ? 2 : 1,
  );
}

interface Answer {
  /** METHOD and address. */
  readonly what: string;
  readonly status: number;
  readonly body: unknown;
  /** Status and the body's kind: never the body itself, which may hold a token. */
  readonly saw: string;
}

async function answerOf(plane: PlaneSubject, method: string, path: string, sent?: unknown): Promise<Answer> {
  const what = `${method} ${plane.url}/api/v1${path}`;
  try {
    const response = await plane.api(method, path, sent);
    const text = await response.text();
    const saw = `${response.status} ${response.headers.get("content-type") ?? "without a content type"}`;
    return { what, status: response.status, body: jsonOf(text), saw };
  } catch (error) {
    throw new Refusal(
      `${what}: no answer: ${wordsOf(error)}: is the control plane up, the address right, its certificate trusted (NODE_EXTRA_CA_CERTS=FILE)?`,
      1,
    );
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** One look before the cases: does it start, serve /livez, and come to its control plane? Throws a Refusal. */
export async function probeConnector(wish: ConnectorWish): Promise<void> {
  await using plane = await fakeControlPlane();
  let output = (): string => "";
  try {
    await using started = await new ConnectorSubject(0.01, { ...wish, startMs: START_MS }).start(plane.url);
    output = () => oneLine(started.program.output.slice(-500));
    await eventually(
      `an enrolment or an upgrade at ${plane.url}`,
      () => (plane.enrolments.length + plane.attempts.length > 0 ? true : undefined),
      { ms: FIRST_WORD_MS, seen: () => `its last words: ${output()}` },
    );
  } catch (error) {
    throw notStarted("connector", "--connector", error);
  }
}
