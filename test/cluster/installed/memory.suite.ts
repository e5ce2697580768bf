/** A connector that is given too little memory. */
import { beforeAll, expect, test } from "vitest";
import { eventually } from "../../process/programs.ts";
import { podOf } from "./pods.ts";
import { Tried } from "./tried.ts";
import { inTurn, type World } from "./world.ts";

const limited = (memory: string): object => ({
  resources: { requests: { cpu: "50m", memory }, limits: { memory } },
});

export function memorySuite(place: () => { world: World }): void {
  let it: Tried;
  beforeAll(async () => {
    it = await Tried.install("tight", place().world);
    return () => it.door.close();
  });

  test("it is OOMKilled, which is told, and comes back with more", inTurn, async () => {
    const { world } = it;
    const { id } = await it.connected();
    // Less than its start needs.
    await it.upgrade({ values: limited("32Mi"), flags: "" });
    await eventually(
      "it is killed",
      async () => {
        const [container] = (await podOf(world.node, it.name))?.status.containerStatuses ?? [];
        return container?.lastState.terminated?.reason === "OOMKilled" || undefined;
      },
      { ms: 30_000 },
    );
    await it.door.close();
    await world.plane.connectorIs(it.name, "unreachable", 120_000);
    const described = `kubectl -n mooring describe pod -l app.kubernetes.io/instance=${it.name}`;
    expect(await world.shell(described)).toMatch(/Reason: +OOMKilled/);
    await it.upgrade({ values: limited("384Mi") });
    await it.told("error");
    await it.flip("online");
    expect((await it.connected()).id).toBe(id);
    await it.nothingLostOrDoubled();
  });
}
