import { Composer, type CST, type Document, Lexer, type LineCounter, Parser } from "yaml";

/** A configuration needs ten; a thousand would use up the stack of whatever walks through it. */
export const MOST_LEVELS = 100;

/** A text that nests deeper than any configuration does, and where. */
export class TooDeep extends Error {
  override readonly name = "TooDeep";
  readonly offset: number;

  constructor(offset: number) {
    super(`nests deeper than ${MOST_LEVELS} levels`);
    this.offset = offset;
  }
}

/** The documents of a YAML 1.2 text, with their own errors. Throws TooDeep before anything recursive is done. */
export function composeAll(text: string, lines: LineCounter): readonly Document[] {
  const composer = new Composer({ version: "1.2" });
  return Array.from(composer.compose(shallowTokens(text, lines), true, text.length));
}

function* shallowTokens(text: string, lines: LineCounter): Generator<CST.Token> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > MOST_LEVELS) throw new TooDeep(parser.offset - lexeme.length);
  }
  yield* parser.end();
}
