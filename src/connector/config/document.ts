import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import type { Problem } from "../item.ts";
import { printable } from "../../protocol/words.ts";

/** The way to a value: keys and indexes from the root. */
export type Path = readonly (string | number)[];

/** More would be a file made to blow up, not one made by a person. */
const MOST_ALIASES = 100;

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

/** Reads YAML 1.2. Gives the problems where the text is none. */
export function parseSource(file: string, text: string): Source | Problem[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { version: "1.2", lineCounter: lines, prettyErrors: false });
  const at = (offset: number, path: Path, words: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col), path: pathText(path), text: words };
  };
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0)
    return broken.map((error) => at(error.pos[0], [], `is not valid YAML: ${sentence(error.message)}`));
  const bomb = aliasTrouble(document);
  if (bomb !== undefined)
    return [at(bomb, [], `has more than ${MOST_ALIASES} aliases; write the values out`)];
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch {
    return [at(0, [], `has more than ${MOST_ALIASES} aliases; write the values out`)];
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

/** Where the first alias too many stands. */
function aliasTrouble(document: Document): number | undefined {
  let count = 0;
  let offset: number | undefined;
  visit(document, {
    Alias: (_, alias) => {
      count += 1;
      if (count > MOST_ALIASES) offset ??= alias.range?.[0] ?? 0;
    },
  });
  return offset;
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
