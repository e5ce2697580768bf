import process from "node:process";

/** Exit codes of who is ended by a signal, as shells have them. */
const CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Ends this process in order when it is signalled, so that who started programs or made folders hears of it (`exit`)
 * and takes them along; and without a word where nobody reads any more what it prints.
 */
export function endInOrder(): void {
  for (const [signal, code] of Object.entries(CODES)) process.on(signal, () => process.exit(code));
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
}
