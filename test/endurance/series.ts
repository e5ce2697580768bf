/** The sum of a metric's series in one text of /metrics, or in several; `labels` is a part that its labels must have. */
export function sumOf(texts: readonly string[], metric: string, labels = ""): number {
  let sum = 0;
  for (const line of texts.flatMap((text) => text.split("\n"))) {
    const [, name = "", given = "", value = ""] = /^(\w+)(\{.*\})? (\S+)$/.exec(line) ?? [];
    if (name === metric && given.includes(labels)) sum += Number(value);
  }
  return sum;
}
