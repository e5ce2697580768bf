import { signal } from "@preact/signals";
import { get, onSignedOut, Problem, send } from "../api/call.ts";
import type { Session } from "../api/shapes.ts";
import { stayLive } from "./live.ts";
import { go, place } from "./route.ts";

/** asking: not known yet. null: nobody is signed in. */
export const session = signal<Session | null | "asking">("asking");

/** Why the control plane could not be asked who looks. */
export const sessionProblem = signal<Problem | null>(null);

let live: AbortController | null = null;

function begin(who: Session): void {
  session.value = who;
  live?.abort();
  live = new AbortController();
  stayLive(live.signal).catch(() => end());
}

function end(): void {
  live?.abort();
  live = null;
  session.value = null;
  const { path, search } = place.peek();
  if (path === "/sign-in") return;
  const back = path === "/" && search === "" ? "" : `?to=${encodeURIComponent(path + search)}`;
  go(`/sign-in${back}`, { replace: true });
}

/** A path of this page to go to after the sign-in; anything else is the overview. */
function wanted(): string {
  const to = new URLSearchParams(place.peek().search).get("to") ?? "/";
  return to.startsWith("/") && !to.startsWith("//") && !to.startsWith("/\\") ? to : "/";
}

/** Signs in with a token or with the one-use word of a link. Throws the refusal. */
export async function signIn(proof: { readonly token: string } | { readonly link: string }): Promise<void> {
  const who = await send<Session>("POST", "/session", proof);
  if (who === null) return;
  const to = wanted();
  begin(who);
  go(to, { replace: true });
}

/** Ends the session here and on the control plane. */
export async function signOut(): Promise<void> {
  try {
    await send("DELETE", "/session");
  } finally {
    // Nothing of what was seen stays in memory.
    location.assign("/sign-in");
  }
}

/** Asks who looks; goes to the sign-in where nobody is known. */
export async function startSession(): Promise<void> {
  onSignedOut(end);
  sessionProblem.value = null;
  const link = new URLSearchParams(location.hash.slice(1)).get("link");
  if (link !== null) {
    // Out of the address before anything else, so that no history and no copy of it holds the word.
    history.replaceState(null, "", location.pathname + location.search);
    try {
      await signIn({ link });
      return;
    } catch (error) {
      if (error instanceof Problem) sessionProblem.value = error;
    }
  }
  try {
    const who = await get<Session | { readonly role: null }>("/session");
    if (who.role === null) {
      end();
      return;
    }
    begin(who);
    if (place.peek().path === "/sign-in") go(wanted(), { replace: true });
  } catch (error) {
    if (error instanceof Problem) sessionProblem.value = error;
    else throw error;
  }
}
