import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePort, type Plane } from "../process/programs.ts";
import { Calls } from "./calls.ts";
import type { Truths } from "./compared.ts";
import type { FarSide } from "./far-side.ts";
import { End, inOwnNamespace, NEAR_ADDRESS, type Packets } from "./network.ts";
import { SecurePlane } from "./secure-plane.ts";
import { Watch } from "./watch.ts";

/** Connectors that start at one time: each takes a second or two of a core. */
const AT_ONCE = 4;
/** Every so many connectors one has a target that changes at each look; the others have nothing to tell but that they live. */
const FLIPS_EVERY = 2;
/** The connector that is frozen at the end. Nothing that it looks at changes. */
export const CONTROL = "control";

/** A control plane with TLS on this side, connectors on the other one, and all that is said of them. */
export class LossyFleet implements AsyncDisposable {
  readonly plane: Plane;
  readonly watch: Watch;
  /** Names of the integrations that change, each with its connector. */
  readonly flipping: ReadonlyMap<string, string>;
  readonly #near: End;
  readonly #far: Calls;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    made: { plane: Plane; watch: Watch; flipping: ReadonlyMap<string, string>; near: End; far: Calls },
    parts: AsyncDisposableStack,
  ) {
    this.plane = made.plane;
    this.watch = made.watch;
    this.flipping = made.flipping;
    this.#near = made.near;
    this.#far = made.far;
    this.#parts = parts;
  }

  /** So many connectors and the control, all of them connected; nothing is lost yet. */
  static async start(connectors: number, tell: (line: string) => void): Promise<LossyFleet> {
    await using parts = new AsyncDisposableStack();
    await End.loopback();
    const far = await farSide(parts);
    const near = new End("near");
    await near.up("near");
    await ask(far, "up");
    const listen = `${NEAR_ADDRESS}:${await freePort()}`;
    const { plane, ca } = parts.use(await SecurePlane.start({ listen, through: `https://${listen}` }));
    const watch = parts.use(await Watch.of(plane));
    const all = [...Array.from({ length: connectors }, (_, index) => `c-${index}`), CONTROL];
    const flips = await ask<readonly string[]>(far, "targets", Math.ceil(connectors / FLIPS_EVERY));
    const flipping = new Map(flips.map((name, index) => [name, `c-${index * FLIPS_EVERY}`]));
    const flipsOf = new Map([...flipping].map(([name, connector]) => [connector, name]));
    let connected = 0;
    await forEach(all, async (name) => {
      const joinTokenFile = await plane.joinToken(name);
      const known = { name, to: plane.url, joinTokenFile, ca };
      await ask(far, "start", { ...known, flips: flipsOf.get(name) ?? null });
      connected += 1;
      if (connected % 10 === 0 || connected === all.length) tell(`${connected} connectors are connected`);
    });
    return new LossyFleet({ plane, watch, flipping, near, far }, parts.move());
  }

  /** From now on each packet is lost with that probability, in each direction. */
  async lose(percent: number): Promise<void> {
    await this.#near.lose(percent);
    await ask(this.#far, "lose", percent);
  }

  /** Nothing is lost from now on. Gives what was, up to the control plane and down to the connectors. */
  async heal(): Promise<{ readonly up: Packets; readonly down: Packets }> {
    return { up: await this.#near.heal(), down: await ask<Packets>(this.#far, "heal") };
  }

  signal(name: string, signal: NodeJS.Signals): Promise<void> {
    return ask(this.#far, "signal", { name, signal });
  }

  /** What each integration that changes was answered, so far. */
  truth(): Promise<Truths> {
    return ask(this.#far, "truth");
  }

  /** What a connector logged. */
  log(name: string): Promise<readonly string[]> {
    return ask(this.#far, "log", name);
  }

  /** What each connector counts. */
  metrics(): Promise<readonly string[]> {
    return ask(this.#far, "metrics");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync();
  }
}

function ask<T>(far: Calls, method: keyof FarSide, argument?: FarSide[keyof FarSide]): Promise<T> {
  return far.call(method, argument);
}

/** The process on the other side, joined with this one. */
async function farSide(parts: AsyncDisposableStack): Promise<Calls> {
  const child = inOwnNamespace(fileURLToPath(new URL("far-side.ts", import.meta.url)), [], "ipc");
  const ended = once(child, "exit");
  parts.defer(async () => {
    if (child.connected) child.disconnect();
    await ended;
  });
  const far = new Calls(child);
  await ask(far, "loopback");
  await End.join(child.pid ?? 0);
  return far;
}

/** Does it for each, some at a time. */
async function forEach(names: readonly string[], work: (name: string) => Promise<void>): Promise<void> {
  const waiting = [...names];
  const worker = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await work(name);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
