import type { JSX } from "preact";
import { now } from "../fleet/now.ts";
import { withTimes } from "../words/ages.ts";

const NAMED = /^(Connector |Integration |Secret )(.+?)( (?:is|works|was|has|refused)\b.*)$/s;
const COUNTED = /^()(\d+)( failed requests.*)$/s;

/** What was known last is told beside the sentence, with its age. */
const LAST_KNOWN = / \(last known: [^)]*\)/;

/** The product's sentence, with its name in bold. */
export function Sentence({ text }: { readonly text: string }): JSX.Element {
  const said = withTimes(text.replace(LAST_KNOWN, ""), now.peek());
  const [, before = "", name = "", after = ""] = NAMED.exec(said) ?? COUNTED.exec(said) ?? [];
  if (name === "") return <>{said}</>;
  return (
    <>
      {before}
      <b>{name}</b>
      {after}
    </>
  );
}

/** Why, in the control plane's words. */
export function Cause({ text }: { readonly text: string }): JSX.Element {
  return <>{withTimes(text, now.peek())}</>;
}

/** Words that break at spaces, and long ones after `/`, `=`, `:` and `@`, never at a hyphen that could end a line. */
export function Breakable({ text }: { readonly text: string }): JSX.Element {
  return (
    <>
      {text.split(/( +)/).map((word) =>
        word.startsWith(" ") ? (
          word
        ) : (
          <>
            {word.split(/(?<=[/=:@])(?![/=:@])/).map((piece) => (
              <>
                <span class="piece">{piece}</span>
                <wbr />
              </>
            ))}
          </>
        ),
      )}
    </>
  );
}
