import type { JSX } from "preact";
import type { State } from "../../../protocol/stages.ts";
import type { Transition } from "../api/shapes.ts";
import { now } from "../fleet/now.ts";
import { bothTimes, dayAndTime, exactSpan } from "../words/ages.ts";
import { StateWord } from "../parts/state-word.tsx";

function StateOrNone({ state }: { readonly state: State | null }): JSX.Element {
  return state === null ? <span class="faint">new</span> : <StateWord state={state} size={14} />;
}

function codes(change: Transition): string {
  if (change.to === null) return "removed";
  if (change.reason === null) return "all stages passed";
  return change.stage === null ? change.reason : `${change.stage}: ${change.reason}`;
}

/** Changes of state, newest first, each with how long it lasted. */
export function Transitions({ list }: { readonly list: readonly Transition[] | null }): JSX.Element | null {
  if (list === null) return null;
  if (list.length === 0) return <p class="nothing-yet">No change since it is known.</p>;
  return (
    <ol class="transitions">
      {list.map((change, index) => {
        const at = Date.parse(change.at);
        const next = list[index - 1];
        const lasted = next === undefined ? "going on" : exactSpan(Date.parse(next.at) - at);
        return (
          <li key={change.at + String(change.to)}>
            <time dateTime={change.at} title={bothTimes(at)}>
              {dayAndTime(at, now.value)}
            </time>
            <span class="from-to">
              <StateOrNone state={change.from} />
              <span class="arrow" aria-label="to">
                →
              </span>
              <StateOrNone state={change.to} />
            </span>
            <span class="change-codes">{codes(change)}</span>
            <span class="lasted">{lasted}</span>
          </li>
        );
      })}
    </ol>
  );
}
