import { createHash } from "node:crypto";
import type https from "node:https";
import path from "node:path";
import { uuidv7 } from "../protocol/envelope.ts";
import { Admission } from "./admission.ts";
import { restore, startChores, storeAll } from "./chores.ts";
import { systemClock as clock, systemRandom as random } from "./clock.ts";
import { createCore } from "./core.ts";
import { lockDataDir, openDataDir, tokenFile } from "./data-dir.ts";
import { type EdgePlace, serveHealth, serveMain } from "./edges.ts";
import { Metrics } from "./metrics.ts";
import { isLoopback } from "../protocol/loopback.ts";
import { originsOf } from "./origin.ts";
import { createServer, listen, stop, type WebServer } from "./server.ts";
import { checkSettings, type Listen, type Settings, StartError } from "./settings.ts";
import { SignIn } from "./sign-in.ts";
import { openSqlite } from "./store/sqlite.ts";
import { type Store, StoreError } from "./store/store.ts";
import { readPair, reloadPair } from "./tls.ts";

/** A control plane that runs. */
export interface ControlPlane {
  readonly address: Listen;
  /** Undefined where health has no listener of its own. */
  readonly healthAddress: Listen | undefined;
  /** The origin that tokens are meant for. */
  readonly publicUrl: string;
  /** Files that hold the two tokens; undefined where a token was given. */
  readonly operatorTokenFile: string | undefined;
  readonly viewerTokenFile: string | undefined;
  /** The page's address with a sign-in for the operator, for one use within five minutes. */
  makeLink(): string;
  /** Tells every connector to come back, spread over at most `drainMs`, stores everything, and ends. */
  close(drainMs?: number): Promise<void>;
}

/** Starts a control plane. Throws a SettingsError or a StartError with one message fit for a person. */
export async function startControlPlane(settings: Settings): Promise<ControlPlane> {
  checkSettings(settings);
  await using undo = new AsyncDisposableStack();
  const over = new AbortController();
  undo.defer(() => over.abort());
  openDataDir(settings.dataDir);
  undo.use(lockDataDir(settings.dataDir));
  const tokens = tokensOf(settings);
  const metrics = new Metrics();
  const store = openStore(settings.dataDir, metrics);
  undo.defer(() => store.close());
  const server = await listening(settings, { signal: over.signal, undo });
  const { address } = server;
  const isSecure = settings.tls !== undefined || settings.behindTlsProxy === true;
  const scheme = isSecure ? "https" : "http";
  const origins = originsOf(settings.publicUrl, { scheme, ...address });
  const [publicUrl] = origins.audiences;
  const running = await run(settings, { store, metrics, origins, server, tokens, over });
  const parts = undo.move();
  const close = async (drainMs = 0): Promise<void> => {
    await running.close(drainMs);
    await parts.disposeAsync();
  };
  const { healthAddress } = server;
  const { operatorTokenFile, viewerTokenFile } = tokens;
  return {
    address,
    healthAddress,
    publicUrl,
    operatorTokenFile,
    viewerTokenFile,
    makeLink: () => running.makeLink(),
    close,
  };
}

interface Listeners {
  readonly main: WebServer;
  readonly health: WebServer | undefined;
  readonly address: Listen;
  readonly healthAddress: Listen | undefined;
}

/** Binds what is asked for, so that a port in use stops the start before anything is touched. */
async function listening(
  settings: Settings,
  { signal, undo }: { signal: AbortSignal; undo: AsyncDisposableStack },
): Promise<Listeners> {
  const pair = settings.tls === undefined ? undefined : await readPair(settings.tls, signal);
  const main = createServer(pair);
  undo.defer(() => stop(main, 0));
  const address = await listen(main, settings.listen, "--listen");
  if (settings.tls !== undefined && pair !== undefined) {
    const everyMs = Math.max(100, 5_000 * (settings.timeScale ?? 1));
    void reloadPair(main as https.Server, settings.tls, {
      clock,
      log: settings.log,
      everyMs,
      current: pair,
      signal,
    });
  }
  if (settings.healthListen === undefined)
    return { main, health: undefined, address, healthAddress: undefined };
  const health = createServer(undefined);
  undo.defer(() => stop(health, 0));
  const healthAddress = await listen(health, settings.healthListen, "--health-listen");
  return { main, health, address, healthAddress };
}

