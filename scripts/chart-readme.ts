import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from "yaml";

/** One value of a chart. */
export interface ChartValue {
  /** Its path, with dots. */
  readonly key: string;
  readonly value: unknown;
  /** What its `# --` comment says; empty where there is none. */
  readonly says: string;
}

/** The values of a chart in the file's order. A map with a `# --` comment is one value, any other is walked into. */
export function chartValues(text: string): ChartValue[] {
  const { contents } = parseDocument(text);
  return isMap(contents) ? inside(contents, "") : [];
}

/** A chart's README: what is written by hand up to "## Values", then the table of its values. */
export function chartReadme(readme: string, values: string): string {
  const marker = "## Values\n";
  const end = readme.indexOf(marker);
  if (end === -1) throw new Error(`a chart's README has no line ${marker.trim()}`);
  const rows = chartValues(values).map(
    ({ key, value, says }) =>
      `| \`${key}\` | \`${JSON.stringify(value)}\` | ${says.replaceAll("|", "\\|")} |`,
  );
  const head = readme.slice(0, end + marker.length);
  const table = ["| value | default | what |", "|---|---|---|", ...rows, ""].join("\n");
  return `${head}\nPrinted from the comments of values.yaml: \`node scripts/chart-print.ts\`.\n\n${table}`;
}

function inside(map: YAMLMap, prefix: string): ChartValue[] {
  return map.items.flatMap((pair, index) => one(map, pair, index, prefix));
}

function one(map: YAMLMap, { key: node, value }: Pair, index: number, prefix: string): ChartValue[] {
  if (!isScalar(node)) throw new Error(`${prefix} has a key that is no word`);
  const key = `${prefix}${String(node.value)}`;
  // The parser hangs the comment above a map's first key on the map.
  const says = sayingOf((index === 0 ? map.commentBefore : undefined) ?? node.commentBefore ?? "");
  if (says === "" && isMap(value) && value.items.length > 0) return inside(value, `${key}.`);
  return [{ key, value: isScalar(value) ? value.value : (value as YAMLMap).toJSON(), says }];
}

/** The text after the last `--`, joined over its lines. */
function sayingOf(comment: string): string {
  const lines = comment.split("\n").map((line) => line.trim());
  const start = lines.findLastIndex((line) => line.startsWith("--"));
  if (start === -1) return "";
  return lines
    .slice(start)
    .join(" ")
    .replace(/^--\s*/, "");
}
