/** How many single letters must be added, dropped, changed or swapped to come from one word to the other. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + same,
        swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The known word that was most likely meant: the beginning of it, or a slip or two away; undefined where none is. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const small = word.toLowerCase();
  const most = Math.max(1, Math.floor(word.length / 3));
  const [best] = known
    .map((candidate) => ({ candidate, away: distance(small, candidate.toLowerCase()) }))
    .filter(
      ({ candidate, away }) => away <= most || (small.length >= 3 && related(small, candidate.toLowerCase())),
    )
    .toSorted((a, b) => a.away - b.away);
  return best?.candidate;
}

function related(word: string, candidate: string): boolean {
  return candidate.startsWith(word) || (candidate.length >= 3 && word.startsWith(candidate));
}

/** So many known words are listed; more are counted. */
const MOST_LISTED = 10;

/** `; did you mean "port"?`, or which words there are. */
export function meant(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  if (near !== undefined) return `; did you mean "${near}"?`;
  if (known.length === 0) return "; leave it out";
  const more = known.length - MOST_LISTED;
  return `; known here: ${known.slice(0, MOST_LISTED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
