import type { Evidence } from "../../../protocol/words.ts";
import { durationWords } from "../../duration.ts";
import type { AwsTrouble } from "./trouble.ts";

/** AWS takes signatures whose time is up to five minutes off; below this the clock is not what is wrong. */
const TOLERATED_MS = 4.5 * 60_000;

/** Codes that AWS gives for a wrong signature, for one of another time among them. */
const SIGNATURE_CODES = new Set([
  "InvalidSignatureException",
  "SignatureDoesNotMatch",
  "RequestTimeTooSkewed",
  "RequestExpired",
  "RequestInTheFuture",
  "AuthFailure",
]);

/**
 * How far our clock is from AWS's, where that is why a signature was not taken: `{skew, skewHow}`.
 * The answer's Date header says it, else the two times in AWS's words: ours, and in brackets its own.
 */
export function skewOf(trouble: AwsTrouble): Evidence | undefined {
  if (!SIGNATURE_CODES.has(trouble.code)) return undefined;
  const off = byHeader(trouble) ?? byWords(trouble);
  if (off === undefined || Math.abs(off) < TOLERATED_MS) return undefined;
  return { skew: durationWords(Math.abs(off)), skewHow: off > 0 ? "ahead of" : "behind" };
}

/** Milliseconds that our clock is ahead. */
function byHeader(trouble: AwsTrouble): number | undefined {
  const theirs = Date.parse(trouble.header("date") ?? "");
  return trouble.at === undefined || Number.isNaN(theirs) ? undefined : trouble.at - theirs;
}

function byWords(trouble: AwsTrouble): number | undefined {
  const [, ours = "", theirs = ""] = /(\d{8}T\d{6}Z).*\((\d{8}T\d{6}Z)/.exec(trouble.words()) ?? [];
  const off = timeOf(ours) - timeOf(theirs);
  return Number.isNaN(off) ? undefined : off;
}

function timeOf(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}
