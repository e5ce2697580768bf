import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createAuthority } from "../../src/demo/certificates.ts";
import { enrolWith, type FakeIdentity } from "../fake/connector.ts";
import { eventually, folder, freePort } from "../process/programs.ts";
import { type Rounds, SHORT } from "./case.ts";
import { FaultProxy } from "./proxy.ts";
import { filled, Running } from "./running.ts";
import { tokenIn } from "./wish.ts";

/** This project's command line. */
export const OWN = `${process.execPath} ${fileURLToPath(new URL("../../bin/mooring.js", import.meta.url))}`;

/** How a control plane is reached, or started. Places: {listen} HOST:PORT, {url} its public address, {data} a folder. */
export interface PlaneWish {
  /** An address where one runs. Without one, `command` is started. */
  readonly url?: string | undefined;
  readonly command?: string | undefined;
  /** A file with the operator's token; {data} is filled in. */
  readonly tokenFile?: string | undefined;
  /** A proxy with this tap stands before it: for deliberately broken ends. */
  readonly tap?: FaultProxy["tap"];
  readonly rounds?: Rounds;
  readonly environment?: Readonly<Record<string, string>>;
  /** How long a start may take, milliseconds. */
  readonly startMs?: number;
}

export const OWN_PLANE = `${OWN} control-plane --listen {listen} --data {data} --public-url {url}`;
const OWN_TOKEN_FILE = "{data}/operator-token";

/** A control plane that is looked at from outside. */
export class PlaneSubject implements AsyncDisposable {
  readonly scale: number;
  readonly url: string;
  readonly dataDir: string;
  readonly rounds: Rounds;
  readonly #own: string;
  readonly #command: readonly string[] | undefined;
  /** Of its program; may change before the next start. */
  environment: Readonly<Record<string, string>>;
  #parts: AsyncDisposableStack;
  #token = "";
  /** Undefined where it was not started here. */
  program: Running | undefined;

  private constructor(
    at: { scale: number; url: string; own: string; dataDir: string; rounds: Rounds },
    {
      command,
      environment = {},
    }: { command: readonly string[] | undefined; environment: PlaneWish["environment"] },
    parts: AsyncDisposableStack,
  ) {
    this.scale = at.scale;
    this.url = at.url;
    this.dataDir = at.dataDir;
    this.rounds = at.rounds;
    this.#own = at.own;
    this.#command = command;
    this.environment = environment;
    this.#parts = parts;
  }

  static async start(scale: number, wish: PlaneWish = {}): Promise<PlaneSubject> {
    await using parts = new AsyncDisposableStack();
    const dir = parts.use(await folder()).path;
    const dataDir = join(dir, "data");
    const port = await freePort();
    const listen = `127.0.0.1:${port}`;
    const own = wish.url ?? `http://${listen}`;
    const proxy =
      wish.tap === undefined ? undefined : parts.use(await FaultProxy.start(Number(new URL(own).port)));
    if (proxy !== undefined) proxy.tap = wish.tap;
    const url = proxy?.url ?? own;
    const command =
      wish.url === undefined ? filled(wish.command ?? OWN_PLANE, { listen, url, data: dataDir }) : undefined;
    const at = { scale, url, own, dataDir, rounds: wish.rounds ?? SHORT };
    const plane = new PlaneSubject(at, { command, environment: wish.environment }, parts);
    parts.defer(() => plane.program?.[Symbol.asyncDispose]());
    await plane.start(wish.startMs);
    const [tokenFile = ""] = filled(wish.tokenFile ?? OWN_TOKEN_FILE, { data: dataDir });
    plane.#token = tokenIn(tokenFile);
    plane.#parts = parts.move();
    return plane;
  }

  /** All that its newest program wrote. */
  get output(): string {
    return this.program?.output ?? "";
  }

  /** Starts its program, where it has one and none runs. */
  async start(ms?: number): Promise<void> {
    if (this.#command === undefined || this.program?.isOver === false) return;
    this.program = new Running(this.#command, {
      MOORING_TIME_SCALE: String(this.scale),
      ...this.environment,
    });
    await this.program.until200(`${this.#own}/readyz`, ms);
  }

  async stop(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    await this.program?.stop(signal);
  }

