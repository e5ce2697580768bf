import type { Evidence } from "../../protocol/words.ts";
import { durationWords } from "../duration.ts";
import type { StoreAnswer } from "./store-http.ts";

/** A store that asks for more than that is asked again all the same. Milliseconds. */
const MOST_WAIT_MS = 3_600_000;

/** How long an answer asks us to wait (RFC 9110 §10.2.3: seconds, or a date by its own clock), as evidence. */
export function toldWait({ headers }: StoreAnswer): Evidence {
  const text = headers["retry-after"]?.trim() ?? "";
  const dated = Date.parse(text) - Date.parse(headers["date"] ?? "");
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : dated;
  if (!(ms > 0)) return {};
  const wait = Math.min(ms, MOST_WAIT_MS);
  return { retryAfterMs: wait, retryAfter: durationWords(wait) };
}

/** From here on a clock counts as wrong. Milliseconds. */
const SKEWED_MS = 60_000;

/** How far our clock is from that of whoever answered, as evidence, where that is enough to matter. */
export function toldSkew({ headers }: StoreAnswer, now: number): Evidence {
  const off = now - Date.parse(headers["date"] ?? "");
  return Math.abs(off) >= SKEWED_MS ? { skew: durationWords(Math.abs(off)) } : {};
}
