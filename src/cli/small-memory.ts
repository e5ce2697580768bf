import { setFlagsFromString } from "node:v8";

const FLAGS = [
  "--lite-mode",
  "--no-opt",
  "--no-sparkplug",
  "--no-maglev",
  "--optimize-for-size",
  "--max-semi-space-size=1",
  "--semi-space-growth-factor=1",
  "--heap-growing-percent=10",
];

/**
 * Keeps V8's young generation at the few megabytes that it has when a program starts, instead of 64, and has the old one
 * collected each time it grew by 15 % instead of by half: a control plane's heartbeats leave nothing behind, and what its
 * connectors leave as they come is not kept. It takes a third off what a connected connector costs there
 * (docs/performance.md).
 */
export function preferSmallGarbage(): void {
  // At run time the young one's bound is not read any more, but its growth can be stopped.
  for (const flag of ["--semi-space-growth-factor=1", "--heap-growing-percent=15"]) setFlagsFromString(flag);
}

/**
 * Has V8 interpret instead of compile, and keep its young generation small. A connector waits for sockets nearly all
 * of its time: this takes a third off its resident memory, and the processor is not missed (docs/performance.md). It
 * counts for what is loaded afterwards.
 */
export function preferSmallMemory(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
