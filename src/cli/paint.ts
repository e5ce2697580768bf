/** Colour for people; plain text everywhere else. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly gap: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly quiet: (text: string) => string;
  readonly strong: (text: string) => string;
}

const same = (text: string): string => text;
const PLAIN: Paint = { good: same, gap: same, bad: same, quiet: same, strong: same };

function sgr(code: number): (text: string) => string {
  return (text) => `\u001B[${code}m${text}\u001B[0m`;
}

const COLOUR: Paint = { good: sgr(32), gap: sgr(33), bad: sgr(31), quiet: sgr(2), strong: sgr(1) };

/** Colour only on a terminal, and not where NO_COLOR is set (no-color.org) or the terminal is dumb. */
export function paintFor(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): Paint {
  const refused = (environment["NO_COLOR"] ?? "") !== "" || environment["TERM"] === "dumb";
  return stream.isTTY === true && !refused ? COLOUR : PLAIN;
}
