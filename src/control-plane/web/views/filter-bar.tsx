import type { JSX } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { State } from "../../../protocol/stages.ts";
import type { Integration } from "../api/shapes.ts";
import { GROUPINGS, searchOf, type Filter } from "../fleet/filter.ts";
import { integrations } from "../fleet/fleet.ts";
import { stepRow, useKeys } from "../fleet/keys.ts";
import { go } from "../fleet/route.ts";
import { STATE_ORDER, STATE_WORDS, typeName } from "../words/names.ts";
import { Icon } from "../parts/icon.tsx";
import { Mark } from "../parts/mark.tsx";
import { Select } from "../parts/select.tsx";

interface FilterBarProps {
  readonly filter: Filter;
  /** What matches by all but the state. */
  readonly counted: readonly Integration[];
}

const GROUP_WORDS = { connector: "By connector", reason: "By reason", type: "By type" } as const;

function show(filter: Filter, replace: boolean): void {
  go(`/${searchOf(filter)}`, { replace });
}

function NameField({
  filter,
  focusRef,
}: {
  readonly filter: Filter;
  readonly focusRef: { current: HTMLInputElement | null };
}): JSX.Element {
  // The field is the reader's while it has the focus: a slow redraw must not take back a letter. A filter that came
  // by the address (a link, the way back) fills it otherwise.
  useLayoutEffect(() => {
    const field = focusRef.current;
    if (field !== null && field !== document.activeElement) field.value = filter.name;
  }, [filter.name]);
  return (
    <label class="field-with-icon filter-name">
      <Icon name="search" />
      <input
        ref={focusRef}
        type="search"
        aria-label="Filter by name"
        placeholder="Filter by name"
        onInput={(event) => {
          show({ ...filter, name: event.currentTarget.value.trim() }, true);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      <kbd>f</kbd>
    </label>
  );
}

/** The chips count and filter; the rest narrows and groups. */
export function FilterBar({ filter, counted }: FilterBarProps): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  const counts = useMemo(() => {
    const result: Record<State, number> = { error: 0, warning: 0, unknown: 0, online: 0 };
    for (const item of counted) result[item.state] += 1;
    return result;
  }, [counted]);
  const types = useMemo(
    () => [...new Set(integrations.value.map((item) => item.type))].sort(),
    [integrations.value],
  );
  const toggle = (state: State): void => {
    const states = filter.states.includes(state)
      ? filter.states.filter((other) => other !== state)
      : [...filter.states, state];
    show({ ...filter, states }, false);
  };
  const press = (index: number) => (): void => {
    const state = STATE_ORDER[index];
    if (state !== undefined) toggle(state);
  };
  useKeys({
    f: () => field.current?.focus(),
    j: () => stepRow(1),
    k: () => stepRow(-1),
    1: press(0),
    2: press(1),
    3: press(2),
    4: press(3),
  });
  return (
    <div class="filter-bar">
      <h2 id="fleet-title">Integrations</h2>
      <div class="chips" role="group" aria-label="Filter by state">
        <button
          type="button"
          class="chip"
          aria-pressed={filter.states.length === 0}
          onClick={() => show({ ...filter, states: [] }, false)}
        >
          All <span>{counted.length.toLocaleString("en")}</span>
        </button>
        {STATE_ORDER.map((state) => (
          <button
            key={state}
            type="button"
            class="chip"
            aria-pressed={filter.states.includes(state)}
            onClick={() => toggle(state)}
          >
            <Mark shape={state} />
            {STATE_WORDS[state]} <span>{counts[state].toLocaleString("en")}</span>
          </button>
        ))}
      </div>
      {filter.connector !== null && (
        <button
          type="button"
          class="chip"
          aria-pressed={true}
          aria-label={`Only ${filter.connector}. Show all connectors`}
          onClick={() => show({ ...filter, connector: null }, false)}
        >
          <span class="mono">{filter.connector}</span>
          <Icon name="close" size={13} />
        </button>
      )}
      <div class="narrow">
        <NameField filter={filter} focusRef={field} />
        <Select
          label="Type"
          value={filter.type ?? ""}
          options={[
            ["", "Type: any"],
            ...types.map((type): readonly [string, string] => [type, typeName(type)]),
          ]}
          onPick={(type) => show({ ...filter, type: type === "" ? null : type }, false)}
        />
        <Select
          label="Group"
          value={filter.group}
          options={GROUPINGS.map((group) => [group, GROUP_WORDS[group]])}
          onPick={(value) =>
            show({ ...filter, group: GROUPINGS.find((group) => group === value) ?? "connector" }, false)
          }
        />
      </div>
    </div>
  );
}
