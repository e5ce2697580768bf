/** In place of a value of a secret. */
export const WITHHELD = "(withheld)";

/** Shorter values are hidden only where they are a whole text: inside others they are too often chance. */
const LEAST_INSIDE = 4;

function formsOf(value: string): string[] {
  const escaped = JSON.stringify(value).slice(1, -1);
  return [
    value,
    escaped,
    encodeURIComponent(value),
    Buffer.from(value).toString("base64"),
    Buffer.from(value).toString("base64url"),
  ];
}

function pattern(texts: Iterable<string>): string {
  return [...new Set(texts)]
    .toSorted((a, b) => b.length - a.length)
    .map((text) => text.replaceAll(/[$()*+./?[\\\]^{|}-]/g, String.raw`\$&`))
    .join("|");
}

/** The last net before a log: exact values are replaced wherever they stand. Everything else is by construction. */
export class Scrubber {
  readonly #owners = new Map<string, { now: readonly string[]; before: readonly string[] }>();
  #names: ReadonlySet<string> = new Set<string>();
  #short: ReadonlySet<string> = new Set<string>();
  #finder: RegExp | undefined;

  /** The values that `owner` holds now. Those it held before stay hidden until the next change after this. */
  learn(owner: string, values: readonly string[]): void {
    const now = [...new Set(values)].filter((value) => value !== "").toSorted();
    const known = this.#owners.get(owner)?.now ?? [];
    if (now.length === known.length && now.every((value, index) => value === known[index])) return;
    this.#owners.set(owner, { now, before: known });
    this.#rebuild();
  }

  /** Forgets what others than these hold. */
  retain(owners: ReadonlySet<string>): void {
    for (const owner of this.#owners.keys()) if (!owners.has(owner)) this.#owners.delete(owner);
    this.#rebuild();
  }

  /** Names from the configuration, which stay readable though a value may be a part of them. */
  keep(names: readonly string[]): void {
    this.#names = new Set(names.filter((name) => name.length >= LEAST_INSIDE));
    this.#rebuild();
  }

  /** The text without any known value, whether plain, percent-encoded or in Base64. */
  text(text: string): string {
    if (this.#short.has(text)) return WITHHELD;
    if (this.#finder === undefined) return text;
    return text.replaceAll(this.#finder, (found) => (this.#names.has(found) ? found : WITHHELD));
  }

  /** The same for every text inside a JSON value, keys included. */
  json(value: unknown): unknown {
    if (typeof value === "string") return this.text(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((inner) => this.json(inner));
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [this.text(key), this.json(inner)]),
    );
  }

  #rebuild(): void {
    const values = [...this.#owners.values()].flatMap(({ now, before }) => [...now, ...before]);
    this.#short = new Set(values.filter((value) => value.length < LEAST_INSIDE));
    const long = values.filter((value) => value.length >= LEAST_INSIDE).flatMap(formsOf);
    // The longest comes first: a name is kept whole though it begins with a value, and the reverse.
    this.#finder = long.length === 0 ? undefined : new RegExp(pattern([...this.#names, ...long]), "g");
  }
}
