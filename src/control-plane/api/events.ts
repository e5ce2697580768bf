import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { Clock } from "../clock.ts";
import type { Feed } from "../feed.ts";
import { ApiProblem } from "./problem.ts";

/** Readers at one time. */
const MOST_READERS = 256;

export interface EventsPlace {
  readonly feed: Feed;
  readonly clock: Clock;
  /** Aborts when the control plane stops. */
  readonly signal: AbortSignal;
  /** A comment at least this often, so that nothing on the way takes the silence for the end. Milliseconds. */
  readonly keepAliveMs: number;
}

/**
 * Server-sent events: what comes after `Last-Event-ID`, or from now on. A reader that was away for longer than
 * the events are kept, or that is too slow, is told `reset`: it reads everything anew.
 */
export function eventStream({ feed, clock, signal, keepAliveMs }: EventsPlace): (c: Context) => Response {
  let readers = 0;
  return (c) => {
    if (readers >= MOST_READERS)
      throw new ApiProblem(503, "too_many_readers", "256 readers are served already.");
    readers += 1;
    const gone = new AbortController();
    const over = AbortSignal.any([signal, gone.signal]);
    return streamSSE(c, async (stream) => {
      stream.onAbort(() => gone.abort());
      try {
        let last = c.req.header("last-event-id") ?? feed.last;
        await stream.write(": welcome\n\n");
        while (!over.aborted) {
          const events = feed.after(last);
          if (events === undefined) {
            last = feed.last;
            await stream.writeSSE({ event: "reset", data: "{}", id: last });
          } else if (events.length === 0) await idle(stream, over);
          for (const { id, type, data } of events ?? []) {
            await stream.writeSSE({ id, event: type, data });
            last = id;
          }
        }
      } finally {
        readers -= 1;
        gone.abort();
      }
    });
  };

  async function idle(stream: { write(text: string): Promise<unknown> }, over: AbortSignal): Promise<void> {
    const waiting = new AbortController();
    const either = AbortSignal.any([over, waiting.signal]);
    const kept = clock.sleep(keepAliveMs, either).then(() => "silent");
    const what = await Promise.race([feed.next(either).then(() => "event"), kept]);
    waiting.abort();
    if (what === "silent" && !over.aborted) await stream.write(": still here\n\n");
  }
}
