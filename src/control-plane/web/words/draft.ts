import { STORE_FIELDS, TYPE_FORMS, type FieldOf } from "./draft-forms.ts";

/** What was typed, by path; `secret.store` is "" where no secret is used. */
export type Draft = Readonly<Record<string, string>>;

type Tree = { [key: string]: string | number | Tree };

function put(tree: Tree, path: string, value: string | number): void {
  const keys = path.split(".");
  const last = keys.pop();
  if (last === undefined) return;
  let at = tree;
  for (const key of keys) {
    const next = at[key];
    if (typeof next === "object") at = next;
    else at = at[key] = {};
  }
  at[last] = value;
}

/** The fields that the draft shows now. */
export function fieldsOf(draft: Draft): readonly FieldOf[] {
  const form = TYPE_FORMS[draft["type"] ?? ""];
  const store = form === undefined || form.secret.length === 0 ? "" : (draft["secret.store"] ?? "");
  return [...(form?.fields ?? []), ...(STORE_FIELDS[store] ?? [])];
}

/** The draft as an item of the configuration file. What was left empty is left out. */
export function itemOf(draft: Draft): Tree {
  const item: Tree = {};
  put(item, "name", draft["name"] ?? "");
  put(item, "type", draft["type"] ?? "");
  const store = draft["secret.store"] ?? "";
  const form = TYPE_FORMS[draft["type"] ?? ""];
  const usesSecret = store !== "" && form !== undefined && form.secret.length > 0;
  const fields = fieldsOf(draft);
  for (const field of fields) {
    const text = (draft[field.path] ?? "").trim();
    const value = text === "" ? field.fallback : text;
    if (field === fields.find((one) => one.path.startsWith("secret.")) && usesSecret)
      put(item, "secret.store", store);
    if (value === undefined || value === "") continue;
    put(item, field.path, field.number === true && /^\d+$/.test(value) ? Number(value) : value);
  }
  if (!usesSecret) return item;
  for (const name of form.secret) {
    const key = (draft[`secret.fields.${name}`] ?? "").trim();
    if (key !== "" && key !== name) put(item, `secret.fields.${name}`, key);
  }
  return item;
}

function scalar(value: string | number): string {
  if (typeof value === "number") return String(value);
  const plain =
    /^[A-Za-z/][\w./@-]*(:\/\/[\w./@:-]+)?$/.test(value) &&
    !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value);
  return plain ? value : JSON.stringify(value);
}

/** The item as YAML, to put under `integrations`. */
export function yamlOf(tree: Tree, indent = 0): string {
  const pad = "  ".repeat(indent);
  return Object.entries(tree)
    .map(([key, value], index) => {
      const lead = indent === 1 && index === 0 ? "- " : pad;
      if (typeof value !== "object") return `${lead}${key}: ${scalar(value)}`;
      const leaves = Object.entries(value);
      if (indent > 1 && leaves.every(([, leaf]) => typeof leaf !== "object"))
        return `${lead}${key}: {${leaves.map(([name, leaf]) => `${name}: ${scalar(leaf as string | number)}`).join(", ")}}`;
      return `${lead}${key}:\n${yamlOf(value, indent + 1)}`;
    })
    .join("\n");
}

/** What must be typed before a test makes sense, by path. */
export function missingIn(draft: Draft): ReadonlyMap<string, string> {
  const wrong = new Map<string, string>();
  const name = draft["name"] ?? "";
  if (name === "") wrong.set("name", "The integration needs a name.");
  else if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name))
    wrong.set("name", "The integration's name: lower-case letters, digits and hyphens, no hyphen at an end.");
  for (const field of fieldsOf(draft)) {
    const text = (draft[field.path] ?? "").trim();
    const needed = /^(config\.(host|url|database|port)|secret\.(name|namespace|id|path|vault))$/.test(
      field.path,
    );
    if (needed && text === "" && field.fallback === undefined)
      wrong.set(
        field.path,
        `${field.path.startsWith("secret.") ? `The secret's ${field.name.toLowerCase()}` : field.name} is needed.`,
      );
    if (
      field.number === true &&
      text !== "" &&
      !(/^\d+$/.test(text) && Number(text) > 0 && Number(text) < 65_536)
    )
      wrong.set(field.path, "A port is a number from 1 to 65535.");
  }
  const form = TYPE_FORMS[draft["type"] ?? ""];
  if (
    form !== undefined &&
    form.secret.length > 0 &&
    form.optional !== true &&
    (draft["secret.store"] ?? "") === ""
  )
    wrong.set("secret.store", "This type needs a secret.");
  return wrong;
}
