import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";

/** Does the work every so many milliseconds until the signal aborts. What it throws is logged, and it goes on. */
export async function every(
  ms: number,
  work: () => void | Promise<void>,
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(ms, signal);
    if (signal.aborted) return;
    try {
      await work();
    } catch (error) {
      log.error({ err: error }, "a regular task failed");
    }
  }
}
