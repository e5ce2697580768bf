/**
 * How far the numbers are from being uniform in [0, 1]: the Kolmogorov–Smirnov statistic times √n. Above 1.95 with a
 * probability of 0.001 where they are.
 */
export function unevenness(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const n = sorted.length;
  const gaps = sorted.flatMap((value, index) => [
    Math.abs(value - index / n),
    Math.abs(value - (index + 1) / n),
  ]);
  return Math.max(...gaps) * Math.sqrt(n);
}

/** Unevenness that one honest run in a thousand has. */
export const UNEVEN = 1.95;
