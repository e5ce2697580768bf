import { signal } from "@preact/signals";
import type { Integration } from "../api/shapes.ts";
import { STATE_WORDS } from "../words/names.ts";

/** What the polite live region says now. */
export const spokenNews = signal("");

const AT_MOST_EVERY_MS = 5000;
const AT_ONCE = 3;

let waiting: string[] = [];
let timer: ReturnType<typeof setTimeout> | null = null;
let last = 0;

function speak(): void {
  timer = null;
  last = Date.now();
  const rest = waiting.length - AT_ONCE;
  spokenNews.value = [...waiting.slice(0, AT_ONCE), ...(rest > 0 ? [`And ${rest} more.`] : [])].join(" ");
  waiting = [];
}

/** Has a sentence read out, merged with others and at most once in five seconds. */
export function announce(sentence: string): void {
  waiting.push(sentence);
  timer ??= setTimeout(speak, Math.max(100, last + AT_MOST_EVERY_MS - Date.now()));
}

/** Tells a new error and a recovery; every other change is silent. */
export function announceChange(before: Integration | undefined, after: Integration): void {
  if (before === undefined || before.state === after.state) return;
  if (after.state === "error") announce(`${after.name}: ${STATE_WORDS.error}. ${after.message}`);
  else if (before.state === "error" && after.state === "online") announce(`${after.name} is online again.`);
}
