import { parseArgs } from "node:util";
import { meant } from "../connector/nearest.ts";

/** Wrong use or wrong configuration: its lines are printed, and the process ends with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly lines: readonly string[];

  constructor(...lines: readonly string[]) {
    super(lines.join("\n"));
    this.lines = lines;
  }
}

/** The control plane said no, or nothing: the line is printed, and the process ends with 1. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number | undefined;

  constructor(line: string, status?: number, cause?: unknown) {
    super(line, cause === undefined ? undefined : { cause });
    this.status = status;
  }
}

/** A flag. Its environment variable is `MOORING_` and its name in capitals. */
export interface Flag {
  /** What stands for the value in the help; absent: the flag takes none. */
  readonly value?: string;
  readonly says: string;
}

export interface Command {
  readonly name: string;
  /** The arguments as the help shows them. */
  readonly usage: string;
  readonly says: string;
  readonly flags: Readonly<Record<string, Flag>>;
  /** The bounds on the number of arguments; most: Infinity for any. */
  readonly args: readonly [least: number, most: number];
  /** Resolves to the exit code: 0 good, 1 the answer is "not good". Throws UsageError. */
  run(given: Given): Promise<number>;
}

export interface Given {
  readonly args: readonly string[];
  /** A flag's value, from the line or else from its environment variable. */
  flag(name: string): string | undefined;
  isSet(name: string): boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function variableOf(flag: string): string {
  return `MOORING_${flag.toUpperCase().replaceAll("-", "_")}`;
}

const OFF = new Set(["", "0", "false", "no", "off"]);

/** What was given on a command's line. Throws UsageError. */
export function parseLine(
  command: Command,
  line: readonly string[],
  environment: Environment,
): Given | "help" {
  const options = Object.fromEntries(
    Object.entries(command.flags).map(([name, { value }]) => [
      name,
      { type: value === undefined ? ("boolean" as const) : ("string" as const) },
    ]),
  );
  const all = { ...options, help: { type: "boolean" as const, short: "h" } };
  const { tokens } = parseArgs({
    args: [...line],
    options: all,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, string>();
  const args: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") args.push(token.value);
    if (token.kind !== "option") continue;
    if (token.name === "help" || token.name === "h") return "help";
    values.set(token.name, flagValue(command, token.name, token.rawName, token.value, token.inlineValue));
  }
  for (const name of Object.keys(command.flags)) {
    const inherited = environment[variableOf(name)];
    if (inherited !== undefined && !values.has(name)) values.set(name, inherited);
  }
  checkArguments(command, args);
  return {
    args,
    flag: (name) => values.get(name),
    isSet: (name) => !OFF.has(values.get(name)?.toLowerCase() ?? ""),
  };
}

function flagValue(
  command: Command,
  name: string,
  written: string,
  value: string | undefined,
  inline: boolean | undefined,
): string {
  const known = command.flags[name];
  const says = (text: string): UsageError => new UsageError(`mooring ${command.name}: ${text}`);
  if (known === undefined) {
    const flags = [...Object.keys(command.flags), "help"].map((flag) => `--${flag}`);
    throw says(`there is no option ${written}${meant(written, flags)}`);
  }
  if (known.value === undefined) {
    if (value !== undefined) throw says(`--${name} takes no value; leave out "=${value}"`);
    return "true";
  }
  // `--listen --json`: the next option is not the value of this one.
  const swallowed = inline !== true && value?.startsWith("--") === true;
  if (value === undefined || value === "" || swallowed)
    throw says(`--${name} needs a value; write --${name} ${known.value}`);
  return value;
}

function checkArguments(command: Command, args: readonly string[]): void {
  const [least, most] = command.args;
  if (args.length >= least && args.length <= most) return;
  const said = args.length < least ? "an argument is missing" : `"${args[most]}" is one argument too many`;
  throw new UsageError(`mooring ${command.name}: ${said}; write mooring ${command.usage}`);
}

export function helpOf(command: Command): string {
  const rows = Object.entries(command.flags).map(([name, { value, says }]) => {
    const flag = value === undefined ? `--${name}` : `--${name} ${value}`;
    return `  ${flag.padEnd(28)} ${says} [${variableOf(name)}]`;
  });
  const flags = rows.length === 0 ? "" : `\nOptions\n${rows.join("\n")}\n`;
  return `mooring ${command.usage}\n\n${command.says}\n${flags}`;
}
