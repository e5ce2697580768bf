import type { ReasonCode } from "../../protocol/reasons.ts";
import type { Evidence } from "../../protocol/words.ts";
import { durationWords } from "../duration.ts";
import type { Secret } from "./secret-store.ts";

/** From when on a secret's age is a gap, milliseconds. */
export interface AgeLimits {
  readonly expiresWithinMs: number;
  /** Absent: a secret may be as old as it likes. */
  readonly staleAfterMs?: number | undefined;
}

export interface AgeWarning {
  readonly reason: Extract<ReasonCode, "secret_expiring" | "secret_stale">;
  readonly evidence: Evidence;
}

/** What is wrong with a secret that works: it ends soon, it was not rotated, a newer version is there. */
export function ageWarnings(secret: Secret, limits: AgeLimits, now: number): AgeWarning[] {
  const warnings: AgeWarning[] = [];
  const { expiresAt, createdAt, newerVersion, version = "" } = secret;
  if (expiresAt !== undefined && expiresAt - now <= limits.expiresWithinMs) {
    const left = expiresAt > now ? { left: durationWords(expiresAt - now) } : {};
    warnings.push({ reason: "secret_expiring", evidence: { expires: timeText(expiresAt), ...left } });
  }
  if (newerVersion !== undefined) {
    warnings.push({ reason: "secret_stale", evidence: { version, newerVersion } });
  }
  const { staleAfterMs } = limits;
  if (staleAfterMs !== undefined && createdAt !== undefined && now - createdAt > staleAfterMs) {
    const age = durationWords(now - createdAt);
    const evidence = { changed: timeText(createdAt), age, mostAge: durationWords(staleAfterMs) };
    warnings.push({ reason: "secret_stale", evidence });
  }
  return warnings;
}

function timeText(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
}
