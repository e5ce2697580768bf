import { expectTrue, isConverged } from "../crash/truth.ts";
import type { Answered } from "../process/flipping.ts";
import { pause, type Plane, type ShownConnector } from "../process/programs.ts";

/** How long after all trouble everything may take until both ends agree, milliseconds. */
const CONVERGED_MS = 120_000;

/** What integrations were answered, oldest first, each by its name. */
export type Truths = readonly (readonly [name: string, answered: readonly Answered[]])[];

export interface Compared {
  /** Rules that were broken, one line each. */
  readonly problems: readonly string[];
  readonly transitions: number;
  readonly answers: number;
}

/**
 * Every answer of a target was told once and in order, and everybody is connected. `integrations` are those that change
 * at every look, each with its connector; they go on changing meanwhile.
 */
export async function compared(
  plane: Plane,
  integrations: ReadonlyMap<string, string>,
  truths: () => Truths | Promise<Truths>,
): Promise<Compared> {
  const open = new Map(integrations);
  const problems: string[] = [];
  const count = { transitions: 0, answers: 0 };
  const deadline = performance.now() + CONVERGED_MS;
  while (open.size > 0 && performance.now() < deadline) {
    for (const [name, truth] of await truths()) {
      const connector = open.get(name);
      if (connector === undefined) continue;
      const answered = truth.slice();
      const history = await plane.history(`${connector}/${name}`);
      if (!isConverged(history, answered)) continue;
      open.delete(name);
      count.transitions += history.length;
      count.answers += answered.length;
      problems.push(...brokenBy(() => expectTrue(`${connector}/${name}`, history, answered, [])));
    }
    await pause(100);
  }
  for (const [name, connector] of open)
    problems.push(`${connector}/${name} shows another state than its target, ${seconds(CONVERGED_MS)} later`);
  problems.push(...(await notConnected(plane)));
  return { problems, ...count };
}

async function notConnected(plane: Plane): Promise<readonly string[]> {
  const areBack = ({ items }: { items: readonly ShownConnector[] }): boolean =>
    items.every(({ state }) => state === "connected");
  return plane.until("/connectors?limit=500", areBack, CONVERGED_MS).then(
    () => [],
    (error: unknown) => [`not all are connected again: ${String(error).slice(0, 500)}`],
  );
}

function brokenBy(rule: () => void): readonly string[] {
  try {
    rule();
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
