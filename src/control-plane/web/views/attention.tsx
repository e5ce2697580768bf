import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Trouble } from "../fleet/troubles.ts";
import { StandingLines } from "../parts/age.tsx";
import { Card } from "../parts/card.tsx";
import { useHeld } from "../parts/held.ts";
import { Icon } from "../parts/icon.tsx";
import { Mark } from "../parts/mark.tsx";
import { Breakable, Cause, Sentence } from "../parts/sentence.tsx";

const SHOWN = 10;

type Row = Trouble & { readonly id: string };

function TroubleRow({ trouble }: { readonly trouble: Trouble }): JSX.Element {
  return (
    <li class={`trouble is-${trouble.weight}`}>
      <Mark shape={trouble.weight} size={trouble.weight === "error" ? 22 : 18} />
      <div class="trouble-words">
        <a href={trouble.href} data-row="" class="trouble-link">
          <span class="for-readers">{trouble.weight === "error" ? "Error: " : "Warning: "}</span>
          <Sentence text={trouble.message} />
        </a>
        <p>
          {trouble.about !== null && <b>{trouble.about}: </b>}
          <Cause text={trouble.cause} />
        </p>
      </div>
      <div class="trouble-place">
        <span class="mono">{trouble.places.slice(0, 2).join(", ")}</span>
        <small>
          <Breakable text={trouble.code} />
        </small>
      </div>
      <div class="trouble-time">
        <StandingLines since={trouble.since} />
      </div>
      <Icon name="right" />
    </li>
  );
}

/** A row per sentence: unreachable connectors, then errors by what they explain, then warnings. */
export function Attention({ troubles }: { readonly troubles: readonly Trouble[] }): JSX.Element {
  const ref = useRef<HTMLDivElement>(null);
  const [all, setAll] = useState(false);
  const rows: readonly Row[] = troubles.map((trouble) => ({ ...trouble, id: trouble.key }));
  const held = useHeld(ref, rows, "");
  const latest = new Map(rows.map((row) => [row.id, row]));
  const shown = all ? held.shown : held.shown.slice(0, SHOWN);
  const rest = held.shown.length - shown.length;
  return (
    <div ref={ref}>
      <Card
        title="Needs attention"
        flush
        aside={
          held.changes > 0 ? (
            <button type="button" class="button is-small" onClick={held.release}>
              {held.changes === 1 ? "1 change" : `${held.changes} changes`}, Sort
            </button>
          ) : (
            "What explains most comes first"
          )
        }
      >
        <ul class="troubles">
          {shown.map((row) => (
            <TroubleRow key={row.id} trouble={latest.get(row.id) ?? row} />
          ))}
        </ul>
        {rest > 0 && (
          <button type="button" class="more" onClick={() => setAll(true)}>
            <Icon name="down" />
            Show {rest} more
          </button>
        )}
      </Card>
    </div>
  );
}
