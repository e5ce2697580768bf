import type { JSX } from "preact";

const NAMED = /^(Connector |Integration |Secret )(.+?)( (?:is|works|was|has|refused)\b.*)$/s;
const COUNTED = /^(\d+)( failed requests.*)$/s;

/** The product's sentence, exactly, with its name in bold. */
export function Sentence({ text }: { readonly text: string }): JSX.Element {
  const named = NAMED.exec(text);
  if (named !== null)
    return (
      <>
        {named[1]}
        <b>{named[2]}</b>
        {named[3]}
      </>
    );
  const counted = COUNTED.exec(text);
  if (counted !== null)
    return (
      <>
        <b>{counted[1]}</b>
        {counted[2]}
      </>
    );
  return <>{text}</>;
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
