/** A connector of fifty integrations, what it weighs, and a real Prometheus that looks at all programs. */
import { expect, test } from "vitest";
import { chartPath, promtool, ROOT } from "../../chart/helm.ts";
import { eventually } from "../../process/programs.ts";
import { program } from "../binaries.ts";
import { run } from "../processes.ts";
import { metricsOf, planePod, thePodOf, weightOf } from "./pods.ts";
import { startPrometheus } from "./prometheus.ts";
import type { Guarded } from "./servers.ts";
import { inTurn, type World } from "./world.ts";

const COUNT = 50;
const MOST_MB = 120;
const NAME = "many";
const RELEASE = "many";

/** Fifty: ports, pages, and pages with a login whose token is a Secret's. */
function manyIntegrations(url: string): object[] {
  return Array.from({ length: COUNT }, (_, index) => {
    const name = `${["port", "page", "login"][index % 3]}-${index}`;
    const host = "answers.data.svc";
    if (index % 3 === 0) return { name, type: "tcp", config: { host, port: 80 } };
    if (index % 3 === 1) return { name, type: "http", config: { url: `http://${host}/` } };
    const secret = { store: "kubernetes", name: "constant", namespace: "data" };
    return { name, type: "http", config: { url }, secret };
  });
}

export function watchedSuite(place: () => { world: World; login: Guarded }): void {
  test(`fifty integrations weigh at most ${MOST_MB} MB`, inTurn, async () => {
    const { world, login } = place();
    const values = {
      integrations: manyIntegrations(login.url),
      rbac: { secrets: { data: ["constant"] } },
      metrics: { annotations: true },
    };
    await world.connector(RELEASE, { values, join: NAME });
    await world.plane.until<{ integrations: Record<string, number> }>(
      `/connectors/${NAME}`,
      ({ integrations }) => integrations["online"] === COUNT,
    );
    const { rss, container } = await weightOf(world.node, await thePodOf(world.node, RELEASE));
    const [rssMb, containerMb] = [Math.round(rss / 1e6), Math.round(container / 1e6)];
    console.log(`connector with ${COUNT} integrations: RSS ${rssMb} MB, container ${containerMb} MB`);
    expect(rssMb).toBeLessThanOrEqual(MOST_MB);
    expect(containerMb).toBeLessThanOrEqual(MOST_MB);
  });

  test("promtool finds nothing in either program's metrics, nor in the alerts", inTurn, async () => {
    const { node } = place().world;
    const plane = await planePod(node);
    const bodies = [await metricsOf(await thePodOf(node, "mooring")), await metricsOf(plane, 7482)];
    for (const body of bodies) {
      expect(body).toMatch(/^mooring_/m);
      expect(await run([program("promtool"), "check", "metrics"], { stdin: body })).toBe("");
    }
    const rules = chartPath("mooring-connector", "files", "alerts.yaml");
    const { code, stderr } = await promtool(ROOT, "check", "rules", "--lint=all", "--lint-fatal", rules);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  test("a Prometheus scrapes both, and the alert of what is broken fires", inTurn, async () => {
    const { world } = place();
    const { node } = world;
    const plane = await planePod(node);
    const [calm, many] = await Promise.all([thePodOf(node, "mooring"), thePodOf(node, RELEASE)]);
    await using prometheus = await startPrometheus(world.node.directory, [
      { address: `${calm.status.podIP}:7481`, namespace: "mooring", job: "mooring" },
      { address: `${many.status.podIP}:7481`, namespace: "mooring", job: RELEASE },
      { address: `${plane.status.podIP}:7482`, namespace: "mooring", job: "mooring-control-plane" },
    ]);
    await eventually("all are up", async () => {
      const up = await prometheus.query("up == 1");
      return up.length === 3 || undefined;
    });
    const value = async (query: string): Promise<number | undefined> =>
      (await prometheus.query(query))[0]?.value;
    expect(await value('mooring_control_plane_connected{job="mooring"}')).toBe(1);
    expect(await value(`count(mooring_integration_up{job="${RELEASE}"} == 1)`)).toBe(COUNT);
    expect(await value('mooring_control_plane_connectors{state="connected"}')).toBeGreaterThanOrEqual(2);
    for (const { name, health, lastError } of await prometheus.rules())
      expect({ name, health, lastError: lastError ?? "" }).toEqual({ name, health: "ok", lastError: "" });
    const fired = await eventually("the alerts of prod-eu's broken Services fire", async () => {
      const firing = await prometheus.firing();
      return firing.some(({ integration }) => integration === "nobody") ? firing : undefined;
    });
    const ours = fired.filter(({ alertname }) => alertname === "MooringIntegrationUnreachable");
    expect(ours.map(({ integration }) => integration)).toContain("unready");
    expect(fired.map(({ integration }) => integration)).not.toContain("answers");
  });
}
