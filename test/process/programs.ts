import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { type Folder, temporaryFolder } from "../../scripts/folder.ts";

const entry = fileURLToPath(new URL("../../bin/mooring.js", import.meta.url));
/** Compiled code, kept from run to run beside the other tools' caches: a process starts in half the time. */
const compiled = fileURLToPath(new URL("../../node_modules/.cache/mooring-process", import.meta.url));

/** How long anything may take before a test gives up, milliseconds. */
const PATIENCE_MS = 15_000;
const BETWEEN_LOOKS_MS = 20;

export type Environment = Readonly<Record<string, string>>;

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Asks again and again until there is an answer; throws with what was last seen after `ms`. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  { ms = PATIENCE_MS, seen = () => "" }: { ms?: number; seen?: () => string } = {},
): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${ms} ms. ${seen()}`);
    await pause(BETWEEN_LOOKS_MS);
  }
}

/** What a test that was given up has left: it goes when this process does, before its folders. */
const left = new Set<Program>();
process.prependListener("exit", () => {
  for (const program of left) program.signal("SIGKILL");
});

/** A folder of its own that is gone when it is disposed. */
export const folder = (): Promise<Folder> => temporaryFolder("mooring-process-");

/** A loopback port that is free now, outside of what the kernel hands out by itself, so that it stays so. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const listens = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!listens) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}

/** The environment of this process without any MOORING_ and proxy variable, plus what is given. */
function environmentOf(given: Environment): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && !/^(mooring_|.*_proxy$)/i.test(pair[0]),
  );
  return { ...Object.fromEntries(kept), NODE_COMPILE_CACHE: compiled, ...given };
}

/** One line of a log. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly reason?: string;
  readonly [field: string]: unknown;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The command line as a process of its own. Disposing it kills it, by its pid, and waits for its end. */
export class Program implements AsyncDisposable {
  readonly args: readonly string[];
  readonly pid: number;
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  stdout = "";
  stderr = "";
  isOver = false;

  constructor(args: readonly string[], environment: Environment = {}) {
    this.args = args;
    this.#child = spawn(process.execPath, [entry, ...args], {
      env: environmentOf(environment),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.pid = this.#child.pid ?? 0;
    left.add(this);
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject).once("close", (code, signal) => {
        this.isOver = true;
        left.delete(this);
        resolve({ code, signal });
      });
    });
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** SIGKILL, or SIGTERM, and its end. */
  async stop(signal: "SIGKILL" | "SIGTERM" = "SIGTERM"): Promise<Ended> {
    if (!this.isOver) this.signal(signal);
    return this.ended;
  }

  /** The lines of its JSON log so far. */
  get log(): readonly LogLine[] {
    const whole = this.stdout.slice(0, this.stdout.lastIndexOf("\n") + 1);
    return whole.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as LogLine] : []));
  }

  /** The first line of its log that fits, as soon as it is there. */
  logged(what: string, fits: (line: LogLine) => boolean, ms?: number): Promise<LogLine> {
    const seen = (): string => `${this.stdout.slice(-2_000)}${this.stderr.slice(-1_000)}`;
    return eventually(what, () => this.log.find(fits), { seen, ...(ms === undefined ? {} : { ms }) });
  }

  /** Until a path of its own answers 200. */
  async until200(url: string, ms = PATIENCE_MS): Promise<void> {
    const seen = (): string => `${this.stdout}${this.stderr}`;
    const answers = async (): Promise<true | undefined> => {
      if (this.isOver) throw new Error(`it ended: ${seen()}`);
      return (await statusOf(url)) === 200 ? true : undefined;
    };
    await eventually(url, answers, { ms, seen });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }
}

/** Runs a command to its end. */
export async function ran(
  args: readonly string[],
  environment: Environment = {},
): Promise<Ended & { readonly stdout: string; readonly stderr: string }> {
  await using program = new Program(args, environment);
  const ended = await program.ended;
  return { ...ended, stdout: program.stdout, stderr: program.stderr };
}

/** The status of a GET, or undefined where nothing answers. */
export async function statusOf(url: string): Promise<number | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined;
  }
}

/** A connector as the API shows it, as far as these tests look. */
export interface ShownConnector {
  readonly name: string;
  readonly id: string;
  readonly state: string;
  readonly condition: string | null;
  readonly reason: string | null;
  readonly message: string;
  readonly cause: string | null;
  readonly since: string;
  readonly lastHeartbeatAt: string | null;
  readonly remedy: readonly { readonly text: string; readonly command: string | null }[];
  readonly integrations: Readonly<Record<string, number>>;
}

/** An integration as the API shows it, as far as these tests look. */
export interface ShownIntegration {
  readonly name: string;
  readonly state: string;
  readonly condition: string | null;
  readonly reason: string | null;
  readonly message: string;
  readonly blockedBy: { readonly kind: string; readonly id: string } | null;
  readonly lastKnown: { readonly state: string; readonly reason: string | null; readonly at: string } | null;
  readonly checkedAt: string | null;
}

/** A transition as the API shows it. */
export interface Transition {
  readonly at: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly reason: string | null;
  readonly observed: "event" | "diff";
  readonly coalesced: number;
}

interface PlaneWish {
  /** MOORING_TIME_SCALE; 1 leaves it out. */
  readonly scale?: number;
  readonly flags?: readonly string[];
  /** The address that everybody uses, where something stands in front: its public URL. */
  readonly through?: string;
  /** HOST:PORT where it listens; a free port of loopback where this is left out. */
  readonly listen?: string;
  /** HOST:PORT where its health and metrics are, plain: for one that speaks TLS. */
  readonly health?: string;
  readonly environment?: Environment;
}

/** A control plane as a process, with its data, and a client that has the operator's token. */
export class Plane implements AsyncDisposable {
  /** Where users and connectors reach it. */
  readonly url: string;
  /** Where its health and metrics are. */
  readonly own: string;
  readonly dir: string;
  readonly scale: number;
  readonly #flags: readonly string[];
  readonly #environment: Environment;
  #parts: AsyncDisposableStack;
  program: Program;
  token = "";

  private constructor(
    at: { url: string; own: string; dir: string; scale: number; flags: readonly string[] },
    environment: Environment,
    parts: AsyncDisposableStack,
  ) {
    this.url = at.url;
    this.own = at.own;
    this.dir = at.dir;
    this.scale = at.scale;
    this.#flags = at.flags;
    this.#environment = environment;
    this.#parts = parts;
    this.program = this.#spawn();
  }

  static async start({
    scale = 0.05,
    flags = [],
    through,
    listen,
    health,
    environment = {},
  }: PlaneWish = {}): Promise<Plane> {
    await using parts = new AsyncDisposableStack();
    const { path: dir } = parts.use(await folder());
    const at = listen ?? `127.0.0.1:${await freePort()}`;
    const place = ["--listen", at, "--data", join(dir, "data")];
    const apart = health === undefined ? [] : ["--health-listen", health];
    const known = through === undefined ? [] : ["--public-url", through];
    const own = `http://${health ?? at}`;
    const all = [...place, ...apart, ...known, ...flags];
    const plane = new Plane({ url: through ?? own, own, dir, scale, flags: all }, environment, parts);
    parts.defer(() => plane.program[Symbol.asyncDispose]());
    await plane.program.until200(`${own}/readyz`);
    plane.token = (await readFile(plane.tokenFile, "utf8")).trim();
    plane.#parts = parts.move();
    return plane;
  }

  get tokenFile(): string {
    return join(this.dir, "data", "operator-token");
  }

  #spawn(): Program {
    return new Program(["control-plane", ...this.#flags], { ...scaleOf(this.scale), ...this.#environment });
  }

  /** Starts it again on the same data and port. */
  async again(): Promise<void> {
    this.program = this.#spawn();
    await this.program.until200(`${this.own}/readyz`);
  }

  api(method: string, path: string, more: { body?: unknown; headers?: Environment } = {}): Promise<Response> {
    const headers = {
      authorization: `Bearer ${this.token}`,
      "content-type": "application/json",
      ...more.headers,
    };
    const body = more.body === undefined ? {} : { body: JSON.stringify(more.body) };
    const signal = AbortSignal.timeout(PATIENCE_MS);
    return fetch(`${this.url}/api/v1${path}`, { method, headers, signal, ...body });
  }

  async get<T>(path: string): Promise<T> {
    const { status, text } = await this.#got(path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }

  async #got(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const response = await this.api("GET", path);
    return { status: response.status, text: await response.text() };
  }

  /** What a path answers as soon as it fits. What nobody has told of yet is not found: that is waited for too. */
  async until<T>(path: string, fits: (answer: T) => boolean, ms = PATIENCE_MS): Promise<T> {
    let last: unknown;
    const look = async (): Promise<T | undefined> => {
      const { status, text } = await this.#got(path);
      if (status !== 200 && status !== 404) throw new Error(`GET ${path}: ${status} ${text}`);
      const answer = JSON.parse(text) as T;
      last = answer;
      return status === 200 && fits(answer) ? answer : undefined;
    };
    return eventually(path, look, { ms, seen: () => JSON.stringify(last) });
  }

  /** A connector as soon as it is in that state. */
  connectorIs(name: string, state: string, ms?: number): Promise<ShownConnector> {
    return this.until<ShownConnector>(`/connectors/${name}`, (shown) => shown.state === state, ms);
  }

  integration(name: string): Promise<ShownIntegration> {
    return this.get(`/integrations/${name}`);
  }

  /** All transitions of an integration, oldest first. `name` is CONNECTOR/INTEGRATION. */
  async history(name: string): Promise<readonly Transition[]> {
    const items: Transition[] = [];
    let next: string | null = null;
    do {
      const cursor = next === null ? "" : `&cursor=${encodeURIComponent(next)}`;
      const page: { items: Transition[]; next: string | null } = await this.get(
        `/integrations/${name}/history?limit=500${cursor}`,
      );
      items.push(...page.items);
      next = page.next;
    } while (next !== null);
    return items.toReversed();
  }

  /** A join token in a file. */
  async joinToken(connector: string): Promise<string> {
    const response = await this.api("POST", "/tokens", { body: { connector } });
    const { token } = (await response.json()) as { token: string };
    const file = join(this.dir, `join-${connector}-${performance.now()}`);
    await writeFile(file, token);
    return file;
  }

  /** What the commands that ask the API need to know. */
  get flags(): readonly string[] {
    return ["--control-plane", this.url, "--token-file", this.tokenFile];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync();
  }
}