  api(method: string, path: string, body?: unknown): Promise<Response> {
    const headers = { authorization: `Bearer ${this.#token}`, "content-type": "application/json" };
    const more = body === undefined ? {} : { body: JSON.stringify(body) };
    return fetch(`${this.url}/api/v1${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(10_000),
      ...more,
    });
  }

  /** What a GET answers; undefined for 404. */
  async get<T>(path: string): Promise<T | undefined> {
    const response = await this.api("GET", path);
    const text = await response.text();
    if (response.status === 404) return undefined;
    if (!response.ok) throw new Error(`GET ${path}: saw ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** What a GET answers, as soon as it fits. */
  async until<T>(path: string, fits: (answer: T) => boolean, ms?: number): Promise<T> {
    let last: T | undefined;
    const look = async (): Promise<T | undefined> => {
      last = await this.get<T>(path);
      return last !== undefined && fits(last) ? last : undefined;
    };
    return eventually(`GET ${path}`, look, {
      seen: () => `saw ${JSON.stringify(last)}`,
      ...(ms === undefined ? {} : { ms }),
    });
  }

  async joinToken(connector: string): Promise<string> {
    const response = await this.api("POST", "/tokens", { connector });
    return ((await response.json()) as { token: string }).token;
  }

  /** A connector that is enrolled under a name of its own. */
  async identity(): Promise<FakeIdentity & { readonly name: string }> {
    const name = `guest-${Math.random().toString(36).slice(2, 10)}`;
    return { ...(await enrolWith(this.url, await this.joinToken(name))), name };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync();
  }
}

/** Places: {url} the control plane, {config} the file, {join} the token's file, {state} a folder, {listen}, {ca} a PEM file. */
export const OWN_CONNECTOR = `${OWN} connector {config} --control-plane {url} --ca {ca} --join-token-file {join} --state {state} --listen {listen}`;

export interface ConnectorWish {
  readonly command?: string | undefined;
  /** Something between the connector and the control plane that it is told of, where that is plain. */
  readonly tap?: FaultProxy["tap"];
  readonly rounds?: Rounds;
  /** How long a start may take, milliseconds. */
  readonly startMs?: number;
}

/** Starts connectors that are looked at from outside. */
export class ConnectorSubject {
  readonly scale: number;
  readonly rounds: Rounds;
  readonly #wish: ConnectorWish;
  #newest: Running | undefined;

  constructor(scale: number, wish: ConnectorWish = {}) {
    this.scale = scale;
    this.rounds = wish.rounds ?? SHORT;
    this.#wish = wish;
  }

  /** All that its newest program wrote. */
  get output(): string {
    return this.#newest?.output ?? "";
  }

  async start(
    to: string,
    more: {
      integrations?: readonly unknown[];
      configuration?: object;
      joinToken?: string;
      environment?: Record<string, string>;
      ca?: string;
    } = {},
  ): Promise<StartedConnector> {
    await using parts = new AsyncDisposableStack();
    const dir = parts.use(await folder()).path;
    const listen = `127.0.0.1:${await freePort()}`;
    const { tap, command = OWN_CONNECTOR } = this.#wish;
    const proxy = tap === undefined ? undefined : parts.use(await FaultProxy.start(Number(new URL(to).port)));
    if (proxy !== undefined) proxy.tap = tap;
    const places = {
      url: proxy?.url ?? to,
      listen,
      config: join(dir, "mooring.yaml"),
      join: join(dir, "join-token"),
      state: join(dir, "state"),
      ca: join(dir, "ca.pem"),
    };
    await writeFile(
      places.config,
      JSON.stringify(more.configuration ?? { integrations: more.integrations ?? [] }),
    );
    await writeFile(places.join, more.joinToken ?? "mjt_conformance-conformance-conformance");
    await writeFile(places.ca, more.ca ?? (await createAuthority("nobody's")).certPem);
    const environment = { MOORING_TIME_SCALE: String(this.scale), ...more.environment };
    const health = `http://${listen}`;
    const run = async (): Promise<Running> => {
      const program = new Running(filled(command, places), environment);
      started.program = program;
      this.#newest = program;
      await program.until200(`${health}/livez`, this.#wish.startMs);
      return program;
    };
    const started: StartedConnector = {
      program: undefined as unknown as Running,
      health,
      dir,
      again: async () => void (await run()),
      metrics: () => textOf(`${health}/metrics`),
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    };
    parts.defer(() => started.program[Symbol.asyncDispose]());
    await run();
    const kept = parts.move();
    return started;
  }
}

/** A connector that runs. */
export interface StartedConnector extends AsyncDisposable {
  program: Running;
  readonly health: string;
  readonly dir: string;
  /** Starts it once more, where it ended. */
  again(): Promise<void>;
  metrics(): Promise<string>;
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  return response.text();
}
