import type { CommandRequest } from "../../../src/control-plane/command-rules.ts";
import type { ConnectorRow } from "../../../src/control-plane/store/rows.ts";
import type { Fault, FaultKind } from "./plan.ts";
import type { Pod } from "./pod.ts";
import type { Simulation } from "./simulation.ts";
import { items } from "./targets.ts";

interface Backup {
  readonly disk: unknown;
  readonly stored: unknown;
  readonly orders: unknown;
  readonly rows: readonly ConnectorRow[];
}

/** Has things go wrong. */
export class Faults {
  readonly #sim: Simulation;
  #backup: Backup | undefined;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  apply(fault: Fault): void {
    const id = `c${fault.who}`;
    const pod = this.#sim.podsOf(id).at(-1);
    this.#sim.onTrace?.(`-- ${fault.kind} ${id} ${fault.ms} ms`);
    this.#act[fault.kind]({ ...fault, id, pod });
  }

  readonly #act: Record<FaultKind, (of: Fault & { id: string; pod: Pod | undefined }) => void> = {
    cut: ({ id }) => this.#cut(id, [true, true], false),
    "half-open": ({ id, dice }) => this.#cut(id, [dice < 0.3, dice > 0.8], true),
    hold: ({ id, ms, dice }) => this.#hold(id, ms, dice),
    partition: ({ id, ms }) => this.#block([id], ms),
    "partition-many": ({ ms, dice }) =>
      this.#block(
        this.#sim.ids.filter((_, index) => index < this.#sim.ids.length * (0.3 + 0.7 * dice)),
        ms,
      ),
    "freeze-pod": ({ id, pod, ms }) => {
      pod?.machine.freeze(ms);
      this.#trouble([id], ms);
    },
    "freeze-plane": ({ ms }) => this.#freezePlane(ms),
    "crash-pod": ({ id, pod, ms, dice }) => this.#crashPod({ id, pod, ms, saysFin: dice < 0.6 }),
    "restart-pod": ({ id, pod, ms, dice }) =>
      this.#stopPod({ id, pod, ms }, { reason: "restart", expectedReturnMs: Math.round(dice * 150_000) }),
    "shut-pod": ({ id, pod, ms }) =>
      this.#stopPod({ id, pod, ms }, { reason: "shutdown", expectedReturnMs: null }),
    "second-pod": ({ id, ms, dice }) => this.#secondPod(id, ms, dice),
    "crash-plane": ({ ms, dice }) => this.#crashPlane(ms, dice < 0.6),
    "stop-plane": ({ ms }) => this.#stopPlane(ms),
    backup: () => void this.#makeBackup(),
    restore: ({ ms }) => this.#restore(ms),
    "slow-disk": ({ ms }) => {
      this.#sim.disk.slowUntil = this.#sim.timeline.now + ms;
      // What was begun while it was slow takes its seconds.
      this.#trouble(this.#sim.ids, ms + 5_000);
    },
    "full-disk": ({ ms }) => {
      this.#sim.disk.fullUntil = this.#sim.timeline.now + ms;
      this.#trouble(this.#sim.ids, ms + 5_000);
    },
    storm: ({ id, ms }) => this.#storm(id, this.#sim.timeline.now + ms),
    reload: ({ pod, dice }) => {
      const { integrations, intervalMs } = this.#sim.plan;
      // Some go, some come, now and then all.
      const count = Math.max(0, Math.round(integrations * 1.4 * dice - 0.2));
      pod?.reload(items(count, intervalMs, dice < 0.5 ? 0 : 1));
    },
    clock: ({ who, pod, dice }) => {
      const machine = who % 2 === 1 || dice < 0.3 ? this.#sim.plane?.machine : pod?.machine;
      if (machine !== undefined) machine.skewMs += dice < 0.65 ? 3_600_000 : -3_600_000;
    },
    command: ({ id, dice }) => this.#ask(id, dice),
  };

  #trouble(ids: readonly string[], ms: number): void {
    this.#sim.silence.troubled(ids, this.#sim.timeline.now + ms);
  }

  #cut(id: string, hears: readonly [boolean, boolean], isHalfOpen: boolean): void {
    const { network, silence } = this.#sim;
    if (!isHalfOpen || !silence.healsInTime(id)) this.#trouble([id], 2_000);
    network.socketsOf(id).at(-1)?.cut(hears);
  }

  #hold(id: string, ms: number, dice: number): void {
    const { network, timeline } = this.#sim;
    const socket = network.socketsOf(id).at(-1);
    const until = timeline.now + ms;
    if (socket !== undefined && dice < 0.7) socket.heldUntil[0] = until;
    if (socket !== undefined && dice > 0.4) socket.heldUntil[1] = until;
    this.#trouble([id], ms);
  }

  #block(ids: readonly string[], ms: number): void {
    for (const id of ids) this.#sim.network.block(id, ms);
    this.#trouble(ids, ms + 20_000);
  }

  #freezePlane(ms: number): void {
    const { plane, silence, ids } = this.#sim;
    if (plane === undefined || !plane.machine.isAlive || plane.machine.isFrozen) return;
    plane.machine.freeze(ms);
    this.#trouble(ids, ms);
    silence.planeStood(ms);
  }

  #crashPod(of: { id: string; pod: Pod | undefined; ms: number; saysFin: boolean }): void {
    const { id, pod, ms, saysFin } = of;
    if (pod === undefined) return;
    this.#sim.network.died(pod, saysFin);
    pod.machine.kill();
    this.#gone(pod);
    this.#comesBack(id, ms);
  }

  #stopPod(
    { id, pod, ms }: { id: string; pod: Pod | undefined; ms: number },
    bye: Parameters<Pod["stop"]>[0],
  ): void {
    if (pod === undefined) return;
    this.#gone(pod);
    this.#trouble([id], ms + 20_000);
    void pod.stop(bye).then(() => {
      this.#sim.network.died(pod, true);
      this.#comesBack(id, ms);
    });
  }

  #gone(pod: Pod): void {
    this.#sim.pods = this.#sim.pods.filter((other) => other !== pod);
  }

  #comesBack(id: string, ms: number): void {
    this.#trouble([id], ms + 5_000);
    this.#sim.timeline.after(ms, () => {
      if (this.#sim.podsOf(id).length === 0) this.#sim.startPod(id);
    });
  }

  #secondPod(id: string, ms: number, dice: number): void {
    const { timeline } = this.#sim;
    if (this.#sim.podsOf(id).length > 2) return;
    const second = this.#sim.startPod(id);
    this.#trouble([id], ms + 60_000);
    // The newer or the older one goes in the end, or none does.
    timeline.after(ms, () => {
      const goes = dice < 0.4 ? second : dice < 0.8 ? this.#sim.podsOf(id)[0] : undefined;
      if (goes === undefined || !this.#sim.pods.includes(goes)) return;
      if (this.#sim.podsOf(id).length < 2) return;
      this.#sim.network.died(goes, dice < 0.6);
      goes.machine.kill();
      this.#gone(goes);
    });
  }

  #crashPlane(ms: number, saysFin: boolean): void {
    const { plane, network } = this.#sim;
    if (plane === undefined || !plane.machine.isAlive) return;
    network.died(plane, saysFin);
    plane.machine.kill();
    this.#planeComesBack(ms);
  }

  #stopPlane(ms: number): void {
    const { plane, network } = this.#sim;
    if (plane === undefined || !plane.machine.isAlive || !plane.isServing || plane.machine.isFrozen) return;
    this.#trouble(this.#sim.ids, ms + 20_000);
    const over = (): void => {
      if (this.#sim.plane !== plane) return;
      network.died(plane, true);
      plane.machine.kill();
      this.#planeComesBack(ms);
    };
    plane.stop(2_000).then(over, over);
  }

  #planeComesBack(ms: number): void {
    const dead = this.#sim.plane;
    this.#trouble(this.#sim.ids, ms + 5_000);
    this.#sim.timeline.after(Math.max(ms, 1), () => {
      if (this.#sim.plane === dead) this.#sim.startPlane();
    });
  }

  /** As a copy of the database is made: of what is committed. */
  async #makeBackup(): Promise<void> {
    const { disk, stored, orders, ids } = this.#sim;
    await disk.rows.transact(async () => {
      this.#backup = {
        disk: disk.rows.snapshot(),
        stored: stored.backup(),
        orders: orders.backup(),
        rows: ids.flatMap((id) => this.#sim.row(id) ?? []),
      };
    });
  }

  #restore(ms: number): void {
    const { plane, network, disk, stored, orders, timeline } = this.#sim;
    const backup = this.#backup;
    if (backup === undefined || plane === undefined || !plane.machine.isAlive) return;
    network.died(plane, true);
    plane.machine.kill();
    this.#sim.onTrace?.("-- the backup is restored");
    timeline.after(1, () => {
      disk.rows.restore(backup.disk);
      stored.restore(backup.stored);
      orders.restore(backup.orders);
      this.#sim.forgetRows(backup.rows);
    });
    this.#planeComesBack(Math.max(2, ms));
  }

  #storm(id: string, until: number): void {
    const { timeline, targets } = this.#sim;
    const pod = this.#sim.podsOf(id).at(-1);
    for (const item of pod?.items ?? []) {
      targets.change(`${id}/${item.name}`);
      pod?.lookNow(item.name);
    }
    if (timeline.now < until) timeline.after(timeline.between(200, 900), () => this.#storm(id, until));
  }

  /** As the API does it. */
  #ask(connectorId: string, dice: number): void {
    const { plane, timeline } = this.#sim;
    if (plane === undefined || !plane.machine.isAlive || !plane.isServing || plane.machine.isFrozen) return;
    const name = `i${Math.floor(timeline.random() * (this.#sim.plan.integrations + 1))}`;
    const kind = dice < 0.5 ? "refresh" : "integration.test";
    const all = dice < 0.1;
    const request: CommandRequest = {
      connectorId,
      kind,
      resourceKey: all ? "connector" : `integrations/${name}`,
      args: { integration: all ? null : name },
      actor: "operator",
      idempotency: null,
    };
    // A disk that refuses is told to the operator.
    plane.core.commands.create(request).catch(() => {});
  }
}
