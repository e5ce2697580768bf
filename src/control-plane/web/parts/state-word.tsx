import type { JSX } from "preact";
import type { State } from "../../../protocol/stages.ts";
import type { ConnectorState } from "../api/shapes.ts";
import { CONNECTOR_WORDS, STATE_WORDS } from "../words/names.ts";
import { Mark } from "./mark.tsx";

/** A state as shape, word and colour. */
export function StateWord({
  state,
  size = 16,
}: {
  readonly state: State;
  readonly size?: number;
}): JSX.Element {
  return (
    <span class={`state is-${state}`}>
      <Mark shape={state} size={size} />
      {STATE_WORDS[state]}
    </span>
  );
}

/** A connector's state, the same way. */
export function ConnectorWord({
  state,
  size = 16,
}: {
  readonly state: ConnectorState;
  readonly size?: number;
}): JSX.Element {
  const [word, shape] = CONNECTOR_WORDS[state];
  return (
    <span class={`state is-${shape}`}>
      <Mark shape={shape} size={size} />
      {word}
    </span>
  );
}