function scaleOf(scale: number): Environment {
  return scale === 1 ? {} : { MOORING_TIME_SCALE: String(scale) };
}

interface AgentWish {
  readonly scale?: number;
  /** The control plane's address; without one it only checks. */
  readonly to?: string | undefined;
  readonly joinTokenFile?: string | undefined;
  /** Integrations of the configuration file, JSON being YAML; none: no file. */
  readonly integrations?: readonly unknown[];
  readonly secretStores?: readonly unknown[];
  /** A folder that is there already: another connector's, say. */
  readonly state?: string;
  readonly environment?: Environment;
  readonly flags?: readonly string[];
  /** Whether to wait for /readyz, or only for /livez. Default true. */
  readonly ready?: boolean;
  /** How long to wait for that, milliseconds. */
  readonly startMs?: number;
}

/** A connector as a process, with its own folder. */
export class Agent implements AsyncDisposable {
  readonly dir: string;
  readonly health: string;
  readonly #args: readonly string[];
  readonly #environment: Environment;
  #parts: AsyncDisposableStack;
  program: Program;

  private constructor(
    at: { dir: string; listen: string; args: readonly string[]; environment: Environment },
    parts: AsyncDisposableStack,
  ) {
    this.dir = at.dir;
    this.health = `http://${at.listen}`;
    this.#args = [...at.args, "--listen", at.listen];
    this.#environment = at.environment;
    this.#parts = parts;
    this.program = this.#spawn();
  }

