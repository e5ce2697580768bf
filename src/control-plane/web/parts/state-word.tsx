import type { JSX } from "preact";
import type { State } from "../../../protocol/stages.ts";
import type { Connector } from "../api/shapes.ts";
import { connectorWord, STATE_WORDS } from "../words/names.ts";
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
  connector,
  size = 16,
}: {
  readonly connector: Pick<Connector, "state" | "revokedAt">;
  readonly size?: number;
}): JSX.Element {
  const [word, shape] = connectorWord(connector);
  return (
    <span class={`state is-${shape}`}>
      <Mark shape={shape} size={size} />
      {word}
    </span>
  );
}
