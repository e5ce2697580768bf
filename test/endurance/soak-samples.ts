import { readdir, readFile } from "node:fs/promises";
import { sumOf } from "./series.ts";

/** One reading of a process. */
export interface Sample {
  /** Seconds since the first one. */
  readonly at: number;
  readonly rssMb: number;
  /** Of that, what is no file. */
  readonly anonymousMb: number;
  readonly descriptors: number;
  readonly threads: number;
  /** What the program tells itself; undefined where it does not. */
  readonly heapMb: number | undefined;
  readonly lagMs: number | undefined;
}

/** A process that is watched. `metrics` is its address for them. */
export interface Watched {
  readonly name: string;
  readonly pid: number;
  readonly metrics: string;
}

export async function sampleOf({ pid, metrics }: Watched, at: number): Promise<Sample> {
  const [status, descriptors, text] = await Promise.all([
    readFile(`/proc/${pid}/status`, "utf8"),
    readdir(`/proc/${pid}/fd`),
    fetch(metrics, { signal: AbortSignal.timeout(9_000) }).then((response) => response.text()),
  ]);
  const line = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  const own = (metric: string, factor: number): number | undefined =>
    text.includes(`\n${metric} `) ? sumOf([text], metric) * factor : undefined;
  return {
    at,
    rssMb: line("VmRSS") / 1_000,
    anonymousMb: line("RssAnon") / 1_000,
    descriptors: descriptors.length,
    threads: line("Threads"),
    heapMb: own("nodejs_heap_used_bytes", 1e-6),
    lagMs: own("mooring_event_loop_lag_seconds", 1_000),
  };
}
