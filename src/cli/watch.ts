import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Api } from "./api.ts";
import { Refused } from "./command.ts";

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;
const IS_CHANGE = /^event: ?(connector|integration|secret|reset)\b/m;

/**
 * Looks now and at every change, until SIGINT: then it resolves to what the last look came to. A control plane that
 * stops answering is waited for. Throws what the first look throws, and later what waiting does not mend.
 */
export async function watch(api: Api, look: () => Promise<number>): Promise<number> {
  const interrupted = new AbortController();
  const { signal } = interrupted;
  process.once("SIGINT", () => interrupted.abort());
  let code: number | undefined;
  let isAway = false;
  let waitMs = FIRST_WAIT_MS;
  for (;;) {
    try {
      for await (const text of api.stream("/api/v1/events", signal)) {
        const isOpening = text === "";
        if (isOpening || IS_CHANGE.test(text)) code = await look();
        if (isOpening && isAway) process.stderr.write(`The control plane ${api.url.origin} answers again.\n`);
        isAway = false;
        waitMs = FIRST_WAIT_MS;
      }
    } catch (error) {
      if (!signal.aborted && (code === undefined || !mayPass(error))) throw error;
    }
    if (signal.aborted) return code ?? 1;
    if (!isAway) process.stderr.write(awayWords(api));
    isAway = true;
    await sleep(waitMs, undefined, { signal }).catch(() => {});
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

/** Whether it is the control plane that is away or begins, and not an answer that stays the same. */
function mayPass(error: unknown): boolean {
  return error instanceof Refused && (error.status === undefined || error.status >= 500);
}

function awayWords({ url }: Api): string {
  return `The control plane ${url.origin} does not answer; trying again, at least every 5 s. What was shown may be old.\n`;
}
