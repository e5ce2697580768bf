import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

export const HELP = `npm run conformance -- [OPTIONS]: is this a control plane, or a connector, of docs/protocol.md?

Without options: this project's own two programs.

  --control-plane URL            one that runs at that address, with --token-file FILE (the operator's token) and
                                 --scale N where it runs at MOORING_TIME_SCALE=N (most cases need 0.01 or 0.1)
  --control-plane-command CMD    one that is started by CMD; {listen} is HOST:PORT, {url} its public address, {data} its
                                 folder; --token-file may hold {data}. It is given MOORING_TIME_SCALE
  --connector CMD                a connector that is started by CMD; {url} is its control plane, {config} its file,
                                 {join} the file of its join token, {state} a folder, {listen} HOST:PORT for health and
                                 metrics, {ca} a PEM file to trust. It is given MOORING_TIME_SCALE
  --only N,N                     these cases
  --long                         200 kills, 1,000 delays and reconnects instead of a few

Exit codes: 0 where no case failed; 1 where one failed, where none could be judged, or where what was given is no Mooring;
2 where the command line is wrong; 130 or 143 where it was told to end.`;

/** It cannot go on; `code` is the exit code: 2 wrong use, 1 what was given does not work. */
export class Refusal extends Error {
  readonly code: 1 | 2;

  constructor(message: string, code: 1 | 2 = 2) {
    super(message);
    this.code = code;
  }
}

/** What the command line asks for. */
export interface Wish {
  readonly help: boolean;
  readonly url: string | undefined;
  readonly command: string | undefined;
  readonly tokenFile: string | undefined;
  readonly connector: string | undefined;
  readonly scale: number | undefined;
  readonly only: readonly string[];
  readonly long: boolean;
}

/** Reads the arguments. Throws a Refusal of one line where they are wrong. */
export function wishOf(args: readonly string[]): Wish {
  const values = valuesOf(args);
  const wish: Wish = {
    help: values.help,
    url: addressOf(values["control-plane"]),
    command: values["control-plane-command"],
    tokenFile: values["token-file"],
    connector: values.connector,
    scale: scaleOf(values.scale),
    only: (values.only ?? "").split(",").filter(Boolean),
    long: values.long,
  };
  if (values.only !== undefined && wish.only.length === 0)
    throw new Refusal("--only is empty: give the numbers of cases, as in --only 7,12");
  if (!wish.help) check(wish);
  return wish;
}

function valuesOf(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        "control-plane": text,
        "control-plane-command": text,
        "token-file": text,
        connector: text,
        scale: text,
        only: text,
        long: flag,
        help: flag,
      },
    }).values;
  } catch (error) {
    const [first = ""] = String(error instanceof Error ? error.message : error).split(/\. |\n/);
    throw new Refusal(`${first}. npm run conformance -- --help tells the options`);
  }
}

function check({ url, command, connector, tokenFile, scale }: Wish): void {
  if (command?.trim() === "") throw new Refusal("--control-plane-command is empty: give the command");
  if (connector?.trim() === "") throw new Refusal("--connector is empty: give the command");
  if (url !== undefined && command !== undefined)
    throw new Refusal("--control-plane and --control-plane-command exclude each other: give one");
  if (url !== undefined && tokenFile === undefined)
    throw new Refusal(
      "--control-plane needs --token-file FILE with the operator's token of that control plane",
    );
  if (tokenFile !== undefined && url === undefined && command === undefined)
    throw new Refusal("--token-file goes with --control-plane or --control-plane-command");
  if (scale !== undefined && url === undefined)
    throw new Refusal("--scale goes with --control-plane: a program that is started here is given its scale");
  if (url !== undefined) tokenIn(tokenFile ?? "");
}

/** The address without what stands behind its host and path. */
function addressOf(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new Refusal(`--control-plane ${given}: no address that begins with https:// or http://`);
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

function scaleOf(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const scale = Number(given);
  if (!(scale > 0 && scale <= 1)) throw new Refusal(`--scale ${given}: no number above 0 and at most 1`);
  return scale;
}

/** The token in a file. What stands in the file is never told. */
export function tokenIn(file: string): string {
  let text = "";
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Refusal(`--token-file ${file}: ${code}: give the file that holds the operator's token`);
  }
  if (!/^[\x21-\x7e]+$/.test(text))
    throw new Refusal(`--token-file ${file}: not one line with one token: give the operator's token alone`);
  return text;
}

/** The numbers that --only asks for; all of them have to be cases of what is judged. */
export function chosenOf(only: readonly string[], known: readonly number[]): readonly number[] {
  const numbers = [...new Set(known)].toSorted((a, b) => a - b);
  const strange = only.filter((text) => !numbers.includes(Number(text)));
  if (strange.length > 0)
    throw new Refusal(
      `--only ${strange.join(",")}: no case of what is judged here; there are ${numbers.join(", ")}`,
    );
  return only.map(Number);
}
