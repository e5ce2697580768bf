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

/** What people call one kind of environment, in the names of things. */
const ENVIRONMENTS: readonly (readonly string[])[] = [
  ["prod", "production", "prd", "live"],
  ["stage", "staging", "stg", "stag"],
  ["dev", "development", "devel"],
  ["test", "testing", "tst", "qa"],
];

/**
 * The known names that were most likely meant, nearest first, at most `most`: of other case, with other separators, of
 * an environment of another name or another environment, with a prefix or suffix more or less, a slip or two away.
 */
export function nearNames(name: string, known: readonly string[], most = 3): string[] {
  const ranked = [...new Set(known)]
    .filter((candidate) => candidate !== name)
    .map((candidate) => ({ candidate, rank: rankOf(name, candidate) }))
    .filter(({ rank }) => rank < Number.POSITIVE_INFINITY);
  return ranked
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** How far two names are from being the same: whole steps by kind, parts of one by letters. */
function rankOf(name: string, candidate: string): number {
  const [a, b] = [name.toLowerCase(), candidate.toLowerCase()];
  if (a === b) return 0;
  const away = distance(a, b);
  const within = away / (1 + Math.max(a.length, b.length));
  const [words, others] = [wordsOf(a), wordsOf(b)];
  if (words.join(" ") === others.join(" ")) return 1 + within;
  const [bare, otherBare] = [withoutEnvironment(words), withoutEnvironment(others)];
  if (bare !== "" && bare === otherBare) return 2 + within;
  if (away <= Math.max(1, Math.floor(Math.min(a.length, b.length) / 4))) return 3 + within;
  const parts = bare !== "" && otherBare !== "" && (holds(bare, otherBare) || holds(otherBare, bare));
  return parts ? 4 + within : Number.POSITIVE_INFINITY;
}

/** The words of a name; those for an environment as their first form. */
function wordsOf(name: string): string[] {
  const words = name.split(/[^a-z0-9]+/).filter((word) => word !== "");
  return words.map((word) => ENVIRONMENTS.find((forms) => forms.includes(word))?.[0] ?? word);
}

function withoutEnvironment(words: readonly string[]): string {
  return words.filter((word) => !ENVIRONMENTS.some(([first]) => first === word)).join(" ");
}

/** Whether the words of one name begin or end with those of the other. */
function holds(longer: string, shorter: string): boolean {
  return shorter.length >= 3 && (longer.endsWith(` ${shorter}`) || longer.startsWith(`${shorter} `));
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
