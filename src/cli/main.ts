import process from "node:process";
import manifest from "../../package.json" with { type: "json" };
import { meant } from "../connector/nearest.ts";
import { printableLine } from "../protocol/words.ts";
import { helpOf, parseLine, Refused, UsageError } from "./command.ts";
import { COMMANDS } from "./commands.ts";

function overview(): string {
  const width = Math.max(...COMMANDS.map(({ usage }) => usage.length));
  const rows = COMMANDS.map(
    ({ usage, says }) => `  mooring ${usage.padEnd(width)}  ${says.split(". ")[0]?.replace(/\.$/, "")}.`,
  );
  return [
    "Mooring proves that every integration and every secret works, and says which stage failed, why, and what to do.",
    "",
    ...rows,
    "",
    "mooring COMMAND --help tells more. Every option has an environment variable.",
    "Exit code: 0 good, 1 something is not good, 2 wrong use or wrong configuration.",
    "",
  ].join("\n");
}

/** Runs one command line. Resolves to the exit code. */
export async function main(line: readonly string[]): Promise<number> {
  // `mooring help check` is `mooring check --help`.
  const [, asked] = line;
  const [name, ...rest] = line[0] === "help" && asked !== undefined ? [asked, "--help"] : line;
  if (name === undefined) {
    process.stderr.write(overview());
    return 2;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(overview());
    return 0;
  }
  if (name === "--version") {
    process.stdout.write(`${manifest.version}\n`);
    return 0;
  }
  try {
    const command = COMMANDS.find((known) => known.name === name);
    if (command === undefined) {
      const names = COMMANDS.map((known) => known.name);
      throw new UsageError(`mooring: there is no command "${name}"${meant(name, names)}`);
    }
    const given = parseLine(command, rest, process.env);
    if (given !== "help") return await command.run(given);
    process.stdout.write(helpOf(command));
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.lines.map(printableLine).join("\n")}\n`);
      return 2;
    }
    if (!(error instanceof Refused)) throw error;
    process.stderr.write(`${printableLine(error.message)}\n`);
    return 1;
  }
}

// Node's report of an uncaught exception, where one is asked for, holds the environment, and that may hold secrets.
process.report.excludeEnv = true;

// A reader that has seen enough (head, less) is no error: the code is what was known by then.
process.stdout.on("error", (error: NodeJS.ErrnoException) =>
  process.exit(error.code === "EPIPE" ? (process.exitCode ?? 0) : 1),
);
process.exitCode = await main(process.argv.slice(2));
