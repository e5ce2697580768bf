import { computed, signal } from "@preact/signals";

/** Where the page is. Paths are those of the REST API, so that a link can be guessed. */
export type Route =
  | { readonly view: "overview" }
  | { readonly view: "connector"; readonly connector: string }
  | { readonly view: "test"; readonly connector: string }
  | { readonly view: "integration"; readonly connector: string; readonly name: string }
  | { readonly view: "secrets" }
  | { readonly view: "secret"; readonly connector: string; readonly id: string }
  | { readonly view: "tokens" }
  | { readonly view: "add" }
  | { readonly view: "sign-in" }
  | { readonly view: "nowhere" };

function words(path: string): string[] {
  try {
    return path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return ["?"];
  }
}

/** Reads a path. */
export function routeOf(path: string): Route {
  const [head, first, second, more] = words(path);
  if (head === undefined) return { view: "overview" };
  if (more !== undefined) return { view: "nowhere" };
  if (head === "connectors" && first !== undefined) {
    if (second === undefined) return { view: "connector", connector: first };
    if (second === "test") return { view: "test", connector: first };
  }
  if (head === "integrations" && first !== undefined && second !== undefined)
    return { view: "integration", connector: first, name: second };
  if (head === "secrets" && first !== undefined && second !== undefined)
    return { view: "secret", connector: first, id: second };
  if (
    first === undefined &&
    (head === "secrets" || head === "tokens" || head === "add" || head === "sign-in")
  )
    return { view: head };
  return { view: "nowhere" };
}

interface Place {
  readonly path: string;
  readonly search: string;
}

function here(): Place {
  return { path: location.pathname, search: location.search };
}

/** The path and what follows it. */
export const place = signal<Place>(here());

export const route = computed<Route>(() => routeOf(place.value.path));

/** Counts the changes of route that the reader made: each takes focus to the heading. */
export const arrivals = signal(0);

/** Goes to a place within the page. `replace` leaves no step to go back to. */
export function go(to: string, options: { readonly replace?: boolean } = {}): void {
  const before = place.peek().path;
  if (options.replace === true) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  place.value = here();
  if (place.peek().path === before) return;
  window.scrollTo(0, 0);
  arrivals.value += 1;
}

/** Makes every plain click on a link of our own a change of route. */
export function followLinks(): void {
  window.addEventListener("popstate", () => {
    const before = place.peek().path;
    place.value = here();
    if (place.peek().path !== before) arrivals.value += 1;
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || link.origin !== location.origin || link.target !== "" || link.hash !== "") return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
