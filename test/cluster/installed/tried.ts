/** A connector that a suite does things to: a release of the chart, with one integration that the test opens and closes. */
import { expect } from "vitest";
import { eventually, type ShownConnector } from "../../process/programs.ts";
import { type Pod, podOf, thePodOf } from "./pods.ts";
import { type Door, door } from "./servers.ts";
import type { World } from "./world.ts";

/** The values of an upgrade, and what else goes with its command; `--wait` where no flags are given. */
interface Upgrade {
  readonly values?: object;
  readonly flags?: string;
}

export class Tried {
  /** The connector's name at the control plane, and the release's. */
  readonly name: string;
  readonly world: World;
  readonly door: Door;
  /** CONNECTOR/INTEGRATION */
  readonly target: string;
  /** The states that the integration was in, in their order. */
  readonly #truth: string[] = ["online"];

  private constructor(name: string, world: World, opened: Door) {
    this.name = name;
    this.world = world;
    this.door = opened;
    this.target = `${name}/door`;
  }

  static async install(name: string, world: World): Promise<Tried> {
    const tried = new Tried(name, world, await door(world.node.hostAddress));
    await world.connector(name, { values: tried.#values(), join: name });
    await world.plane.integrationIs(tried.target, "online");
    return tried;
  }

  #values(more: object = {}): object {
    const config = { host: this.world.node.hostAddress, port: this.door.port };
    const integration = { name: "door", type: "tcp", interval: "5s", timeout: "2s", config };
    return { controlPlane: { connectorName: this.name }, integrations: [integration], ...more };
  }

  /** `helm upgrade` with the values of the install and these. */
  upgrade({ values = {}, flags = "--wait" }: Upgrade): Promise<string> {
    return this.world.connector(this.name, { values: this.#values(values), flags });
  }

  /** Waits until the control plane shows a state that is new. */
  async told(state: "online" | "error"): Promise<void> {
    this.#truth.push(state);
    await this.world.plane.integrationIs(this.target, state);
  }

  /** Opens or closes what is looked at, and waits until that was told. */
  async flip(state: "online" | "error"): Promise<void> {
    await (state === "online" ? this.door.open() : this.door.close());
    await this.told(state);
  }

  /** The history has every state once, in the order in which it was. */
  async nothingLostOrDoubled(): Promise<void> {
    const history = await this.world.plane.history(this.target);
    expect(history.map(({ to }) => to)).toEqual(this.#truth);
    expect(history.map(({ from }) => from)).toEqual([null, ...this.#truth.slice(0, -1)]);
  }

  connected(): Promise<ShownConnector> {
    return this.world.plane.connectorIs(this.name, "connected", 90_000);
  }

  pod(): Promise<Pod> {
    return thePodOf(this.world.node, this.name);
  }

  anotherPod(than: Pod): Promise<Pod> {
    return eventually("another pod", async () => {
      const found = await podOf(this.world.node, this.name);
      return found === undefined || found.metadata.uid === than.metadata.uid ? undefined : found;
    });
  }

  async isRolledOut(): Promise<void> {
    const deployment = `deployment/${this.name}-connector`;
    await this.world.shell(`kubectl -n mooring rollout status ${deployment} --timeout=60s`);
  }
}
