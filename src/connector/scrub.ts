/** In place of a value of a secret. */
export const WITHHELD = "(withheld)";

/** Shorter values are hidden only where they are a whole text: inside others they are too often chance. */
const LEAST_INSIDE = 4;

function formsOf(value: string): string[] {
  const escaped = JSON.stringify(value).slice(1, -1);
  return [
    value,
    escaped,
    encodeURIComponent(value.toWellFormed()),
    Buffer.from(value).toString("base64"),
    Buffer.from(value).toString("base64url"),
  ];
}

/**
 * Texts by their first characters. Fleets have thousands of values: one pattern of them all takes seconds to build and
 * ends in an error that repeats it.
 */
class Texts {
  /** How often each is held, by its beginning. */
  readonly #held = new Map<string, Map<string, number>>();

  add(text: string): void {
    const start = text.slice(0, LEAST_INSIDE);
    const alike = this.#held.get(start) ?? new Map<string, number>();
    alike.set(text, (alike.get(text) ?? 0) + 1);
    this.#held.set(start, alike);
  }

  remove(text: string): void {
    const start = text.slice(0, LEAST_INSIDE);
    const alike = this.#held.get(start);
    const left = (alike?.get(text) ?? 0) - 1;
    if (left > 0) alike?.set(text, left);
    else alike?.delete(text);
    if (alike?.size === 0) this.#held.delete(start);
  }

  has(text: string): boolean {
    return this.#held.get(text.slice(0, LEAST_INSIDE))?.has(text) === true;
  }

  /** The longest that stands there: a name is kept whole though it begins with a value, and the reverse. */
  longestAt(text: string, at: number): string | undefined {
    let longest: string | undefined;
    for (const one of this.#held.get(text.slice(at, at + LEAST_INSIDE))?.keys() ?? [])
      if (one.length > (longest?.length ?? 0) && text.startsWith(one, at)) longest = one;
    return longest;
  }
}

interface Owned {
  readonly now: readonly string[];
  readonly before: readonly string[];
}

/** The last net before a log: exact values are replaced wherever they stand. Everything else is by construction. */
export class Scrubber {
  readonly #owners = new Map<string, Owned>();
  #names: ReadonlySet<string> = new Set<string>();
  readonly #whole = new Texts();
  readonly #inside = new Texts();

  /** The values that `owner` holds now. Those it held before stay hidden until the next change after this. */
  learn(owner: string, values: readonly string[]): void {
    const now = [...new Set(values)].filter((value) => value !== "").toSorted();
    const known = this.#owners.get(owner);
    if (known !== undefined && sameTexts(known.now, now)) return;
    const next = { now, before: known?.now ?? [] };
    this.#hide(next);
    if (known !== undefined) this.#show(known);
    this.#owners.set(owner, next);
  }

  /** Forgets what others than these hold. */
  retain(owners: ReadonlySet<string>): void {
    for (const [owner, owned] of this.#owners) {
      if (owners.has(owner)) continue;
      this.#owners.delete(owner);
      this.#show(owned);
    }
  }

  /** Names from the configuration, which stay readable though a value may be a part of them. */
  keep(names: readonly string[]): void {
    for (const name of this.#names) this.#inside.remove(name);
    this.#names = new Set(names.filter((name) => name.length >= LEAST_INSIDE));
    for (const name of this.#names) this.#inside.add(name);
  }

  /** The text without any known value, whether plain, percent-encoded or in Base64. */
  text(text: string): string {
    if (text.length < LEAST_INSIDE) return this.#whole.has(text) ? WITHHELD : text;
    const parts: string[] = [];
    let from = 0;
    for (let at = 0; at <= text.length - LEAST_INSIDE;) {
      const found = this.#inside.longestAt(text, at);
      if (found === undefined) {
        at += 1;
        continue;
      }
      parts.push(text.slice(from, at), this.#names.has(found) ? found : WITHHELD);
      at += found.length;
      from = at;
    }
    return parts.length === 0 ? text : [...parts, text.slice(from)].join("");
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

  #hide({ now, before }: Owned): void {
    for (const value of [...now, ...before])
      if (value.length < LEAST_INSIDE) this.#whole.add(value);
      else for (const form of formsOf(value)) this.#inside.add(form);
  }

  #show({ now, before }: Owned): void {
    for (const value of [...now, ...before])
      if (value.length < LEAST_INSIDE) this.#whole.remove(value);
      else for (const form of formsOf(value)) this.#inside.remove(form);
  }
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}
