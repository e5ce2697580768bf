/** A connector that is killed, cut off, and locked out. */
import { beforeAll, expect, test } from "vitest";
import { eventually } from "../../process/programs.ts";
import { metricsOf, pidOf, planePod } from "./pods.ts";
import { Tried } from "./tried.ts";
import { inTurn, PUBLIC_URL, type World } from "./world.ts";

export function outageSuite(place: () => { world: World }): void {
  let it: Tried;
  beforeAll(async () => {
    it = await Tried.install("edge", place().world);
    return () => it.door.close();
  });

  test("killed, it comes back as itself", inTurn, async () => {
    const { world } = it;
    const { id } = await it.connected();
    const first = await it.pod();
    const now = "--force --grace-period=0 2>/dev/null";
    await world.shell(`kubectl -n mooring delete pod ${first.metadata.name} ${now}`);
    const second = await it.anotherPod(first);
    await it.isRolledOut();
    await it.connected();
    await world.node.inside(["kill", "-9", await pidOf(world.node, await it.pod())]);
    const killed = await eventually("it was started again", async () => {
      const [container] = (await it.pod()).status.containerStatuses ?? [];
      return container?.restartCount === 1 ? container.lastState.terminated : undefined;
    });
    expect(killed.exitCode).toBe(137);
    await it.isRolledOut();
    expect((await it.pod()).metadata.uid).toBe(second.metadata.uid);
    await it.flip("error");
    await it.flip("online");
    expect((await it.connected()).id).toBe(id);
    await it.nothingLostOrDoubled();
  });

  test("cut off, it is unreachable, and tells afterwards what was meanwhile", inTurn, async () => {
    const { node, plane } = it.world;
    const pod = await it.pod();
    const [from, to] = [pod.status.podIP ?? "", (await planePod(node)).status.podIP ?? ""];
    const rule = ["FORWARD", "-s", from, "-d", to, "-j", "DROP"];
    await node.inside(["iptables", "-I", ...rule]);
    const cut = Date.now();
    await it.door.close();
    await plane.connectorIs(it.name, "unreachable");
    expect(await plane.get(`/connectors/${it.name}`)).toMatchObject({
      condition: "connector_unreachable",
      message: "Connector edge is unreachable.",
    });
    expect(await plane.get(`/integrations/${it.target}`)).toMatchObject({
      state: "unknown",
      lastKnown: { state: "online" },
    });
    const down = /mooring_integration_up\{integration="door"[^}]*\} 0/;
    await eventually("it goes on checking", async () => down.test(await metricsOf(pod)) || undefined);
    const healed = Date.now();
    await node.inside(["iptables", "-D", ...rule]);
    await it.connected();
    await it.told("error");
    const told = Date.parse((await plane.history(it.target)).at(-1)?.at ?? "");
    expect(told).toBeGreaterThan(cut);
    expect(told).toBeLessThan(healed);
    await it.flip("online");
    await it.nothingLostOrDoubled();
  });

  test("locked out, its doctor says so, and a new join token is enough", inTurn, async () => {
    const { world } = it;
    const { metadata } = await it.pod();
    await world.plane.call("POST", `/connectors/${it.name}/revoke`);
    await expect(world.shell(`helm test ${it.name} -n mooring`)).rejects.toThrow(/edge-connector-doctor/);
    const said = await world.shell(`kubectl -n mooring logs ${it.name}-connector-doctor`);
    expect(said).toMatch(/✗ session: .*revoked/);
    // As docs/runbooks/MooringConnectorUnreachable.md says.
    await world.shell(`npx mooring token create ${it.name} --control-plane ${PUBLIC_URL} --ca tls.crt \\
      --token-file operator-token | kubectl -n mooring create secret generic ${it.name}-join \\
      --from-file=token=/dev/stdin --dry-run=client -o yaml | kubectl apply -f -`);
    await it.connected();
    expect((await it.pod()).metadata.uid).toBe(metadata.uid);
    await world.shell(`helm test ${it.name} -n mooring`);
    await it.nothingLostOrDoubled();
  });
}
