import type { Running } from "../conformance/running.ts";
import { pause } from "../process/programs.ts";

/** How much memory a program may gain by hostile peers, bytes. */
const MOST_GAIN = 32 * 1_048_576;
/**
 * As a pod's limit would have it. Without one V8 keeps garbage for as long as the machine has room, and what is kept
 * could not be told from what was not collected yet; with one, a leak ends the program.
 */
export const SMALL_HEAP = "--max-old-space-size=80 --max-semi-space-size=2";
/** An answer that takes longer has missed its deadline: a second, and what a busy machine adds. */
const LONGEST_MS = 1_000 + 4_000;

/** What a program was seen to do while frames were thrown at it. */
export class Watched {
  readonly #program: Running;
  readonly #probe: string;
  #base = 0;
  #peak = 0;
  #slowest = 0;
  #isOver = false;
  #watching: Promise<void> | undefined;

  /** `probe` is an address of it that must answer at any time. */
  constructor(program: Running, probe: string) {
    this.#program = program;
    this.#probe = probe;
  }

  /** From here on memory counts: the program is warm. */
  begin(): void {
    if (this.#watching !== undefined) return;
    this.#base = this.#program.rss;
    this.#peak = this.#base;
    this.#watching = this.#watch();
  }

  async #watch(): Promise<void> {
    while (!this.#isOver && !this.#program.isOver) {
      this.#peak = Math.max(this.#peak, this.#program.rss);
      const since = performance.now();
      await fetch(this.#probe, { signal: AbortSignal.timeout(10_000) })
        .then((response) => response.arrayBuffer())
        .catch(() => {});
      this.#slowest = Math.max(this.#slowest, performance.now() - since);
      await pause(100);
    }
  }

  /** What went wrong: nothing, as a rule. */
  async end(): Promise<readonly string[]> {
    this.#isOver = true;
    await this.#watching;
    const problems: string[] = [];
    if (this.#program.isOver) problems.push(`it ended: ${this.#program.output.slice(-2_000)}`);
    const gain = this.#peak - this.#base;
    if (gain > MOST_GAIN)
      problems.push(
        `its memory grew by ${Math.round(gain / 1_048_576)} MiB, from ${Math.round(this.#base / 1_048_576)}`,
      );
    if (this.#slowest > LONGEST_MS) problems.push(`${this.#probe} took ${Math.round(this.#slowest)} ms`);
    const bugs = this.#program.output
      .split("\n")
      .filter((line) => /"level":"(error|fatal)"|^\s+at .*\.ts:\d+/.test(line));
    if (bugs.length > 0) problems.push(`it logged ${bugs.length} errors, first ${bugs[0]?.slice(0, 500)}`);
    return problems;
  }

  /** For people: `memory +3.1 MiB, slowest answer 120 ms`. */
  get figures(): string {
    const gain = (this.#peak - this.#base) / 1_048_576;
    return `memory +${gain.toFixed(1)} MiB, slowest answer ${Math.round(this.#slowest)} ms`;
  }
}
