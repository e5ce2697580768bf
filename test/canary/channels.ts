import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Page } from "playwright-core";
import type { LogLine } from "../process/programs.ts";

/** What came out of one way out, in the order in which it came. */
export type Chunks = readonly (Uint8Array | string)[];

/** What a program printed. */
export function printedBy(
  ...programs: readonly { readonly stdout: string; readonly stderr: string }[]
): Chunks {
  return programs.flatMap(({ stdout, stderr }) => [stdout, stderr]);
}

/** Errors that no reason explains, with their causes, as they are logged. */
export function unknownErrorsOf(log: readonly LogLine[]): Chunks {
  return log.filter((line) => "error" in line).map((line) => JSON.stringify(line));
}

/** One answer with its headers. */
export async function answerOf(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Chunks> {
  const response = await fetch(url, { headers, redirect: "manual", signal: AbortSignal.timeout(10_000) });
  const head = JSON.stringify([response.status, response.statusText, ...response.headers]);
  return [head, await response.bytes()];
}

/** Parameters in paths of the API, with everything that each may stand for. */
export type Names = Readonly<Record<string, readonly string[]>>;

/** What every GET of the OpenAPI document answers, for everything that has a name. Server-sent events left out. */
export async function answersOf(
  origin: string,
  token: string,
  namesOf: (path: string) => Names,
): Promise<Chunks> {
  const headers = { authorization: `Bearer ${token}` };
  const document = await fetch(`${origin}/api/v1/openapi.json`, { headers });
  const { paths } = (await document.json()) as { paths: Record<string, object> };
  const asked = Object.entries(paths).filter(([path, calls]) => "get" in calls && !path.endsWith("/events"));
  const urls = asked.flatMap(([path]) => filled(path, namesOf(path)).map((one) => `${origin}${one}`));
  const answers: Chunks[] = [];
  for (const url of urls) answers.push([url], await answerOf(url, headers));
  return answers.flat();
}

/** A path of the API with each of the names in it. */
function filled(path: string, names: Names): readonly string[] {
  const [hole, parameter = ""] = /\{(\w+)\}/.exec(path) ?? [];
  if (hole === undefined) return [path];
  return (names[parameter] ?? []).flatMap((name) =>
    filled(path.replace(hole, encodeURIComponent(name)), names),
  );
}

/** Follows server-sent events; gives what came until it is told to stop. */
export async function eventsFrom(origin: string, token: string): Promise<() => Chunks> {
  const over = new AbortController();
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${origin}/api/v1/events`, { headers, signal: over.signal });
  const chunks: Uint8Array[] = [];
  const read = async (): Promise<void> => {
    for await (const chunk of response.body ?? []) chunks.push(chunk);
  };
  // It ends by the abort.
  read().catch(() => {});
  return () => {
    over.abort();
    return chunks;
  };
}

/** All that a page holds: its elements with their attributes and fields, its storage and its address. */
export async function domOf(page: Page): Promise<Chunks> {
  const inside = `JSON.stringify([
    [...document.querySelectorAll("input, textarea, select")].map((field) => field.value),
    document.body.innerText, document.title, document.cookie, location.href, history.state,
    {...localStorage}, {...sessionStorage}])`;
  return [await page.content(), String(await page.evaluate(inside))];
}

/** The bytes of all files below a folder, but not of those that are there to hold a secret. */
export async function filesOf(dir: string, purposeful: readonly string[] = []): Promise<Chunks> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !purposeful.includes(entry.name));
  // A file may be gone by now: SQLite's journals come and go.
  const reading = files.map((file) => readFile(join(file.parentPath, file.name)).catch(() => ""));
  return [files.map(({ name }) => name).join("\n"), ...(await Promise.all(reading))];
}

/** A SQLite file: its bytes, those of its WAL, and each value in it by itself, since pages may cut one in two. */
export async function storeOf(dir: string, name: string): Promise<Chunks> {
  const bytes = await Promise.all(
    [name, `${name}-wal`, `${name}-shm`].map((file) => readFile(join(dir, file)).catch(() => "")),
  );
  using database = new DatabaseSync(join(dir, name), { readOnly: true });
  const tables = database.prepare("select name, sql from sqlite_schema where type = 'table'").all();
  const rows = tables.flatMap((table) => database.prepare(`select * from "${String(table["name"])}"`).all());
  const cells = [...tables, ...rows].flatMap((row) => Object.values(row));
  return [...bytes, ...cells.map((cell) => (cell instanceof Uint8Array ? cell : ` ${String(cell)} `))];
}

/** The argument lists of these processes, and those and the environments of their children. */
export async function processesOf(pids: readonly number[]): Promise<Chunks> {
  const chunks: (Uint8Array | string)[] = [];
  for (const pid of pids) {
    chunks.push(await readFile(`/proc/${pid}/cmdline`));
    const children = await childrenOf(pid);
    for (const child of children) chunks.push(await readFile(`/proc/${child}/environ`).catch(() => ""));
    chunks.push(...(await processesOf(children).catch(() => [])));
  }
  return chunks;
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, "utf8").catch(() => "")),
  );
  return lists.join(" ").split(" ").filter(Boolean).map(Number);
}
