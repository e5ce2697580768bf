import type { JSX } from "preact";
import type { State } from "../../../protocol/stages.ts";
import type { Connector } from "../api/shapes.ts";
import { countWords, type Line } from "../fleet/rows.ts";
import { connectorHref } from "../fleet/hrefs.ts";
import { connectorGap, STATE_ORDER } from "../words/names.ts";
import { Age, Moment } from "../parts/age.tsx";
import { Icon } from "../parts/icon.tsx";
import { Mark } from "../parts/mark.tsx";
import { ConnectorWord } from "../parts/state-word.tsx";

interface LineProps<K extends Line["kind"]> {
  readonly line: Extract<Line, { kind: K }>;
  readonly index: number;
  readonly toggle: (id: string, open: boolean) => void;
}

const WIDTH = 150;

/** How a group's states share it, as one bar. */
function Shares({ counts }: { readonly counts: Readonly<Record<State, number>> }): JSX.Element | null {
  const total = STATE_ORDER.reduce((sum, state) => sum + counts[state], 0);
  if (total === 0) return null;
  const present = STATE_ORDER.filter((state) => counts[state] > 0);
  const room = WIDTH - (present.length - 1);
  // A single error among hundreds is still seen.
  const sizes = present.map((state) => Math.max(7, (counts[state] / total) * room));
  const scale = room / sizes.reduce((sum, size) => sum + size, 0);
  let x = 0;
  return (
    <svg class="shares" width={WIDTH} height="8" aria-hidden="true">
      {present.map((state, index) => {
        const width = (sizes[index] ?? 0) * scale;
        const at = x;
        x += width + 1;
        return (
          <rect
            key={state}
            class={`share-${state}`}
            x={at + (state === "unknown" ? 1 : 0)}
            y="1.5"
            width={Math.max(1, width - (state === "unknown" ? 2 : 0))}
            height="5"
            rx="2.5"
          />
        );
      })}
    </svg>
  );
}

function Standing({ connector }: { readonly connector: Connector }): JSX.Element {
  const gap = connectorGap(connector);
  return (
    <>
      <ConnectorWord connector={connector} />
      {gap !== null && (
        <span class="state is-warning">
          <Mark shape="warning" />
          <span class="gap">{gap}</span>
        </span>
      )}
      <span class="quiet heartbeat">
        {connector.lastHeartbeatAt === null ? (
          "no heartbeat yet"
        ) : connector.state === "connected" ? (
          <>
            heartbeat <Age at={connector.lastHeartbeatAt} />
          </>
        ) : (
          <>
            last heartbeat <Moment at={connector.lastHeartbeatAt} />
          </>
        )}
        {connector.version !== null && ` · ${connector.version}`}
      </span>
    </>
  );
}

/** A group's own line: its name, its connector's state, and what it holds. */
export function GroupLine({ line, index, toggle }: LineProps<"group">): JSX.Element {
  const { group, open } = line;
  return (
    <tr class="group" aria-rowindex={index}>
      <th colSpan={7} scope="rowgroup">
        <div class="group-line">
          <button
            type="button"
            class="fold"
            aria-expanded={open}
            onClick={() => toggle(group.key, !open)}
            aria-label={`${group.title}: ${open ? "fold" : "unfold"}`}
          >
            <Icon name={open ? "down" : "right"} />
          </button>
          {group.connector === null ? (
            <b>{group.title}</b>
          ) : (
            <a href={connectorHref(group.key)}>{group.title}</a>
          )}
          {group.connector !== null && <Standing connector={group.connector} />}
          <span class="group-counts">{countWords(group.counts)}</span>
          <Shares counts={group.counts} />
        </div>
      </th>
    </tr>
  );
}

/** A line that stands for those that need nothing. */
export function FoldLine({ line, index, toggle }: LineProps<"fold">): JSX.Element {
  return (
    <tr class="folded" aria-rowindex={index}>
      <td colSpan={7}>
        <button
          type="button"
          class="fold"
          aria-expanded={line.open}
          onClick={() => toggle(line.id, !line.open)}
        >
          <Icon name={line.open ? "down" : "right"} />
          {line.text}
        </button>
      </td>
    </tr>
  );
}
