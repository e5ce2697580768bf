import { signal, type Signal } from "@preact/signals";
import { get, Problem, send } from "../api/call.ts";
import type { Command } from "../api/shapes.ts";

const ENDED = new Set(["succeeded", "failed", "expired", "cancelled", "unknown"]);
/** Events bring the stages; asking is for where one was lost on the way. */
const ASK_EVERY_MS = 1000;

/** True where nothing more will come of it. */
export function hasEnded(command: Command): boolean {
  return ENDED.has(command.state);
}

/** A command that this page gave, from the press of the button to its end. */
export interface Running {
  readonly kind: "refresh" | "test";
  readonly command: Command | null;
  readonly problem: Problem | null;
}

const followed = new Map<string, Signal<Command>>();

/** An event about a command; those of others are passed over. */
export function followCommand(command: Command): void {
  const cell = followed.get(command.id);
  if (cell !== undefined && !hasEnded(cell.peek())) cell.value = command;
}

/** Gives a command and follows it until it has ended; `show` gets every step. Ends by itself with the signal. */
export async function giveCommand(
  kind: "refresh" | "test",
  path: string,
  body: unknown,
  show: (running: Running) => void,
  signalEnd: AbortSignal,
): Promise<Command | null> {
  show({ kind, command: null, problem: null });
  let id: string | null = null;
  try {
    const given = await send<{ readonly commandId: string }>("POST", path, body);
    id = given?.commandId ?? "";
    const cell = signal<Command>({ id, kind, state: "queued", stages: [], result: null });
    followed.set(id, cell);
    const stop = cell.subscribe((command) => show({ kind, command, problem: null }));
    try {
      while (!hasEnded(cell.peek()) && !signalEnd.aborted) {
        await changed(cell, ASK_EVERY_MS);
        if (hasEnded(cell.peek()) || signalEnd.aborted) break;
        followCommand(await get<Command>(`/commands/${encodeURIComponent(id)}`, signalEnd));
      }
      return cell.peek();
    } finally {
      stop();
    }
  } catch (error) {
    if (signalEnd.aborted) return null;
    const problem =
      error instanceof Problem ? error : new Problem(0, "The command was not followed", String(error));
    show({ kind, command: null, problem });
    return null;
  } finally {
    if (id !== null) followed.delete(id);
  }
}

/** Waits until the command has ended by an event, or for the time to ask. */
function changed(cell: Signal<Command>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    const stop = cell.subscribe((command) => {
      if (hasEnded(command)) done();
    });
    function done(): void {
      clearTimeout(timer);
      // `subscribe` calls back before it returns, where the command has ended already.
      queueMicrotask(() => stop());
      resolve();
    }
  });
}
