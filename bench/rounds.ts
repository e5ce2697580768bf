// Rounds of a comparison, and their table. A ratio is taken inside a round, so that what else the machine does
// meanwhile weighs on both sides.

/** One figure of one round. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: number;
  /** The most that ours ÷ peer may be; absent where nothing is promised. */
  readonly bound?: number | undefined;
}

/** One benchmark: what stands through all of its rounds is opened once. */
export interface Bench {
  readonly name: string;
  /** What is compared with what. */
  readonly says: string;
  /** Debian packages of the peers. */
  readonly packages: readonly string[];
  open(): Promise<Opened>;
}

export interface Opened extends AsyncDisposable {
  /** In every second round the peer goes first. */
  round(peerFirst: boolean): Promise<readonly Figure[]>;
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly ours: Spread;
  readonly peer: Spread;
  readonly ratio: Spread;
  readonly bound: number | undefined;
  readonly rounds: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? at(Math.floor(middle)) : (at(middle - 1) + at(middle)) / 2;
  return { min: at(0), median, max: at(sorted.length - 1) };
}

/** Runs a benchmark's rounds; tells each figure as it comes. */
export async function rounds(bench: Bench, count: number, tell: (line: string) => void): Promise<Row[]> {
  const found = new Map<string, Figure[]>();
  await using opened = await bench.open();
  for (let round = 0; round < count; round += 1) {
    for (const figure of await opened.round(round % 2 === 1)) {
      found.set(figure.what, [...(found.get(figure.what) ?? []), figure]);
      const { what, unit, ours, peer } = figure;
      tell(
        `round ${round + 1}: ${what}: ${short(ours)} against ${short(peer)} ${unit}, ${short(ours / peer)}`,
      );
    }
  }
  return [...found.values()].map(rowOf);
}

function rowOf(figures: readonly Figure[]): Row {
  const [first] = figures;
  return {
    what: first?.what ?? "",
    unit: first?.unit ?? "",
    bound: first?.bound,
    ours: spreadOf(figures.map(({ ours }) => ours)),
    peer: spreadOf(figures.map(({ peer }) => peer)),
    ratio: spreadOf(figures.map(({ ours, peer }) => ours / peer)),
    rounds: figures.length,
  };
}

/** Three digits that count. */
function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function told({ min, median, max }: Spread): string {
  return `${short(median)} (${short(min)} … ${short(max)})`;
}

const HEAD = ["what", "unit", "ours", "peer", "ours ÷ peer", "bound", "rounds"];

function cellsOf({ what, unit, ours, peer, ratio, bound, rounds }: Row): string[] {
  const reached = bound === undefined ? "" : `${bound}${ratio.median <= bound ? "" : " (missed)"}`;
  return [what, unit, told(ours), told(peer), told(ratio), reached, String(rounds)];
}

/** The rows as a table of Markdown, which a terminal shows as well: median (least … most). */
export function tableOf(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const [head = "", ...rest] = lines.map(
    (line) => `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`,
  );
  return [head, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rest, ""].join("\n");
}
