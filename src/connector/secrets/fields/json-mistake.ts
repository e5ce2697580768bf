/** Tokens of JSON (RFC 8259). `wrong` is what is none. */
// The grammar forbids just these control characters in a text.
// oxlint-disable-next-line no-control-regex
const TOKEN =
  /[ \t\r\n]*(?:(?<mark>[{}[\]:,])|(?<text>"[ !#-[\]-\u{10ffff}]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[ !#-[\]-\u{10ffff}]*)*")|(?<plain>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|(?<wrong>[^ \t\r\n]))/uy;

/** What may stand next: a value, a name of a member, the colon behind it, what follows a value. */
type Next = "value" | "name" | ":" | "more";

/**
 * Where a text stops being JSON, counted from 1; undefined where it does not. The parser of the runtime says it for some
 * mistakes alone, and repeats what stands there.
 */
export function jsonMistake(text: string): { readonly line: number; readonly column: number } | undefined {
  const open: string[] = [];
  let next: Next | undefined = "value";
  let isEmpty = false;
  TOKEN.lastIndex = 0;
  for (let at = 0; ; at = TOKEN.lastIndex) {
    const found = TOKEN.exec(text);
    const start = found === null ? text.length : TOKEN.lastIndex - lengthOf(found.groups ?? {});
    if (found === null) {
      const isWhole = open.length === 0 && next === "more" && text.slice(at).trim() === "";
      return isWhole ? undefined : placeOf(text, start);
    }
    const { mark, text: name, plain } = found.groups ?? {};
    next = after({ mark, isText: name !== undefined, isPlain: plain !== undefined }, next, open, isEmpty);
    if (next === undefined) return placeOf(text, start);
    isEmpty = mark === "{" || mark === "[";
  }
}

interface Token {
  readonly mark: string | undefined;
  readonly isText: boolean;
  readonly isPlain: boolean;
}

/** What may follow the token; undefined where it may not stand there itself. `isEmpty`: the bracket before has just opened. */
function after(
  { mark, isText, isPlain }: Token,
  next: Next,
  open: string[],
  isEmpty: boolean,
): Next | undefined {
  const inside = open.at(-1);
  const closes = (mark === "}" && inside === "{") || (mark === "]" && inside === "[");
  if (closes && (next === "more" || isEmpty)) {
    open.pop();
    return "more";
  }
  if (next === "value" && (isText || isPlain)) return "more";
  if (next === "value" && (mark === "{" || mark === "[")) {
    open.push(mark);
    return mark === "{" ? "name" : "value";
  }
  if (next === "name" && isText) return ":";
  if (next === ":" && mark === ":") return "value";
  if (next === "more" && mark === "," && inside !== undefined) return inside === "{" ? "name" : "value";
  return undefined;
}

function lengthOf(groups: Readonly<Record<string, string | undefined>>): number {
  return Object.values(groups).find((one) => one !== undefined)?.length ?? 0;
}

function placeOf(text: string, at: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
