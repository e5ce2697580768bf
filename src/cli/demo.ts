import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { stringify } from "yaml";
import type { Secrets } from "../demo/secrets.ts";
import { checkAll, configurationOf } from "./check.ts";
import { type Command, UsageError } from "./command.ts";

/**
 * Starts real targets on loopback, some broken on purpose, and checks them once. The targets come from
 * development dependencies (a PostgreSQL, a maker of certificates), so they are there in a clone alone.
 */
export const demo: Command = {
  name: "demo",
  usage: "demo [--json]",
  says: "Starts real targets on this machine, some broken on purpose, checks each of them once, and leaves nothing behind.",
  flags: { json: { says: "print the reports as JSON" } },
  args: [0, 0],
  async run(given) {
    using stopped = new Stopped();
    await using stack = new AsyncDisposableStack(); // Its clean-up is awaited before the signals count again.
    try {
      await show(stack, given.isSet("json"), stopped.signal);
    } catch (error) {
      if (stopped.code === undefined) throw error; // Else it is what the stop has cut short.
    }
    return stopped.code ?? 0;
  },
};

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Takes the signals that end a program, however often they come, so that what was started is ended first. */
class Stopped implements Disposable {
  readonly #stop = new AbortController();
  /** The exit code, once a signal has come. */
  code: number | undefined;

  readonly #onSignal = (name: NodeJS.Signals): void => {
    this.code ??= SIGNALS[name as keyof typeof SIGNALS];
    this.#stop.abort();
  };

  constructor() {
    for (const name of Object.keys(SIGNALS)) process.on(name, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  [Symbol.dispose](): void {
    for (const name of Object.keys(SIGNALS)) process.removeListener(name, this.#onSignal);
  }
}

/** Starts everything, and checks it. Says nothing after a stop. */
async function show(stack: AsyncDisposableStack, json: boolean, stop: AbortSignal): Promise<void> {
  const { file, said } = await start(stack, stop);
  stop.throwIfAborted();
  if (!json) process.stdout.write(said);
  await checkAll(await configurationOf(file), { json, signal: stop });
}

async function start(
  stack: AsyncDisposableStack,
  stop: AbortSignal,
): Promise<{ file: string; said: string }> {
  const secrets = stack.use(await ownFolder());
  const { startSite } = await import("../demo/site.ts").catch(onlyInClone);
  const items = await startSite(stack, secrets);
  let said = "";
  try {
    const { startDatabases } = await import("../demo/databases.ts");
    items.push(...(await startDatabases(stack, secrets, stop)));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "PostgresAbsent") throw error;
    said = `Without PostgreSQL: ${error.message}\n\n`;
  }
  const file = join(secrets.directory, "mooring.yaml");
  await writeFile(file, stringify({ integrations: items.map((item) => ({ ...item, timeout: "2s" })) }));
  return { file, said };
}

async function ownFolder(): Promise<Secrets> {
  const { Secrets } = await import("../demo/secrets.ts");
  return Secrets.create().catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new UsageError(
      `mooring demo: no folder can be made in ${tmpdir()} (${code}); set TMPDIR to a folder that this user can write to`,
    );
  });
}

function onlyInClone(error: unknown): never {
  if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND") {
    throw new UsageError(
      "mooring demo: its targets are not part of an installed Mooring; run it in a clone, after npm ci",
    );
  }
  throw error;
}
