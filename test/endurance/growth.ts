/** One measurement: when, in seconds, and what. */
export interface Point {
  readonly at: number;
  readonly value: number;
}

/** How fast a series grows, in units an hour: the likeliest, and between which two it is with 95 %. */
export interface Growth {
  readonly perHour: number;
  readonly least: number;
  readonly most: number;
}

/** What growth of a series is still none, and how well that must be known; units an hour. */
export interface Bound {
  readonly perHour: number;
  readonly widestBand: number;
}

const HOUR_S = 3_600;

/**
 * The least value of each window. Between two collections of garbage memory rises, and falls again: what leaks raises
 * the floor, what is collected does not.
 */
export function floors(points: readonly Point[], windowSeconds: number): readonly Point[] {
  const least = new Map<number, Point>();
  for (const point of points) {
    const window = Math.floor(point.at / windowSeconds);
    const before = least.get(window);
    if (before === undefined || point.value < before.value) least.set(window, point);
  }
  return [...least.values()];
}

/**
 * Sen's slope: the median of the slopes between any two points, so that a single collection of garbage that came late
 * moves nothing; its band is that of Kendall's rank statistic. Neighbours that are alike count as fewer: the band is
 * widened by the first autocorrelation of what the line leaves. Throws a RangeError for fewer than five points.
 */
export function growthOf(points: readonly Point[]): Growth {
  const count = points.length;
  if (count < 5) throw new RangeError(`a line through ${count} points says nothing`);
  const slopes = points
    .flatMap((from, index) =>
      points.slice(index + 1).map((to) => (to.value - from.value) / (to.at - from.at)),
    )
    .sort((a, b) => a - b);
  const slope = slopeAt(slopes, slopes.length / 2);
  const alike = alikeness(points.map(({ at, value }) => value - slope * at));
  const variance = ((count * (count - 1) * (2 * count + 5)) / 18) * ((1 + alike) / (1 - alike));
  const aside = (1.96 * Math.sqrt(variance)) / 2;
  const [least, most] = [-aside, aside].map((way) => slopeAt(slopes, slopes.length / 2 + way));
  return { perHour: slope * HOUR_S, least: (least ?? 0) * HOUR_S, most: (most ?? 0) * HOUR_S };
}

function slopeAt(sorted: readonly number[], place: number): number {
  return sorted[Math.round(Math.min(Math.max(place, 0), sorted.length - 1))] ?? 0;
}

/** The first autocorrelation, from 0 to 0.9. */
function alikeness(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const left = values.map((value) => value - mean);
  const squares = left.reduce((sum, value) => sum + value ** 2, 0);
  const neighbours = left.slice(1).reduce((sum, value, index) => sum + value * (left[index] ?? 0), 0);
  return squares === 0 ? 0 : Math.min(0.9, Math.max(0, neighbours / squares));
}

/** Why a series is not flat, or undefined where it is: it grows for certain, or too little is known of it. */
export function notFlat({ least, most }: Growth, bound: Bound): string | undefined {
  if (least > bound.perHour) return `it grows by more than ${bound.perHour} an hour`;
  if (most - least > bound.widestBand) return "it moves so much that growth could not be seen";
  return undefined;
}
