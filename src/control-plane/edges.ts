import { Access } from "./access.ts";
import type { Admission } from "./admission.ts";
import { createApp } from "./app.ts";
import type { Clock, Random } from "./clock.ts";
import type { Core } from "./core.ts";
import { hashOf } from "./enrolment.ts";
import { health } from "./health.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Origins } from "./origin.ts";
import { OwnCluster } from "./own-cluster.ts";
import { pageDirectory } from "./page.ts";
import { serve, type WebServer } from "./server.ts";
import type { ClusterPlace } from "./settings.ts";
import type { SignIn } from "./sign-in.ts";
import { KeyedBuckets } from "./token-bucket.ts";
import { upgrader } from "./upgrade.ts";

export interface EdgePlace {
  readonly controlPlaneId: string;
  readonly core: Core;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly origins: Origins;
  readonly admission: Admission;
  readonly tokens: { readonly operator: string; readonly viewer: string };
  readonly signIn: SignIn;
  readonly version: string;
  readonly timeScale: number;
  readonly cluster: ClusterPlace | undefined;
  /** Aborts when the control plane stops. */
  readonly signal: AbortSignal;
}

/** Has the main listener answer everything; /livez and its like too where `withHealth`. */
export function serveMain(server: WebServer, place: EdgePlace, withHealth: boolean): void {
  const { core, clock, random, log, origins, metrics, admission } = place;
  const cluster = new OwnCluster(place.cluster, { log, tick: () => clock.tick() });
  const enrolment = { store: core.store, clock, random, audiences: origins.audiences, cluster };
  const app = createApp({
    api: { ...core, clock, random, enrolment },
    access: new Access(place.tokens, ({ cookie }) => {
      const role = place.signIn.sessionOf(cookie);
      return role === null ? undefined : { role, actor: `${role} (page)` };
    }),
    signIn: place.signIn,
    pageDirectory: pageDirectory(import.meta.url),
    origins,
    events: { feed: core.feed, clock, signal: place.signal, keepAliveMs: 15_000 * place.timeScale },
    version: place.version,
    log,
    failures: new KeyedBuckets({ perSecond: 1, burst: 20, most: 10_000 }, () => clock.tick()),
    health: withHealth ? (path) => answerHealth(place, path) : undefined,
  });
  serve(server, (request, env) => app.fetch(request, env));
  const session = {
    ...core,
    controlPlaneId: place.controlPlaneId,
    clock,
    random,
    log,
    sha256: hashOf,
    notify: core.publisher,
    counters: metrics,
  };
  const onTrouble = (id: string): void => core.publisher.connector(id);
  const credentials = { store: core.store, clock, audiences: origins.audiences, onTrouble };
  server.on("upgrade", upgrader({ session, credentials, admission, metrics, origins, log }));
}

/** Has a listener of its own answer /livez, /readyz and /metrics, for any Host. */
export function serveHealth(server: WebServer, place: EdgePlace): void {
  serve(server, async (request) => {
    const answer = await answerHealth(place, new URL(request.url).pathname);
    return answer ?? new Response("not found\n", { status: 404 });
  });
}

function answerHealth({ metrics, admission, core }: EdgePlace, path: string): Promise<Response | undefined> {
  const notReady = (): string | undefined => (admission.draining ? "draining" : core.store.trouble);
  return health({ metrics, notReady }, path);
}
