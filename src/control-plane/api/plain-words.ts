import type { z } from "zod";

type Issue = Parameters<z.core.$ZodErrorMap>[0];

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
};

/** What a schema without words of its own says of a value, in plain words. `undefined`: nothing better is known. */
export function plainWords(issue: Issue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return "is missing";
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case "too_small":
      return `must ${sized(issue.origin, issue.minimum, "at least")}`;
    case "too_big":
      return `must ${sized(issue.origin, issue.maximum, "at most")}`;
    case "unrecognized_keys":
      return `there is no member ${issue.keys.map((key) => JSON.stringify(key)).join(", ")}`;
    case "invalid_value":
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "invalid_format":
      return issue.format === "datetime"
        ? "must be a time such as 2026-01-31T12:00:00Z"
        : "is not well formed";
    case "not_multiple_of":
    case "invalid_union":
    case "invalid_key":
    case "invalid_element":
    case "custom":
      return undefined;
  }
}

function sized(origin: string, bound: number | bigint, words: "at least" | "at most"): string {
  const many = bound === 1 || bound === 1n ? "" : "s";
  if (origin === "string") return `have ${words} ${bound} character${many}`;
  if (origin === "array") return `have ${words} ${bound} ${many === "" ? "entry" : "entries"}`;
  return `be ${words} ${bound}`;
}
