/** The control plane itself is upgraded, and killed. Nothing else runs beside it: every connector notices. */
import { beforeAll, expect, test } from "vitest";
import { eventually } from "../../process/programs.ts";
import { pidOf, planePod } from "./pods.ts";
import { Tried } from "./tried.ts";
import type { World } from "./world.ts";

const ROLLED_OUT = "kubectl -n mooring rollout status statefulset/mooring-control-plane --timeout=60s";

export function planeSuite(place: () => { world: World }): void {
  let it: Tried;
  beforeAll(async () => {
    it = await Tried.install("late", place().world);
    return () => it.door.close();
  });

  test("an upgrade of the control plane loses and doubles no transition", async () => {
    const { world } = it;
    const { id } = await it.connected();
    const { metadata } = await planePod(world.node);
    const upgrade = "helm upgrade mooring-control-plane $CHARTS/mooring-control-plane -n mooring";
    const upgraded = world.shell(`${upgrade} --reuse-values --set log.level=debug --wait`);
    await eventually("the pod is going", async () => {
      const { body } = await world.node.call(
        "GET",
        "/api/v1/namespaces/mooring/pods/mooring-control-plane-0",
      );
      const found = (body as { metadata?: { uid?: string; deletionTimestamp?: string } }).metadata;
      return found?.uid !== metadata.uid || found.deletionTimestamp !== undefined || undefined;
    });
    await it.door.close();
    await upgraded;
    await it.told("error");
    await it.flip("online");
    expect((await planePod(world.node)).metadata.uid).not.toBe(metadata.uid);
    expect((await it.connected()).id).toBe(id);
    await it.nothingLostOrDoubled();
  });

  test("killed, it knows all that it had stored", async () => {
    const { world } = it;
    const pod = await planePod(world.node);
    const connectors = (): Promise<object> => world.plane.get("/connectors?limit=100");
    const names = (shown: object): unknown[] =>
      (shown as { items: { name: string; id: string }[] }).items.map(({ name, id }) => [name, id]);
    const before = names(await connectors());
    await world.node.inside(["kill", "-9", await pidOf(world.node, pod)]);
    await it.door.close();
    await eventually("it was started again", async () => {
      const [container] = (await planePod(world.node)).status.containerStatuses ?? [];
      return container?.restartCount === 1 || undefined;
    });
    await world.shell(ROLLED_OUT);
    await it.told("error");
    await it.flip("online");
    await it.connected();
    expect(names(await connectors())).toEqual(before);
    await it.nothingLostOrDoubled();
  });
}
