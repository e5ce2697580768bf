/** Flags of this project's own commands: what is no flag, or no number that means something, is refused in one line. */
import process from "node:process";
import { parseArgs } from "node:util";

export interface NumberFlag {
  readonly type: "number";
  readonly says: string;
  readonly least: number;
  readonly most: number;
  /** Parts of one are taken too. */
  readonly isFraction?: boolean;
  readonly default?: number;
}

export interface TextFlag {
  readonly type: "text";
  readonly says: string;
  /** What it takes, in words. */
  readonly takes: string;
  readonly fits: RegExp;
}

export interface SwitchFlag {
  readonly type: "switch";
  readonly says: string;
}

export type Flag = NumberFlag | TextFlag | SwitchFlag;
export type Flags = Readonly<Record<string, Flag>>;

export interface Usage<F extends Flags> {
  /** As in `npm run NAME`. */
  readonly command: string;
  readonly does: string;
  readonly flags: F;
  /** Names that may be given; absent where there are none. */
  readonly names?: { readonly what: string; readonly known: readonly string[] };
}

type ValueOf<F extends Flag> = F extends SwitchFlag
  ? boolean
  : F extends TextFlag
    ? string | undefined
    : F extends { readonly default: number }
      ? number
      : number | undefined;

export interface Given<F extends Flags> {
  readonly values: { readonly [name in keyof F]: ValueOf<F[name]> };
  readonly names: readonly string[];
}

/** What was asked for makes no sense. */
export class WrongUse extends Error {}

/** The largest seed: the source of random numbers takes 32 bits. */
export const MOST_SEED = 2 ** 32 - 1;
export const seedFlag = {
  type: "number",
  says: "of the random numbers, else drawn",
  least: 0,
  most: MOST_SEED,
} as const;

/** A seed for a run that was given none. */
export const drawnSeed = (): number => Date.now() % 1_000_000;

/** This process's flags. Where they are wrong it says why and ends with 2, where help is wanted with 0. */
export function flagsOf<const F extends Flags>(usage: Usage<F>): Given<F> {
  const args = process.argv.slice(2);
  if (args.includes("--help") || args.includes("-h")) {
    console.log(helpOf(usage));
    process.exit(0);
  }
  try {
    return parsed(usage, args);
  } catch (error) {
    if (!(error instanceof WrongUse)) throw error;
    return refused(usage.command, error.message);
  }
}

/** Says what is wrong, and ends with 2. */
export function refused(command: string, says: string): never {
  console.error(`npm run ${command}: ${says}`);
  process.exit(2);
}

/** Throws WrongUse with a line that names what is wrong and what is allowed. */
export function parsed<const F extends Flags>(usage: Usage<F>, args: readonly string[]): Given<F> {
  const { flags } = usage;
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { type }]) => [
      name,
      { type: type === "switch" ? ("boolean" as const) : ("string" as const) },
    ]),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const values: Record<string, boolean | number | string | undefined> = {};
  for (const [name, flag] of Object.entries(flags))
    values[name] = flag.type === "switch" ? false : flag.type === "number" ? flag.default : undefined;
  const seen = new Set<string>();
  const names: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") names.push(known(usage, token.value));
    if (token.kind !== "option") continue;
    const flag = Object.hasOwn(flags, token.name) ? flags[token.name] : undefined;
    if (flag === undefined || token.rawName !== `--${token.name}`)
      throw new WrongUse(`there is no flag ${token.rawName}; there are ${listed(usage)}`);
    if (seen.has(token.name)) throw new WrongUse(`--${token.name} is given twice`);
    seen.add(token.name);
    values[token.name] = valueOf(token.name, flag, token.value);
  }
  return { values: values as Given<F>["values"], names };
}

function known({ names }: Usage<Flags>, given: string): string {
  if (names === undefined) throw new WrongUse(`it takes flags only, not ${given}`);
  if (names.known.includes(given)) return given;
  throw new WrongUse(`there is no ${names.what} ${given}; there are ${names.known.join(", ")}`);
}

function valueOf(name: string, flag: Flag, given: string | undefined): boolean | number | string {
  const not = given === undefined || given === "" ? "and nothing is given" : `not ${given}`;
  if (flag.type === "switch") {
    if (given === undefined) return true;
    throw new WrongUse(`--${name} takes no value, not ${given}`);
  }
  if (flag.type === "text") {
    if (given !== undefined && flag.fits.test(given)) return given;
    throw new WrongUse(`--${name} takes ${flag.takes}, ${not}`);
  }
  const form = flag.isFraction === true ? /^\d{1,16}(\.\d{1,6})?$/ : /^\d{1,16}$/;
  const value = form.test(given ?? "") ? Number(given) : Number.NaN;
  if (value >= flag.least && value <= flag.most) return value;
  throw new WrongUse(`--${name} takes ${rangeOf(flag)}, ${not}`);
}

function rangeOf({ isFraction, least, most }: NumberFlag): string {
  return `a ${isFraction === true ? "" : "whole "}number from ${least} to ${most}`;
}

function listed({ flags }: Usage<Flags>): string {
  return [...Object.keys(flags), "help"].map((name) => `--${name}`).join(", ");
}

export function helpOf({ command, does, flags, names }: Usage<Flags>): string {
  const rows = Object.entries(flags).map(([name, flag]) => {
    if (flag.type === "switch") return [`--${name}`, flag.says];
    if (flag.type === "text") return [`--${name} ${name.toUpperCase()}`, `${flag.says}: ${flag.takes}`];
    const more = flag.default === undefined ? "" : `; ${flag.default} where it is not given`;
    return [`--${name} N`, `${flag.says}: ${rangeOf(flag)}${more}`];
  });
  const width = Math.max(0, ...rows.map(([left = ""]) => left.length));
  return [
    `npm run ${command} -- [FLAGS]${names === undefined ? "" : ` [${names.what.toUpperCase()} …]`}: ${does}`,
    ...rows.map(([left = "", right]) => `  ${left.padEnd(width)}  ${right}`),
    ...(names === undefined ? [] : [`${names.what}: ${names.known.join(", ")}`]),
  ].join("\n");
}
