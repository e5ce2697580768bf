import { helpOf } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/commands.ts";

/** docs/cli.md: every command as its own help shows it. */
export function cliPage(): string {
  const sections = COMMANDS.map(
    (command) => `## ${command.name}\n\n\`\`\`\n${helpOf(command).trimEnd()}\n\`\`\`\n`,
  );
  return [
    "# Commands",
    "",
    "Printed from the code. In a clone, after `npm ci`: `npx mooring COMMAND`. Every option has an environment variable,",
    "named in brackets. A secret is never given by an option's value, only by a file.",
    "",
    'Exit codes: 0 good; 1 the answer is "not good" (a check failed, a command was refused); 2 wrong use or wrong',
    "configuration, one line for each problem on standard error: the place, what is wrong, what to do.",
    "",
    ...sections,
  ].join("\n");
}
