import type { JSX } from "preact";
import type { Knot } from "../words/stage-words.ts";
import { phone, wide } from "../fleet/settings.ts";
import { Mark } from "./mark.tsx";
import { HangingRope, LyingRope } from "./rope.tsx";
import { Breakable } from "./sentence.tsx";

interface LineProps {
  readonly knots: readonly Knot[];
  /** Hanging also where there is room to lie. */
  readonly hanging?: boolean;
  readonly label: string;
}

/** On a phone, three and more that were not reached are one: "tls … authorize, 5 not reached". */
function folded(knots: readonly Knot[]): Knot[] {
  const result: Knot[] = [];
  for (let at = 0; at < knots.length;) {
    const knot = knots[at];
    if (knot === undefined) break;
    let end = at;
    while (knot.shape === "hollow" && knots[end + 1]?.word === knot.word) end += 1;
    if (end - at < 2) result.push(knot);
    const count = end - at + 1;
    if (end - at >= 2)
      result.push({
        ...knot,
        stage: `${knot.stage} … ${knots[end]?.stage ?? ""}`,
        word: `${count} ${knot.word}`,
      });
    at = end - at < 2 ? at + 1 : end + 1;
  }
  return result;
}

function size(knot: Knot): number {
  return knot.shape === "hollow" || knot.shape === "blocked" || knot.shape === "unseen" ? 16 : 22;
}

function said(knot: Knot): string {
  return knot.ms === null ? knot.word : `${knot.word} · ${knot.ms}`;
}

/** The stages as a mooring line: passed is taut with a knot, failed is frayed, the rest hangs slack and dotted. */
export function MooringLine({ knots, hanging = false, label }: LineProps): JSX.Element {
  const lies = wide.value && !hanging;
  const shown = phone.value ? folded(knots) : knots;
  return (
    <ol class={lies ? "line is-lying" : "line is-hanging"} aria-label={label}>
      {shown.map((knot, index) => (
        <li key={knot.stage} class={`knot is-${knot.shape}`}>
          <span class="knot-mark">
            <Mark shape={knot.shape} size={size(knot)} />
          </span>
          {index < shown.length - 1 && (
            <span class={`knot-rope after-${size(knot)}`}>
              {lies ? <LyingRope rope={knot.rope} /> : <HangingRope rope={knot.rope} />}
            </span>
          )}
          <span class="knot-stage">{knot.stage}</span>
          <span class="knot-word">{said(knot)}</span>
          {!lies && knot.fact !== null && (
            <span class="knot-fact">
              <Breakable text={knot.fact} />
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}
