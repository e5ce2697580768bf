import { FAULTS, type Plan } from "./plan.ts";
import { type Broken, RULES } from "./rules.ts";
import { run } from "./run.ts";

/** A part of a plan: what is left out of it. */
export interface Part {
  /** Places in the plan's list of faults. */
  readonly only?: readonly number[] | undefined;
  readonly troubleMs?: number | undefined;
  readonly connectors?: number | undefined;
  readonly integrations?: number | undefined;
}

/** Runs that a search may take. */
const MOST_RUNS = 150;

/** The plan with nothing but that part of it. */
export function partOf(plan: Plan, { only, troubleMs, connectors, integrations }: Part): Plan {
  return {
    ...plan,
    faults: only === undefined ? plan.faults : plan.faults.filter((_, place) => only.includes(place)),
    troubleMs: troubleMs ?? plan.troubleMs,
    connectors: connectors ?? plan.connectors,
    integrations: integrations ?? plan.integrations,
  };
}

/** The smallest part that was found to break the same rule. */
export async function shrink(plan: Plan, broken: Broken): Promise<Part> {
  let runs = 0;
  const breaks = async (part: Part): Promise<boolean> => {
    if (runs >= MOST_RUNS) return false;
    runs += 1;
    const outcome = await run(partOf(plan, part));
    return !outcome.ok && outcome.broken.rule === broken.rule;
  };
  let part: Part = { only: plan.faults.map((_, place) => place) };
  for (const smaller of [{ connectors: 1 }, { integrations: 1 }])
    if (await breaks({ ...part, ...smaller })) part = { ...part, ...smaller };
  part = { ...part, only: await fewest(part.only ?? [], (only) => breaks({ ...part, only })) };
  const last = Math.max(0, ...(part.only ?? []).map((place) => plan.faults[place]?.at ?? 0));
  for (const troubleMs of [last + 1, last + 20_000]) {
    if (troubleMs >= plan.troubleMs || !(await breaks({ ...part, troubleMs }))) continue;
    return { ...part, troubleMs };
  }
  return part;
}

/** Leaves out halves, then quarters, and so on, as long as the rest still breaks the rule. */
async function fewest(
  all: readonly number[],
  breaks: (some: readonly number[]) => Promise<boolean>,
): Promise<readonly number[]> {
  let left = all;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let from = 0; from < left.length;) {
      const rest = [...left.slice(0, from), ...left.slice(from + size)];
      if (await breaks(rest)) left = rest;
      else from += size;
    }
  return left;
}

/** What broke, how to see it again, and the smallest way to it. */
export async function explain(plan: Plan, broken: Broken): Promise<string> {
  const part = await shrink(plan, broken);
  const { faults } = partOf(plan, part);
  const lines = [
    `seed ${plan.seed} broke the rule ${broken.rule} at ${(broken.at / 1000).toFixed(1)} s (${plan.name}, ${plan.profile}):`,
    `  rule:     ${RULES[broken.rule]}`,
    `  but:      ${broken.message}`,
    `  again:    npm run sim -- --seed ${plan.seed} --trace`,
    `  smallest: npm run sim -- --seed ${plan.seed}${flags(part)} --trace`,
    `            ${faults.length} of ${plan.faults.length} faults:`,
    ...faults.map(
      ({ at, kind, who, ms }) =>
        `            ${(at / 1000).toFixed(1)} s: ${FAULTS[kind]} (${kind}, c${who}, ${ms} ms)`,
    ),
  ];
  return lines.join("\n");
}

function flags({ only, troubleMs, connectors, integrations }: Part): string {
  const given = { only: only?.join(",") || "none", trouble: troubleMs, connectors, integrations };
  return Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` --${name} ${value}`)
    .join("");
}
