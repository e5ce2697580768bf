import { useEffect, useRef, useState } from "preact/hooks";
import type { Command } from "../api/shapes.ts";
import { announce } from "./announce.ts";
import { giveCommand, hasEnded, type Running } from "./commands.ts";
import { several } from "../words/names.ts";
import { now } from "./now.ts";

/** The command that this view gave last. */
export interface Given {
  readonly running: Running | null;
  /** When it ended, or null while it runs. */
  readonly endedAt: number | null;
  readonly give: (kind: "refresh" | "test", body?: unknown, path?: string) => void;
  readonly dismiss: () => void;
}

/** True from the press of the button to the end. */
export function isRunning(given: Given): boolean {
  const { running } = given;
  return (
    running !== null && running.problem === null && (running.command === null || !hasEnded(running.command))
  );
}

/** How it ended, in one sentence. */
export function outcomeWords(kind: "refresh" | "test", command: Command): string {
  const verb = kind === "refresh" ? "Refresh" : "Test";
  switch (command.state) {
    case "succeeded": {
      const result = command.result;
      if (result === null) return `${verb}: ${several(command.refreshed ?? 0, "integration")} looked at.`;
      const failed = result.stages.find((stage) => !stage.ok);
      if (failed !== undefined) return `${verb}: failed at ${failed.stage}.`;
      if (result.state === "error")
        return `${verb}: failed${result.stage === null ? "" : ` at ${result.stage}`}.`;
      return `${verb}: all ${result.stages.length} stages passed${result.state === "warning" ? ", with a gap" : ""}.`;
    }
    case "expired":
      return `${verb}: the connector did not take it in time.`;
    default:
      return `${verb}: it did not run. ${command.message ?? ""}`.trim();
  }
}

/** Refresh and Test of one resource, from the button to the outcome. A change of resource forgets the last one. */
export function useGiven(resource: string): Given {
  const [running, setRunning] = useState<Running | null>(null);
  const [endedAt, setEndedAt] = useState<number | null>(null);
  const end = useRef<AbortController | null>(null);
  useEffect(() => {
    setRunning(null);
    return () => end.current?.abort();
  }, [resource]);
  const give = (kind: "refresh" | "test", body?: unknown, path?: string): void => {
    end.current?.abort();
    const mine = new AbortController();
    end.current = mine;
    setEndedAt(null);
    const show = (step: Running): void => {
      if (!mine.signal.aborted) setRunning(step);
    };
    void giveCommand(kind, path ?? `${resource}/${kind}`, body, show, mine.signal).then((command) => {
      if (mine.signal.aborted) return;
      setEndedAt(now.peek());
      if (command !== null) announce(outcomeWords(kind, command));
    });
  };
  return { running, endedAt, give, dismiss: () => setRunning(null) };
}
