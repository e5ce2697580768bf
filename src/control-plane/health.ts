import type { Metrics } from "./metrics.ts";

export interface HealthPlace {
  readonly metrics: Metrics;
  /** Undefined where requests can be served, else why not. */
  notReady(): string | undefined;
}

/** The answer to /livez, /readyz and /metrics; undefined for any other path. */
export async function health(place: HealthPlace, path: string): Promise<Response | undefined> {
  if (path === "/livez") return new Response("ok\n");
  if (path === "/readyz") {
    const why = place.notReady();
    return why === undefined ? new Response("ok\n") : new Response(`${why}\n`, { status: 503 });
  }
  if (path !== "/metrics") return undefined;
  const { registry } = place.metrics;
  return new Response(await registry.metrics(), { headers: { "content-type": registry.contentType } });
}
