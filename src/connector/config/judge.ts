import { z } from "zod";
import type { Problem } from "../item.ts";
import type { Path, Source } from "./document.ts";
import { meant } from "../nearest.ts";

/** Judges a value by a schema: what it means, or undefined with the problems added. */
export type Judge = <T>(schema: z.ZodType<T>, value: unknown, path: Path) => T | undefined;

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a map of keys",
  record: "a map of keys",
  array: "a list",
};

/** The kind alone: a value in the wrong place may be one that nobody should see. */
function kindOf(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a map" : (KINDS[typeof value] ?? typeof value);
}

function knownKeys(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** Our words for what has none of its own; an unknown key carries the known ones along. */
const words: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === "unrecognized_keys") return knownKeys(issue.inst).join("\n");
  if (issue.code === "invalid_value") return `must be one of ${issue.values.map(String).join(", ")}`;
  if (issue.code === "too_small") return `must be at least ${issue.minimum}`;
  if (issue.code === "too_big") return `must be at most ${issue.maximum}`;
  if (issue.code !== "invalid_type") return undefined;
  const wanted = `must be ${KINDS[issue.expected] ?? issue.expected}`;
  return issue.input === undefined ? wanted : `${wanted}, not ${kindOf(issue.input)}`;
};

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inside, part) => (typeof inside === "object" && inside !== null ? Reflect.get(inside, part) : undefined),
    value,
  );
}

/** A judge that collects every problem, each at its place. */
export function createJudge(source: Source, problems: Problem[]): Judge {
  return (schema, value, path) => {
    const parsed = schema.safeParse(value, { error: words, reportInput: true });
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      const inside = issue.path.filter((part) => typeof part !== "symbol");
      problems.push(...problemsOf(source, issue, value, [...path, ...inside], inside));
    }
    return undefined;
  };
}

function problemsOf(
  source: Source,
  issue: z.core.$ZodIssue,
  value: unknown,
  path: Path,
  inside: Path,
): Problem[] {
  if (issue.code === "unrecognized_keys") {
    const known = issue.message.split("\n").filter((key) => key !== "");
    return issue.keys.map((key) => source.problem([...path, key], `is not known${meant(key, known)}`, "key"));
  }
  if (issue.code === "invalid_key") {
    const [first] = issue.issues;
    return [source.problem(path, first?.message ?? "is not a key that can stand here", "key")];
  }
  const absent = valueAt(value, inside) === undefined;
  return [source.problem(path, absent ? `is missing; it ${issue.message}` : issue.message)];
}
