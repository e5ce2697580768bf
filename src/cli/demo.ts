import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { stringify } from "yaml";
import { check } from "./check.ts";
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
    await using stack = new AsyncDisposableStack();
    const stopped = whenStopped();
    const { file, said } = await start(stack);
    if (!given.isSet("json")) process.stdout.write(said);
    const checked = check.run({ ...given, args: [file] }).then(() => 0);
    return await Promise.race([checked, stopped]); // Awaited here: the targets live until then.
  },
};

/** Resolves to the exit code of an interrupted program, so that what was started is ended on the way out. */
function whenStopped(): Promise<number> {
  return new Promise((resolve) => {
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
      ["SIGHUP", 129],
    ] as const) {
      process.once(signal, () => resolve(code));
    }
  });
}

async function start(stack: AsyncDisposableStack): Promise<{ file: string; said: string }> {
  const { Secrets } = await import("../demo/secrets.ts");
  const secrets = stack.use(await Secrets.create());
  const { startSite } = await import("../demo/site.ts").catch(onlyInClone);
  const items = await startSite(stack, secrets);
  let said = "";
  try {
    const { startDatabases } = await import("../demo/databases.ts");
    items.push(...(await startDatabases(stack, secrets)));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "PostgresAbsent") throw error;
    said = `Without PostgreSQL: ${error.message}\n\n`;
  }
  const file = join(secrets.directory, "mooring.yaml");
  await writeFile(file, stringify({ integrations: items.map((item) => ({ ...item, timeout: "2s" })) }));
  return { file, said };
}

function onlyInClone(error: unknown): never {
  if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND") {
    throw new UsageError(
      "mooring demo: its targets are not part of an installed Mooring; run it in a clone, after npm ci",
    );
  }
  throw error;
}
