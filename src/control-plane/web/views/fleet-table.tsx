import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { connectors, integrations, picture } from "../fleet/fleet.ts";
import { filterOf, filterWords, isFiltering, matchingButState, ofStates, searchOf } from "../fleet/filter.ts";
import { go, place } from "../fleet/route.ts";
import { groupsOf, linesOf, type Line } from "../fleet/rows.ts";
import { phone } from "../fleet/settings.ts";
import { useFresh } from "../fleet/fresh.ts";
import { useHeld } from "../parts/held.ts";
import { useRange } from "../parts/window-range.ts";
import { FilterBar } from "./filter-bar.tsx";
import { FoldLine, GroupLine } from "./group-line.tsx";
import { IntegrationRow } from "./integration-row.tsx";

const LINE_PX = 46;
const PHONE_LINE_PX = 64;
const COLUMNS = ["State", "Integration", "Type", "Stages", "Latency, 3 h", "Last 24 h", "Checked"];

function Spacer({ height }: { readonly height: number }): JSX.Element | null {
  if (height === 0) return null;
  return (
    <tbody aria-hidden="true">
      <tr class="spacer">
        <td colSpan={COLUMNS.length} style={{ height: `${height}px` }} />
      </tr>
    </tbody>
  );
}

/** The drawn lines by their groups: a table body each. */
function bodies(lines: readonly Line[]): (readonly Line[])[] {
  const result: Line[][] = [];
  for (const line of lines) {
    const body = result.at(-1);
    if (body === undefined || line.kind === "group") result.push([line]);
    else body.push(line);
  }
  return result;
}

/** All integrations, grouped, filtered by the address, live, and never moving under the reader. */
export function FleetTable(): JSX.Element {
  const ref = useRef<HTMLDivElement>(null);
  const [opened, setOpened] = useState<ReadonlyMap<string, boolean>>(new Map());
  const search = place.value.search;
  const filter = useMemo(() => filterOf(search), [search]);
  const items = integrations.value;
  const counted = useMemo(() => matchingButState(items, filter), [items, filter]);
  const unfold = isFiltering(filter) || filter.group !== "connector";
  const lines = useMemo(() => {
    const shown = ofStates(counted, filter.states);
    return linesOf(groupsOf(shown, connectors.value, filter, !isFiltering(filter)), opened, unfold);
  }, [counted, filter, opened, connectors.value]);
  const toggle = (id: string, open: boolean): void => setOpened(new Map(opened).set(id, open));
  const held = useHeld(ref, lines, `${search} ${[...opened].join()} ${picture.value}`);
  const height = phone.value ? PHONE_LINE_PX : LINE_PX;
  const range = useRange(ref, held.shown.length, height);
  useFresh(held.shown.slice(range.first, range.end));
  const drawn = held.shown.slice(range.first, range.end);
  return (
    <section class="fleet" aria-labelledby="fleet-title">
      <FilterBar filter={filter} counted={counted} />
      <div ref={ref} class="fleet-rows">
        {held.changes > 0 && (
          <button type="button" class="button is-small sort" onClick={held.release}>
            {held.changes === 1 ? "1 change" : `${held.changes} changes`}, Sort
          </button>
        )}
        {held.shown.length === 0 ? (
          <p class="card nothing">
            Nothing matches {filterWords(filter)}.{" "}
            <button
              type="button"
              class="link"
              onClick={() =>
                go(`/${searchOf({ ...filter, states: [], type: null, connector: null, name: "" })}`)
              }
            >
              Clear
            </button>
          </p>
        ) : (
          <table class="fleet-table" aria-rowcount={held.shown.length + 1} aria-labelledby="fleet-title">
            <thead>
              <tr aria-rowindex={1}>
                {COLUMNS.map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <Spacer height={range.above} />
            {bodies(drawn).map((body) => (
              <tbody key={body[0]?.id}>
                {body.map((line) => {
                  const index = range.first + drawn.indexOf(line) + 2;
                  if (line.kind === "row")
                    return (
                      <IntegrationRow
                        key={line.id}
                        id={line.id}
                        index={index}
                        withConnector={filter.group !== "connector"}
                      />
                    );
                  if (line.kind === "group")
                    return <GroupLine key={line.id} line={line} index={index} toggle={toggle} />;
                  return <FoldLine key={line.id} line={line} index={index} toggle={toggle} />;
                })}
              </tbody>
            ))}
            <Spacer height={range.below} />
          </table>
        )}
      </div>
    </section>
  );
}
