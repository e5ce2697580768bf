import { setImmediate } from "node:timers/promises";
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
export interface Smallest {
  readonly part: Part;
  /** How that part broke it; undefined where nothing smaller than the whole was found. */
  readonly broken: Broken | undefined;
  /** The search took more runs than it may: there may be a smaller one. */
  readonly isCutOff: boolean;
}

/** Looks for it: without any fault first, then with fewer of everything. */
export async function shrink(plan: Plan, broken: Broken): Promise<Smallest> {
  let runs = 0;
  let isCutOff = false;
  let part: Part = { only: plan.faults.map((_, place) => place) };
  let found: Broken | undefined;
  const take = async (smaller: Part): Promise<boolean> => {
    if (runs >= MOST_RUNS) isCutOff = true;
    if (isCutOff) return false;
    runs += 1;
    const wanted = { ...part, ...smaller };
    // A run lasts one turn of the event loop: signals are seen between two of them.
    await setImmediate();
    const outcome = await run(partOf(plan, wanted));
    if (outcome.ok || outcome.broken.rule !== broken.rule) return false;
    part = wanted;
    found = outcome.broken;
    return true;
  };
  await take({ only: [] });
  if (plan.connectors > 1) await take({ connectors: 1 });
  if (plan.integrations > 1) await take({ integrations: 1 });
  await fewest(part.only ?? [], (only) => take({ only }));
  const last = Math.max(0, ...(part.only ?? []).map((place) => plan.faults[place]?.at ?? 0));
  for (const troubleMs of [last + 1, last + 20_000])
    if (troubleMs < plan.troubleMs && (await take({ troubleMs }))) break;
  return { part, broken: found, isCutOff };
}

/** Leaves out halves, then quarters, and so on, as long as the rest still breaks the rule. */
async function fewest(
  all: readonly number[],
  breaks: (some: readonly number[]) => Promise<boolean>,
): Promise<void> {
  let left = all;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let from = 0; from < left.length;) {
      const rest = [...left.slice(0, from), ...left.slice(from + size)];
      if (await breaks(rest)) left = rest;
      else from += size;
    }
}

/** `npm run sim` of that seed, and of a part of its plan. */
export function command(seed: number, part = ""): string {
  return `npm run sim -- --seed ${seed}${part} --trace`;
}

const at = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** What broke, how to see it again, and the smallest way to it. */
export async function explain(plan: Plan, broken: Broken): Promise<string> {
  const { part, broken: then, isCutOff } = await shrink(plan, broken);
  const { faults } = partOf(plan, part);
  const lines = [
    `seed ${plan.seed} broke the rule ${broken.rule} at ${at(broken.at)} (${plan.name}, ${plan.profile}):`,
    `  rule:     ${RULES[broken.rule]}`,
    `  but:      ${broken.message}`,
    `  again:    ${command(plan.seed)}`,
  ];
  if (then === undefined) lines.push("  smallest: nothing smaller was found to break that rule");
  else
    lines.push(
      `  smallest: ${command(plan.seed, flags(part))}`,
      `            breaks it at ${at(then.at)}: ${then.message}`,
      `            ${faults.length} of ${plan.faults.length} faults${faults.length === 0 ? "" : ":"}`,
      ...faults.map(
        ({ at: from, kind, who, ms }) =>
          `            ${at(from)}: ${FAULTS[kind]} (${kind}, c${who}, ${ms} ms)`,
      ),
    );
  if (isCutOff)
    lines.push(`            the search was cut off after ${MOST_RUNS} runs: there may be a smaller one`);
  return lines.join("\n");
}

function flags({ only, troubleMs, connectors, integrations }: Part): string {
  const given = { only: only?.join(",") || "none", trouble: troubleMs, connectors, integrations };
  return Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` --${name} ${value}`)
    .join("");
}
