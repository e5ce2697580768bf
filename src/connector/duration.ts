const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of `500ms`, `10s`, `5m`, `2h`, `14d`, or undefined where the text is none of these. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}

/** A span in words, in the largest unit that keeps it whole enough: `250 ms`, `5 s`, `1.5 s`, `13 d`. */
export function durationWords(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const [unit, size] =
    ms < 120_000
      ? ["s", UNITS.s]
      : ms < 7_200_000
        ? ["min", UNITS.m]
        : ms < 172_800_000
          ? ["h", UNITS.h]
          : ["d", UNITS.d];
  const value = ms / size;
  return `${value < 10 && unit === "s" ? Math.round(value * 10) / 10 : Math.round(value)} ${unit}`;
}
