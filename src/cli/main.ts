import process from "node:process";
import manifest from "../../package.json" with { type: "json" };
import { meant } from "../connector/config/nearest.ts";
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
  const [name, ...rest] = line;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(overview());
    return name === undefined ? 2 : 0;
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
      process.stderr.write(`${error.lines.join("\n")}\n`);
      return 2;
    }
    if (!(error instanceof Refused)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

// A reader that has seen enough (head, less) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
process.exitCode = await main(process.argv.slice(2));
