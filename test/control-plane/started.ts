import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLog } from "../../src/control-plane/log.ts";
import { type ControlPlane, startControlPlane } from "../../src/control-plane/main.ts";
import type { Settings } from "../../src/control-plane/settings.ts";
import { enrolWith, type FakeIdentity } from "../fake/connector.ts";

/** A control plane on loopback with a data directory of its own, removed with it. */
export interface Started extends AsyncDisposable {
  readonly origin: string;
  readonly dataDir: string;
  readonly operator: string;
  readonly viewer: string;
  /** The answer of the API, with the operator's token. */
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** The JSON of a GET. */
  get<T = Record<string, unknown>>(path: string): Promise<T>;
  /** Enrols a connector of that name. */
  enrolled(name: string): Promise<FakeIdentity>;
  /** Asks again and again until the answer fits; throws after `ms`. */
  until<T = Record<string, unknown>>(path: string, fits: (answer: T) => boolean, ms?: number): Promise<T>;
  /** Stops it and starts another one on the same data and port. */
  restart(): Promise<void>;
}

export async function started(changes: Partial<Settings> = {}): Promise<Started> {
  const dataDir = changes.dataDir ?? (await mkdtemp(path.join(tmpdir(), "mooring-cp-")));
  const settings: Settings = {
    listen: { host: "127.0.0.1", port: 0 },
    dataDir,
    liveness: "standard",
    timeScale: 0.1,
    version: "0.0.0-test",
    log: silentLog,
    ...changes,
  };
  let running: ControlPlane = await startControlPlane(settings);
  const origin = running.publicUrl;
  const token = async (name: string): Promise<string> =>
    (await readFile(path.join(dataDir, name), "utf8")).trim();
  const [operator, viewer] = await Promise.all([token("operator-token"), token("viewer-token")]);
  const api: Started["api"] = (method, at, body, headers = {}) =>
    fetch(`${origin}/api/v1${at}`, {
      method,
      headers: { authorization: `Bearer ${operator}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const get = async <T>(at: string): Promise<T> => {
    const response = await api("GET", at);
    if (!response.ok) throw new Error(`${at}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  return {
    origin,
    dataDir,
    operator,
    viewer,
    api,
    get,
    enrolled: async (name) => {
      const made = (await (await api("POST", "/tokens", { connector: name })).json()) as { token: string };
      return enrolWith(origin, made.token);
    },
    until: async <T>(at: string, fits: (answer: T) => boolean, ms = 5_000): Promise<T> => {
      const late = performance.now() + ms;
      for (;;) {
        const answer = await get<T>(at);
        if (fits(answer)) return answer;
        if (performance.now() > late) throw new Error(`${at} stays ${JSON.stringify(answer)}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    restart: async () => {
      await running.close();
      running = await startControlPlane({ ...settings, listen: running.address });
    },
    async [Symbol.asyncDispose]() {
      await running.close();
      if (changes.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}
