import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../process/programs.ts";

/** Signals on which a program that was started with `crashable` dies. */
export const CRASHES = { "an uncaught exception": "SIGUSR2", "too little memory": "SIGWINCH" } as const;

const PRELOAD = `
process.on("SIGUSR2", () => setImmediate(() => { throw new Error("provoked by the test"); }));
process.on("SIGWINCH", () => { const held = []; for (;;) held.push(Array.from({ length: 100_000 }, () => ({}))); });
`;

/** The environment of a program that can be made to crash, and then writes Node's diagnostic report into the folder. */
export async function crashable(
  dir: string,
): Promise<{ readonly environment: Environment; readonly reports: string }> {
  const preload = join(dir, "preload.mjs");
  await writeFile(preload, PRELOAD);
  const reports = join(dir, "reports");
  await mkdir(reports, { recursive: true });
  const options = [
    `--import=${preload}`,
    ...REPORTS,
    `--report-directory=${reports}`,
    "--max-old-space-size=96",
  ];
  return { environment: { NODE_OPTIONS: options.join(" ") }, reports };
}

const REPORTS = ["--report-uncaught-exception", "--report-on-fatalerror"];