interface Parts {
  readonly store: Store;
  readonly metrics: Metrics;
  readonly origins: EdgePlace["origins"];
  readonly server: Listeners;
  readonly tokens: EdgePlace["tokens"];
  readonly over: AbortController;
}

/** Wires everything, restores what an earlier process knew, and answers from here on. */
async function run(
  settings: Settings,
  { store, metrics, origins, server, tokens, over }: Parts,
): Promise<{ makeLink(): string; close(drainMs: number): Promise<void> }> {
  const { log, liveness, version, timeScale = 1, chart = "mooring-connector" } = settings;
  const [publicUrl] = origins.audiences;
  const core = createCore({ store, clock, random, log, liveness, timeScale, publicUrl, chart });
  await restore(core);
  metrics.watch({ ...core, reads: store });
  const admission = new Admission(settings.admissionRate ?? 200, random, () => clock.tick());
  const controlPlaneId = await ownId(store);
  const shared = { controlPlaneId, core, clock, random, log, metrics, origins, admission, tokens };
  const signIn = new SignIn({
    hashes: { operator: sha256(tokens.operator), viewer: sha256(tokens.viewer) },
    origin: publicUrl,
    isOrigin: (origin) => origins.isOrigin(origin),
    now: () => clock.now(),
    // Without a chart the page shows the commands of a plain process.
    about: { version, controlPlane: publicUrl, chart: settings.chart ?? null },
  });
  const place: EdgePlace = {
    ...{ ...shared, signIn, version, timeScale },
    cluster: settings.cluster,
    signal: over.signal,
  };
  serveMain(server.main, place, server.health === undefined && isLoopback(settings.listen.host));
  if (server.health !== undefined) serveHealth(server.health, place);
  const chores = startChores(core, { clock, log, signal: over.signal, timeScale });
  return {
    makeLink: () => `${publicUrl}/sign-in#link=${signIn.makeLink()}`,
    close: async (drainMs) => {
      admission.drain();
      await core.hub.drain(Math.min(drainMs, core.hub.size * 5), over.signal);
      over.abort();
      await chores;
      await stop(server.main, 1_000);
      await storeAll(core, clock.now());
    },
  };
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function openStore(dataDir: string, metrics: Metrics): Store {
  try {
    return openSqlite(path.join(dataDir, "mooring.db"), (ms) => metrics.commitMs(ms));
  } catch (error) {
    if (error instanceof StoreError) throw new StartError(error.message, { cause: error });
    throw error;
  }
}

/** The control plane's own id, made at its first start. */
async function ownId(store: Store): Promise<string> {
  return store.transact(async (tx) => {
    const known = await tx.setting("control-plane-id");
    if (known !== undefined) return known;
    const made = uuidv7(clock.now(), random.bytes);
    await tx.putSetting("control-plane-id", made);
    return made;
  });
}

/** The two tokens: given, or from their files. */
function tokensOf({ dataDir, operatorToken, viewerToken }: Settings) {
  const file = (given: string | undefined, name: "operator-token" | "viewer-token"): string | undefined =>
    given === undefined ? path.join(dataDir, name) : undefined;
  return {
    operator: operatorToken ?? tokenFile(dataDir, "operator-token", random),
    viewer: viewerToken ?? tokenFile(dataDir, "viewer-token", random),
    operatorTokenFile: file(operatorToken, "operator-token"),
    viewerTokenFile: file(viewerToken, "viewer-token"),
  };
}
