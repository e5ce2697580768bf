import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Shape } from "../words/names.ts";
import { connectorWord } from "../words/names.ts";
import { connectors, integrations, secrets } from "../fleet/fleet.ts";
import { connectorHref, integrationHref, secretHref } from "../fleet/hrefs.ts";
import { useKeys } from "../fleet/keys.ts";
import { go, route } from "../fleet/route.ts";
import { Icon } from "./icon.tsx";
import { Mark } from "./mark.tsx";

const MOST = 8;

interface Goal {
  readonly href: string;
  readonly name: string;
  readonly of: string;
  readonly shape: Shape;
}

/** Names that begin with the words come before those that hold them. */
function goalsFor(text: string): Goal[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [];
  const first: Goal[] = [];
  const then: Goal[] = [];
  const take = (name: string, goal: () => Goal): void => {
    const at = name.toLowerCase().indexOf(wanted);
    if (at === 0) first.push(goal());
    else if (at > 0 && then.length < MOST) then.push(goal());
  };
  for (const one of connectors.value)
    take(one.name, () => ({
      href: connectorHref(one.name),
      name: one.name,
      of: "connector",
      shape: connectorWord(one)[1],
    }));
  for (const one of integrations.value) {
    if (first.length >= MOST) break;
    take(one.name, () => ({
      href: integrationHref(one),
      name: one.name,
      of: one.connector,
      shape: one.state,
    }));
  }
  for (const one of secrets.value) {
    if (first.length >= MOST) break;
    take(one.name, () => ({
      href: secretHref(one),
      name: one.name,
      of: `secret of ${one.connector}`,
      shape: one.state,
    }));
  }
  return [...first, ...then].slice(0, MOST);
}

/** Back, but never out of the page. */
function back(): void {
  if (route.peek().view === "overview") return;
  if (history.length > 1) history.back();
  else go("/");
}

/** One field to every connector, integration and secret: type, choose, Enter. */
export function GoTo({ onLeave }: { readonly onLeave: () => void }): JSX.Element {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [open, setOpen] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => field.current?.focus(), Escape: back });
  const goals = open ? goalsFor(text) : [];
  const leave = (): void => {
    setText("");
    setOpen(false);
    field.current?.blur();
    onLeave();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") setAt(Math.min(at + 1, goals.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else if (event.key === "Escape") leave();
    else if (event.key === "Enter" && goals[at] !== undefined) {
      const { href } = goals[at];
      leave();
      go(href);
    } else return;
    event.preventDefault();
  };
  return (
    <div class="go-to" role="search">
      <label class="field-with-icon">
        <Icon name="search" />
        <input
          id="go-to"
          ref={field}
          role="combobox"
          aria-label="Go to a connector, an integration or a secret"
          aria-expanded={goals.length > 0}
          aria-controls="go-to-list"
          aria-autocomplete="list"
          aria-activedescendant={goals.length > 0 ? `goal-${at}` : undefined}
          autocomplete="off"
          spellcheck={false}
          placeholder="Go to a connector, integration, secret"
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setAt(0);
            setOpen(true);
          }}
          onKeyDown={onKeyDown}
          onBlur={() => {
            setOpen(false);
            onLeave();
          }}
        />
        <kbd>/</kbd>
      </label>
      <ul
        id="go-to-list"
        role="listbox"
        aria-label="Places"
        hidden={goals.length === 0 && !(open && text.trim() !== "")}
      >
        {goals.map((goal, index) => (
          <li
            key={goal.href}
            id={`goal-${index}`}
            role="option"
            aria-selected={index === at}
            onPointerDown={(event) => {
              event.preventDefault();
              leave();
              go(goal.href);
            }}
          >
            <Mark shape={goal.shape} />
            <span class="mono">{goal.name}</span>
            <small>{goal.of}</small>
          </li>
        ))}
        {open && text.trim() !== "" && goals.length === 0 && (
          <li class="none" role="option" aria-selected={false} aria-disabled={true}>
            Nothing is called that.
          </li>
        )}
      </ul>
    </div>
  );
}
