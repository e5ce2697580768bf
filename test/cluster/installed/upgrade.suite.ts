/** A connector that is upgraded, taken back, and asked to end. */
import { beforeAll, expect, test } from "vitest";
import { eventually, type ShownConnector } from "../../process/programs.ts";
import { evaluate } from "./pods.ts";
import { Tried } from "./tried.ts";
import { inTurn, type World } from "./world.ts";

export function upgradeSuite(place: () => { world: World }): void {
  let it: Tried;
  beforeAll(async () => {
    it = await Tried.install("staging", place().world);
    return () => it.door.close();
  });

  test("an upgrade loses and doubles no transition", inTurn, async () => {
    const { id } = await it.connected();
    await it.flip("error");
    await it.flip("online");
    const before = await it.pod();
    const upgraded = it.upgrade({ values: { log: { level: "debug" } } });
    const gone = `pod/${before.metadata.name} --timeout=60s`;
    await it.world.shell(`kubectl -n mooring wait --for=delete ${gone}`);
    await it.flip("error");
    await upgraded;
    expect((await it.pod()).metadata.uid).not.toBe(before.metadata.uid);
    await it.flip("online");
    expect((await it.connected()).id).toBe(id);
    await it.nothingLostOrDoubled();
  });

  test("a broken upgrade is taken back", inTurn, async () => {
    const broken = { values: { image: { tag: "nowhere" } }, flags: "--wait --timeout 15s" };
    await expect(it.upgrade(broken)).rejects.toThrow(/staging-connector/);
    await it.door.close();
    await it.world.shell(`helm rollback ${it.name} -n mooring --wait`);
    await it.told("error");
    await it.flip("online");
    await it.connected();
    await it.nothingLostOrDoubled();
  });

  test("SIGTERM ends it with code 0, long before its grace does", inTurn, async () => {
    const { world } = it;
    // Used once, and not needed any more.
    await world.shell(`kubectl -n mooring delete secret ${it.name}-join`);
    const first = await it.pod();
    const begun = performance.now();
    const deleted = world.shell(`kubectl -n mooring delete pod ${first.metadata.name}`);
    const path = `/connectors/${it.name}`;
    const said = await world.plane.until<ShownConnector>(path, ({ state }) => state !== "connected");
    // It said goodbye.
    expect(said.state).toBe("restarting");
    await deleted;
    expect(performance.now() - begun).toBeLessThan(10_000);
    const second = await it.anotherPod(first);
    await it.isRolledOut();
    await it.connected();
    await evaluate(world.node, second.metadata.name, "process.kill(1, 'SIGTERM')");
    const ended = await eventually("it has ended", async () => {
      const [container] = (await it.pod()).status.containerStatuses ?? [];
      return container?.state.terminated ?? container?.lastState.terminated;
    });
    expect(ended.exitCode).toBe(0);
    await it.isRolledOut();
    await it.connected();
    await it.nothingLostOrDoubled();
  });

  test("uninstalled and installed anew it is the same connector", inTurn, async () => {
    const { world } = it;
    const { id } = await it.connected();
    await world.shell(`helm uninstall ${it.name} -n mooring --wait`);
    await it.door.close();
    await it.upgrade({});
    await it.told("error");
    await it.flip("online");
    expect((await it.connected()).id).toBe(id);
    await it.nothingLostOrDoubled();
  });
}
