import type { FaultKind } from "./plan.ts";
import type { Figures } from "./run.ts";

/** The figures of many runs, those that broke a rule up to that moment. */
export interface Tally {
  seeds: number;
  events: number;
  frames: number;
  commands: number;
  ms: number;
  faults: Partial<Record<FaultKind, number>>;
}

export function noRuns(): Tally {
  return { seeds: 0, events: 0, frames: 0, commands: 0, ms: 0, faults: {} };
}

/** Adds the figures of one run, or those of another tally. */
export function add(tally: Tally, figures: Figures & { readonly seeds?: number }): void {
  tally.seeds += figures.seeds ?? 1;
  tally.events += figures.events;
  tally.frames += figures.frames;
  tally.commands += figures.commands;
  tally.ms += figures.ms;
  for (const [kind, count] of Object.entries(figures.faults) as [FaultKind, number][])
    tally.faults[kind] = (tally.faults[kind] ?? 0) + count;
}

const grouped = (count: number): string => Math.round(count).toLocaleString("en-US");

/** The figures in lines, for a terminal. */
export function written(tally: Tally): readonly string[] {
  const faults = Object.entries(tally.faults)
    .toSorted(([, a], [, b]) => b - a)
    .map(([kind, count]) => `${kind} ${grouped(count)}`);
  const hours = tally.ms / 3_600_000;
  return [
    `seeds      ${grouped(tally.seeds)}`,
    `events     ${grouped(tally.events)}, of them ${grouped(tally.frames)} frames`,
    `simulated  ${hours < 10 ? hours.toFixed(1) : grouped(hours)} hours`,
    `commands   ${grouped(tally.commands)}`,
    `faults     ${[grouped(Object.values(tally.faults).reduce((sum, count) => sum + count, 0)), faults.join(", ")].filter(Boolean).join(": ")}`,
  ];
}
