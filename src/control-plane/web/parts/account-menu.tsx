import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { keysShown } from "../fleet/keys.ts";
import { route } from "../fleet/route.ts";
import { keysOn } from "../fleet/settings.ts";
import { session, signOut } from "../fleet/session.ts";
import { Icon } from "./icon.tsx";
import { PLACES } from "./places.ts";

/** Who is signed in, the keys, and the way out. */
export function AccountMenu(): JSX.Element {
  const [open, setOpen] = useState(false);
  const ref = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    const leave = (event: Event): void => {
      if (event.target instanceof Node && ref.current?.contains(event.target) === true) return;
      setOpen(false);
    };
    document.addEventListener("pointerdown", leave);
    document.addEventListener("focusin", leave);
    return () => {
      document.removeEventListener("pointerdown", leave);
      document.removeEventListener("focusin", leave);
    };
  }, [open]);
  const who = session.value;
  const role = who === null || who === "asking" ? "" : who.role;
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <div
      class="account"
      ref={ref}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.preventDefault();
        close();
      }}
    >
      <button
        ref={button}
        type="button"
        class="icon-button"
        aria-expanded={open}
        aria-label={`Account: ${role}`}
        onClick={() => setOpen(!open)}
      >
        <Icon name="person" size={18} />
      </button>
      {open && (
        <div class="account-panel">
          <p>
            Signed in as <b>{role}</b>
            <small>{role === "viewer" ? "may look, not touch" : "may look and act"}</small>
          </p>
          <label class="switch">
            <input
              type="checkbox"
              checked={keysOn.value}
              onChange={(event) => (keysOn.value = event.currentTarget.checked)}
            />
            Shortcuts by single keys
          </label>
          <button
            type="button"
            onClick={() => {
              close();
              keysShown.value = true;
            }}
          >
            Show the shortcuts <kbd>?</kbd>
          </button>
          {PLACES.map(([href, text, views]) => (
            <a
              key={href}
              class="account-place"
              href={href}
              aria-current={views.includes(route.value.view) ? "page" : undefined}
              onClick={() => setOpen(false)}
            >
              {text}
            </a>
          ))}
          <button type="button" onClick={() => void signOut()}>
            Sign out
          </button>
        </div>
      )}
    </div>
  );
}
