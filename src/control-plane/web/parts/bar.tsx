import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { link, notLive } from "../fleet/link.ts";
import { route } from "../fleet/route.ts";
import { theme, THEMES } from "../fleet/settings.ts";
import { AccountMenu } from "./account-menu.tsx";
import { BarClock } from "./age.tsx";
import { GoTo } from "./go-to.tsx";
import { Icon, Logo } from "./icon.tsx";
import { PLACES } from "./places.ts";

const THEME_ICONS = { system: "screen", light: "sun", dark: "moon" } as const;

function ThemeButton(): JSX.Element {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={`Theme: ${theme.value}. Change to ${next}`}
      title={`Theme: ${theme.value}`}
      onClick={() => (theme.value = next)}
    >
      <Icon name={THEME_ICONS[theme.value]} size={18} />
    </button>
  );
}

function LiveMark(): JSX.Element {
  const live = link.value.kind === "live" || (link.value.kind === "lost" && !notLive.value);
  return (
    <span class={live ? "live" : "live is-not"}>
      <span class="live-dot" aria-hidden="true" />
      {live ? "Live" : notLive.value ? "Not live" : "Connecting"}
      <BarClock />
    </span>
  );
}

/** The bar: places, the go-to field, whether the picture is live, theme and account. */
export function Bar(): JSX.Element {
  const [searching, setSearching] = useState(false);
  const view = route.value.view;
  return (
    <header class={searching ? "bar is-searching" : "bar"}>
      <a class="brand" href="/" aria-label="Mooring, overview">
        <Logo />
        <span>Mooring</span>
      </a>
      <nav class="places" aria-label="Main">
        {PLACES.map(([href, text, views]) => (
          <a key={href} href={href} aria-current={views.includes(view) ? "page" : undefined}>
            {text}
          </a>
        ))}
      </nav>
      <GoTo onLeave={() => setSearching(false)} />
      <LiveMark />
      <button
        type="button"
        class="icon-button search-button"
        aria-label="Go to"
        onClick={() => {
          setSearching(true);
          document.getElementById("go-to")?.focus();
        }}
      >
        <Icon name="search" size={18} />
      </button>
      <ThemeButton />
      <AccountMenu />
    </header>
  );
}