  static async start(wish: AgentWish): Promise<Agent> {
    await using parts = new AsyncDisposableStack();
    const { path: dir } = parts.use(await folder());
    const listen = `127.0.0.1:${await freePort()}`;
    const args = ["connector", ...(await argumentsOf(wish, dir))];
    const environment = { ...scaleOf(wish.scale ?? 0.05), ...wish.environment };
    const agent = new Agent({ dir, listen, args, environment }, parts);
    parts.defer(() => agent.program[Symbol.asyncDispose]());
    const path = wish.ready === false ? "livez" : "readyz";
    await agent.program.until200(`${agent.health}/${path}`, wish.startMs);
    agent.#parts = parts.move();
    return agent;
  }

  /** The usual one: enrolled at that control plane under that name, and ready. */
  static async of(plane: Plane, name: string, wish: AgentWish = {}): Promise<Agent> {
    const joinTokenFile = await plane.joinToken(name);
    return Agent.start({ scale: plane.scale, to: plane.url, joinTokenFile, ...wish });
  }

  get configuration(): string {
    return join(this.dir, "mooring.yaml");
  }

  get state(): string {
    return join(this.dir, "state");
  }

  #spawn(): Program {
    return new Program(this.#args, this.#environment);
  }

  /** Starts it again with the same arguments. */
  async again(path: "livez" | "readyz" = "readyz"): Promise<void> {
    this.program = this.#spawn();
    await this.program.until200(`${this.health}/${path}`);
  }

  configure(integrations: readonly unknown[]): Promise<void> {
    return writeFile(this.configuration, JSON.stringify({ integrations }, null, 1));
  }

  /** One series of /metrics, or undefined where it is not there. */
  async metric(series: string): Promise<number | undefined> {
    const text = await (await fetch(`${this.health}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync();
  }
}

async function argumentsOf(wish: AgentWish, dir: string): Promise<readonly string[]> {
  const args: string[] = [];
  if (wish.integrations !== undefined) {
    const file = join(dir, "mooring.yaml");
    const { integrations, secretStores = [] } = wish;
    await writeFile(file, JSON.stringify({ integrations, secretStores }, null, 1));
    args.push(file);
  }
  args.push("--state", wish.state ?? join(dir, "state"));
  if (wish.to !== undefined) args.push("--control-plane", wish.to);
  if (wish.joinTokenFile !== undefined) args.push("--join-token-file", wish.joinTokenFile);
  return [...args, ...(wish.flags ?? [])];
}

/** An integration that only connects. */
export function tcp(name: string, port: number, more: object = {}): object {
  return { name, type: "tcp", interval: "5s", ...more, config: { host: "127.0.0.1", port } };
}
