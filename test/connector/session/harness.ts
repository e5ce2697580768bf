import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BoundSecret } from "../../../src/connector/check.ts";
import { judgeRemoteItem } from "../../../src/connector/config/remote.ts";
import { kinds } from "../../fake/secret.ts";
import type { Item, JudgeRemote, Load } from "../../../src/connector/item.ts";
import { http } from "../../../src/connector/integrations/http/http.ts";
import { tcp } from "../../../src/connector/integrations/tcp/tcp.ts";
import { type RunningConnector, startConnector } from "../../../src/connector/main.ts";
import type { ConnectorSettings } from "../../../src/connector/start.ts";
import type { FakeControlPlane } from "../../fake/control-plane.ts";

export interface Place {
  readonly path: string;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function folder(): Promise<Place> {
  const path = await mkdtemp(join(tmpdir(), "mooring-session-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export function tcpItem(name: string, port: number, more: Partial<Item> = {}): Item {
  return {
    name,
    type: tcp,
    config: { host: "127.0.0.1", port },
    timeoutMs: 1_000,
    suspend: false,
    intervalMs: 60_000,
    failureThreshold: 2,
    source: "file",
    digest: `tcp ${name} ${port} ${more.suspend === true}`,
    ...more,
  };
}

export function httpItem(name: string, url: string, secret?: BoundSecret): Item {
  return {
    name,
    type: http,
    config: { url },
    secret,
    timeoutMs: 1_000,
    suspend: false,
    intervalMs: 60_000,
    failureThreshold: 2,
    source: "file",
    digest: `http ${name} ${url}`,
  };
}

/** Reads a file of `name port` lines. A line without a port is a problem. */
export const loadLines: Load = async (file) => {
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  const bad = lines.findIndex((line) => !/^[a-z0-9-]+ \d+$/.test(line));
  if (bad !== -1) {
    const problem = {
      file,
      line: bad + 1,
      column: 1,
      path: `integrations[${bad}]`,
      text: "is no integration",
    };
    return { ok: false, problems: [problem] };
  }
  const items = lines.map((line) => tcpItem(line.split(" ")[0] ?? "", Number(line.split(" ")[1])));
  return { ok: true, configuration: { items, remote: { targets: [], secrets: [] }, addressesAllow: [] } };
};

/** The real judge of what the control plane sends. */
export const judgeRemote: JudgeRemote = (item, { remote }) => judgeRemoteItem(item, remote, kinds());

export function loadItems(items: readonly Item[]): Load {
  return () =>
    Promise.resolve({
      ok: true,
      configuration: { items, remote: { targets: [], secrets: [] }, addressesAllow: [] },
    });
}

export interface Started extends AsyncDisposable {
  readonly connector: RunningConnector;
  /** Every line of the log. */
  readonly lines: string[];
  readonly state: string;
  get(path: string): Promise<{ readonly status: number; readonly text: string }>;
}

/** A connector against a control plane (or none), in a folder of its own, with a token that works. */
export async function start(
  plane: Pick<FakeControlPlane, "url"> | undefined,
  more: Partial<ConnectorSettings> = {},
): Promise<Started> {
  const place = await folder();
  const joinTokenFile = join(place.path, "token");
  await writeFile(joinTokenFile, "join-token-canary-0123456789\n");
  const lines: string[] = [];
  const state = join(place.path, "state");
  try {
    const connector = await startConnector({
      version: "0.0.0-test",
      file: join(place.path, "config"),
      load: loadItems([]),
      judgeRemote,
      controlPlane: plane?.url,
      joinTokenFile,
      stateDir: state,
      listen: { host: "127.0.0.1", port: 0 },
      timeScale: 0.05,
      firstSpreadMs: 0,
      log: { level: "debug", write: (line) => lines.push(line) },
      environment: {},
      ...more,
    });
    const { host, port } = connector.address;
    return {
      connector,
      lines,
      state,
      async get(path) {
        const response = await fetch(`http://${host}:${port}${path}`);
        return { status: response.status, text: await response.text() };
      },
      async [Symbol.asyncDispose]() {
        await connector.close();
        await place[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await place[Symbol.asyncDispose]();
    throw error;
  }
}

export async function eventually(what: () => boolean | Promise<boolean>, ms = 5_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await what())) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what.toString()}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}
