import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  visit,
} from "yaml";
import { printable, printableLine } from "../../protocol/words.ts";
import type { Problem } from "../item.ts";
import { composeAll, TooDeep } from "./compose.ts";

/** The way to a value: keys and indexes from the root. */
export type Path = readonly (string | number)[];

/** More would be a file made to blow up, not one made by a person. */
const MOST_ALIASES = 100;

const TOO_MANY_ALIASES = `has more than ${MOST_ALIASES} aliases; write the values out`;

/** A parsed file that knows where each of its values stands. */
export interface Source {
  readonly value: unknown;
  /** A problem at the value of the path, at its key, or at the nearest thing around it that is there. */
  problem(path: Path, text: string, at?: "key" | "value"): Problem;
}

/** `integrations[2].config.port` */
export function pathText(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`;
      const plain = /^[\w-]+$/.test(part) ? part : JSON.stringify(printable(part, 80));
      return index === 0 ? plain : `.${plain}`;
    })
    .join("");
}

/** Something that is wrong at an offset of the text. */
interface Trouble {
  readonly offset: number;
  readonly text: string;
}

/** Reads YAML 1.2. Gives the problems where the text is none. */
export function parseSource(file: string, text: string): Source | Problem[] {
  const lines = new LineCounter();
  const at = (offset: number, path: Path, words: string): Problem => {
    const { line, col } = lines.linePos(offset);
    const place = { line: Math.max(1, line), column: Math.max(1, col), path: pathText(path) };
    return { file, ...place, text: printableLine(words) };
  };
  const told = (troubles: readonly Trouble[]): Problem[] =>
    troubles.map(({ offset, text }) => at(offset, [], text));
  const document = readDocument(text, lines);
  if (Array.isArray(document)) return told(document);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch {
    return told([{ offset: 0, text: TOO_MANY_ALIASES }]); // They multiply: nothing else is left to go wrong.
  }
  return {
    value,
    problem: (path, words, wanted = "value") => at(offsetOf(document, path, wanted), path, words),
  };
}

/** The library's message in one line, without its advice for programmers. */
function sentence(message: string): string {
  return printable(message.split("\n")[0] ?? "").replace(/[.:]$/, "");
}

/** The one document of a text, or what is wrong with it. */
function readDocument(text: string, lines: LineCounter): Document | Trouble[] {
  let documents: readonly Document[];
  try {
    documents = composeAll(text, lines);
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error;
    return [{ offset: error.offset, text: `${error.message}; write it flatter` }];
  }
  const [document, second] = documents;
  if (document === undefined) return [{ offset: 0, text: "holds no document; write the configuration" }];
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) {
    return broken.map(({ message, pos: [offset] }) => {
      return { offset, text: `is not valid YAML: ${sentence(message)}` };
    });
  }
  if (second !== undefined) {
    const offset = second.range?.[0] ?? 0;
    return [{ offset, text: "begins a second document; keep one document in the file" }];
  }
  const odd = referenceTrouble(document);
  return odd === undefined ? document : [odd];
}

/** The first reference that cannot be followed, or key that is no text. */
function referenceTrouble(document: Document): Trouble | undefined {
  let count = 0;
  let found: Trouble | undefined;
  const stop = (node: Node, text: string): symbol => {
    found = { offset: node.range?.[0] ?? 0, text };
    return visit.BREAK;
  };
  visit(document, {
    Alias: (_, alias, around) => {
      count += 1;
      const text = count > MOST_ALIASES ? TOO_MANY_ALIASES : aliasTrouble(document, alias, around);
      return text === undefined ? undefined : stop(alias, text);
    },
    Pair: (_, { key }) => {
      const meant = isAlias(key) ? key.resolve(document) : key;
      return isNode(key) && isCollection(meant)
        ? stop(key, "is a key that is a list or a map; write a text as the key")
        : undefined;
    },
  });
  return found;
}

function aliasTrouble(document: Document, alias: Alias, around: readonly unknown[]): string | undefined {
  const meant = alias.resolve(document);
  if (meant === undefined)
    return `no anchor &${alias.source} stands before *${alias.source}; write the value out`;
  return around.includes(meant)
    ? `*${alias.source} stands inside of what it means; write the value out`
    : undefined;
}

function offsetOf(document: Document, path: Path, wanted: "key" | "value"): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const [index, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    const last = index === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(part));
      if (pair === undefined) return offset;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      if (last && wanted === "key") return offset;
      node = isNode(pair.value) ? pair.value : null;
    } else if (isSeq(node) && typeof part === "number") {
      const item: unknown = node.items[part];
      node = isNode(item) ? item : null;
    } else return offset;
    offset = node?.range?.[0] ?? offset;
  }
  return offset;
}
