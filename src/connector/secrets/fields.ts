import { Failure } from "../failure.ts";
import { jsonMistake } from "./fields/json-mistake.ts";
import type { Secret } from "./secret-store.ts";

/** Other names that people give to a field; only these are ever repeated from a secret. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  username: ["user", "login", "name", "usr", "role", "uid"],
  password: ["pass", "pwd", "passwd", "secret"],
  token: ["access_token", "accesstoken", "api_token", "api_key", "apikey", "bearer", "key", "pat"],
};

/** What is read from a secret, and where its names differ from ours. */
export interface FieldWish {
  readonly shapes: readonly (readonly string[])[];
  /** Our field ← the key in the secret. */
  readonly mapping: Readonly<Record<string, string>>;
}

type Data = Readonly<Record<string, unknown>>;

function exampleOf(shape: readonly string[], mapping: FieldWish["mapping"]): string {
  return `{${shape.map((field) => `"${mapping[field] ?? field}": "…"`).join(", ")}}`;
}

function unparsable(wish: FieldWish, trouble: string, cause?: unknown): Failure {
  const single = wish.shapes.some((shape) => shape.length === 1);
  const example = exampleOf(wish.shapes.at(-1) ?? [], wish.mapping);
  const form = single ? "a JSON object or plain text" : "a JSON object";
  return new Failure("secret", "secret_unparsable", { form, trouble, example }, cause);
}

function jsonKind(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}

/** A JSON object, or plain text where some shape takes one field. */
function dataOf(secret: Secret, wish: FieldWish): Data {
  if (secret.fields !== undefined) return secret.fields;
  const text = (secret.text ?? "").trim();
  if (text === "") throw new Failure("secret", "secret_field_empty");
  const single = wish.shapes.find((shape) => shape.length === 1)?.[0];
  const plain = single === undefined ? undefined : { [wish.mapping[single] ?? single]: text };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message repeats what it read: it is not kept.
    if (plain !== undefined && !text.startsWith("{")) return plain;
    const { line, column } = jsonMistake(secret.text ?? "") ?? { line: 1, column: 1 };
    throw unparsable(wish, `it is not valid JSON from line ${line}, column ${column} on`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  if (plain !== undefined) return plain;
  throw unparsable(wish, `it is ${jsonKind(value)}`);
}

function nearOf(data: Data, field: string): string | undefined {
  const names = new Set([field, ...(ALIASES[field] ?? [])]);
  return Object.keys(data).find((key) => names.has(key.toLowerCase()));
}

/** The shape that is there whole, else the one of which most is there. */
function shapeOf(data: Data, wish: FieldWish): readonly string[] {
  const present = (shape: readonly string[]): number =>
    shape.filter((field) => Object.hasOwn(data, wish.mapping[field] ?? field)).length;
  const whole = wish.shapes.find((shape) => present(shape) === shape.length);
  return whole ?? wish.shapes.toSorted((a, b) => present(b) - present(a))[0] ?? [];
}

/** The fields that an integration needs. Throws Failure("secret", …) that names the field, never its value. */
export function fieldsOf(secret: Secret, wish: FieldWish): Record<string, string> {
  const data = dataOf(secret, wish);
  const fields: Record<string, string> = {};
  const shape = shapeOf(data, wish);
  const missing = shape.find((field) => !Object.hasOwn(data, wish.mapping[field] ?? field));
  if (missing !== undefined) {
    const evidence = { field: missing, key: wish.mapping[missing] ?? missing };
    throw new Failure("secret", "secret_field_missing", { ...evidence, near: nearOf(data, missing) ?? "" });
  }
  for (const field of shape) {
    const key = wish.mapping[field] ?? field;
    const value = data[key];
    const example = exampleOf(shape, wish.mapping);
    if (typeof value !== "string") throw new Failure("secret", "secret_unparsable", { field, key, example });
    if (value.trim() === "") throw new Failure("secret", "secret_field_empty", { field, key });
    fields[field] = value;
  }
  return fields;
}

/** Every text in a secret that must not be shown, whether a field of ours or not. */
export function valuesOf(secret: Secret): string[] {
  const texts = new Set<string>();
  // Not by recursion: whoever writes a secret decides how deep it is.
  const left: unknown[] = [jsonOf(secret.text ?? ""), secret.fields, secret.text];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === "string") texts.add(value).add(value.trim());
    else if (typeof value === "number") texts.add(String(value));
    else if (typeof value === "object" && value !== null)
      for (const one of Object.values(value)) left.push(one);
  }
  texts.delete("");
  return [...texts];
}

/** Undefined for what is no JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
