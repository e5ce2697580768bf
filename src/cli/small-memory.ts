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
 * Has V8 interpret instead of compile, and keep its young generation small. A connector waits for sockets nearly all
 * of its time: this takes a third off its resident memory, and the processor is not missed (docs/performance.md). It
 * counts for what is loaded afterwards.
 */
export function preferSmallMemory(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
