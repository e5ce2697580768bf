import { effect, signal } from "@preact/signals";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

function read(key: string): string | null {
  try {
    return localStorage.getItem(`mooring.${key}`);
  } catch {
    return null; // storage is closed to this page
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(`mooring.${key}`, value);
  } catch {
    // Kept for this visit alone.
  }
}

/** Light, dark, or as the system is. */
export const theme = signal<Theme>(THEMES.find((word) => word === read("theme")) ?? "system");

/** Whether single keys do something. */
export const keysOn = signal(read("keys") !== "off");

/** Keeps the settings, and tells the document its theme. */
export function keepSettings(): void {
  effect(() => {
    write("theme", theme.value);
    if (theme.value === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme.value;
  });
  effect(() => write("keys", keysOn.value ? "on" : "off"));
}

function media(query: string): { readonly value: boolean } {
  const list = window.matchMedia(query);
  const matches = signal(list.matches);
  list.addEventListener("change", () => (matches.value = list.matches));
  return matches;
}

/** From 900 px the mooring line lies; below it hangs. */
export const wide = media("(min-width: 900px)");

/** A phone: the line folds, and the actions stand at the foot. */
export const phone = media("(max-width: 640px)");
