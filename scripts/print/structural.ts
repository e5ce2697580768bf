/** JSON Schema as a CRD takes it: structural, bounded, every choice between kinds told by rules in CEL. */

export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
}

/** The schema that each kind has for the same place. */
export type Forms = readonly (readonly [kind: string, schema: Schema])[];

const MOST_TEXT = 4096;
const MOST_MEMBERS = 64;

/**
 * One schema that takes what any of the kinds takes. Patterns are left out: the connector's own words for what is
 * wrong with a value are better.
 */
export function united(forms: Forms): Record<string, unknown> {
  const [types, description] = [[...new Set(forms.map(([, { type }]) => type))], described(forms)];
  const about = description === undefined ? {} : { description };
  if (isNumberOrText(forms)) return { ...about, "x-kubernetes-int-or-string": true };
  const [type] = types;
  if (types.length !== 1 || type === undefined)
    return { ...about, "x-kubernetes-preserve-unknown-fields": true };
  return { type, ...about, ...unitedMembers(type, forms) };
}

function unitedMembers(type: string, forms: Forms): Record<string, unknown> {
  const schemas = forms.map(([, schema]) => schema);
  switch (type) {
    case "object": {
      if (schemas.some(({ properties }) => properties === undefined)) {
        const values = formsOf(forms, ({ additionalProperties: inside }) =>
          typeof inside === "object" ? inside : undefined,
        );
        return { maxProperties: MOST_MEMBERS, additionalProperties: united(values) };
      }
      const names = [
        ...new Set(schemas.flatMap(({ properties = {} }) => Object.keys(properties))),
      ].toSorted();
      const entries = names.map((name) => [name, united(formsOf(forms, (one) => one.properties?.[name]))]);
      return { properties: Object.fromEntries(entries) as unknown };
    }
    case "array":
      return {
        ...least(schemas, "minItems"),
        maxItems: MOST_MEMBERS,
        items: united(formsOf(forms, ({ items }) => items)),
      };
    case "string": {
      const words = schemas.flatMap((schema) => schema.enum ?? []);
      if (schemas.every((schema) => schema.enum !== undefined)) return { enum: [...new Set(words)] };
      return { ...least(schemas, "minLength"), maxLength: MOST_TEXT };
    }
    case "integer":
    case "number":
      return { ...least(schemas, "minimum"), ...most(schemas) };
    default:
      return {};
  }
}

function formsOf(forms: Forms, inside: (schema: Schema) => Schema | undefined): Forms {
  return forms.flatMap(([kind, schema]) => {
    const found = inside(schema);
    return found === undefined ? [] : [[kind, found] as const];
  });
}

function isNumberOrText(forms: Forms): boolean {
  const types = new Set(
    forms.flatMap(([, { type, anyOf = [] }]) => (type === undefined ? anyOf.map((one) => one.type) : [type])),
  );
  return types.size === 2 && types.has("string") && types.has("integer");
}

/** Says for which kinds it holds, where kinds differ. */
function described(forms: Forms): string | undefined {
  const byWords = new Map<string, string[]>();
  for (const [kind, { description }] of forms) {
    if (description !== undefined) byWords.set(description, [...(byWords.get(description) ?? []), kind]);
  }
  const [first] = byWords.keys();
  if (byWords.size < 2) return first;
  return [...byWords].map(([text, kinds]) => `${kinds.join(", ")}: ${text}`).join("; ");
}

/** The lowest bound, where all have one. */
function least(
  schemas: readonly Schema[],
  key: "minimum" | "minLength" | "minItems",
): Record<string, number> {
  const bounds = schemas.map((schema) => schema[key]);
  return bounds.every((bound) => bound !== undefined) ? { [key]: Math.min(...bounds) } : {};
}

function most(schemas: readonly Schema[]): Record<string, number> {
  const bounds = schemas.map(({ maximum }) => maximum);
  return bounds.every((bound) => bound !== undefined) ? { maximum: Math.max(...bounds) } : {};
}

/** All places of a schema, as paths: `tls` and `tls.mode`. */
export function placesOf({ properties = {} }: Schema, before: readonly string[] = []): string[][] {
  return Object.entries(properties).flatMap(([name, inside]) => {
    const path = [...before, name];
    return [path, ...placesOf(inside, path)];
  });
}

/** CEL that is true where the place is there: `has(self.a) && has(self.a.b)`. */
export function has(root: string, path: readonly string[]): string {
  const steps = path.map((_, index) => `has(${[root, ...path.slice(0, index + 1).map(celName)].join(".")})`);
  return steps.join(" && ");
}

/** Words of the language itself: https://kubernetes.io/docs/reference/using-api/cel/#escaping */
const CEL_WORDS =
  "true false null in as break const continue else for function if import let loop package namespace return";

function celName(name: string): string {
  if (CEL_WORDS.split(" ").includes(name)) return `__${name}__`;
  return name.replaceAll("__", "__underscores__").replaceAll("-", "__dash__").replaceAll(".", "__dot__");
}

/** CEL for the milliseconds of a duration such as `10s`. */
export function milliseconds(place: string): string {
  const units = { ms: "", s: " * 1000", m: " * 60000", h: " * 3600000", d: " * 86400000" };
  const branches = Object.entries(units).map(([unit, factor]) => {
    const value = `int(${place}.replace('${unit}', ''))${factor}`;
    return unit === "d" ? value : `${place}.endsWith('${unit}') ? ${value}`;
  });
  return `(${branches.join(" : ")})`;
}
