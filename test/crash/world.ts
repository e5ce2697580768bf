import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import type { Tap } from "../conformance/frames.ts";
import { ConnectorSubject, PlaneSubject, type StartedConnector } from "../conformance/subjects.ts";
import { type Flipping, flipping } from "../process/flipping.ts";
import { folder, type Transition } from "../process/programs.ts";
import type { Aim, Victim } from "./points.ts";

const SCALE = 0.02;
/** Items on a page of a snapshot: so that one has several. */
const PAGE_ITEMS = 4;
const INTEGRATIONS = 12;

/** A control plane, a connector and a target that both ends can be compared with, with a proxy that sees each frame. */
export class World implements AsyncDisposable {
  readonly plane: PlaneSubject;
  readonly connector: StartedConnector;
  readonly target: Flipping;
  readonly aim: Aim;
  /** The connector's name. */
  readonly name: string;
  /** When the connector was killed, epoch milliseconds. */
  readonly killedAt: number[] = [];
  readonly #parts: AsyncDisposableStack;

  private constructor(
    made: {
      plane: PlaneSubject;
      connector: StartedConnector;
      target: Flipping;
      name: string;
      dieFile: string;
    },
    parts: AsyncDisposableStack,
  ) {
    this.plane = made.plane;
    this.connector = made.connector;
    this.target = made.target;
    this.name = made.name;
    this.#parts = parts;
    this.aim = {
      kill: (victims) => this.#kill(victims),
      tap: undefined,
      dieFile: made.dieFile,
      isDead: () => made.plane.program?.isOver === true,
    };
  }

  static async start(): Promise<World> {
    await using parts = new AsyncDisposableStack();
    const dir = parts.use(await folder()).path;
    const target = parts.use(await flipping(INTEGRATIONS));
    const dieFile = join(dir, "die");
    const place: { world?: World } = {};
    const tap: Tap = (text, direction) =>
      place.world?.aim.tap?.(text, direction) ?? smallPages(text, direction);
    const plane = parts.use(await PlaneSubject.start(SCALE, { tap, environment: dying(dieFile) }));
    const name = "shaken";
    const joinToken = await plane.joinToken(name);
    const subject = new ConnectorSubject(SCALE);
    const connector = parts.use(
      await subject.start(plane.url, { integrations: target.integrations, joinToken }),
    );
    const world = new World({ plane, connector, target, name, dieFile }, parts.move());
    place.world = world;
    return world;
  }

  #kill(victims: readonly Victim[]): void {
    if (victims.includes("connector")) {
      this.killedAt.push(Date.now());
      this.connector.program.signal("SIGKILL");
    }
    if (victims.includes("control plane")) this.plane.program?.signal("SIGKILL");
  }

  /** Starts again whoever was killed, and waits until they are connected. */
  async heal(victims: readonly Victim[]): Promise<void> {
    if (victims.includes("control plane")) {
      await this.plane.program?.ended;
      await this.plane.start();
    }
    if (victims.includes("connector")) {
      await this.connector.program.ended;
      await this.connector.again();
    }
    await this.plane.until<{ state: string }>(
      `/connectors/${this.name}`,
      ({ state }) => state === "connected",
      30_000,
    );
  }

  /** All transitions of an integration, oldest first. */
  async history(integration: string): Promise<readonly Transition[]> {
    type Page = { readonly items: readonly Transition[]; readonly next: string | null };
    const items: Transition[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const more: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page: Page | undefined = await this.plane.get(
        `/integrations/${this.name}/${integration}/history?limit=500${more}`,
      );
      items.push(...(page?.items ?? []));
      cursor = page?.next ?? null;
    }
    return items.toReversed();
  }

  async histories(): Promise<ReadonlyMap<string, readonly Transition[]>> {
    const all = new Map<string, readonly Transition[]>();
    for (const name of this.target.names) all.set(name, await this.history(name));
    return all;
  }

  /** Ends the control plane and looks whether its database is whole. */
  async expectWhole(): Promise<void> {
    await this.plane.stop("SIGKILL");
    expectWhole(this.plane.dataDir);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync();
  }
}

/** The environment of a control plane that dies at the commit that the file names. */
export function dying(dieFile: string): Readonly<Record<string, string>> {
  const preload = fileURLToPath(new URL("die-at-commit.ts", import.meta.url));
  return { NODE_OPTIONS: `--import=${preload}`, TEST_DIE_FILE: dieFile };
}

/** Throws unless the database is whole. */
export function expectWhole(dataDir: string): void {
  const database = new DatabaseSync(join(dataDir, "mooring.db"));
  const integrity = JSON.stringify(database.prepare("pragma integrity_check").all());
  const foreign = JSON.stringify(database.prepare("pragma foreign_key_check").all());
  database.close();
  if (integrity !== '[{"integrity_check":"ok"}]' || foreign !== "[]")
    throw new Error(`the database is not whole after a kill: ${integrity} ${foreign}`);
}

/** Limits of welcome may be lowered: the pages of snapshots become small. */
function smallPages(text: string, direction: "up" | "down"): readonly string[] | undefined {
  if (direction !== "down" || !text.includes('"dev.mooring.session.welcome.v1"')) return undefined;
  return [text.replace(/"snapshotPageItems":\d+/, `"snapshotPageItems":${PAGE_ITEMS}`)];
}
