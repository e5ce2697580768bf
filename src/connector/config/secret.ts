import { createHash } from "node:crypto";
import { z } from "zod";
import type { BoundSecret } from "../check.ts";
import type { IntegrationType } from "../integrations/integration.ts";
import { meant } from "../nearest.ts";
import type { SecretStoreType, StorePlace } from "../secrets/secret-store.ts";
import type { Context, NamedStore } from "./context.ts";
import type { Path } from "./document.ts";
import { secretFrame } from "./schema.ts";

/** The secret of an item: undefined where it has none, "wrong" where its problems were told. */
export function judgeSecret(
  context: Context,
  type: IntegrationType,
  value: unknown,
  item: Path,
): BoundSecret | undefined | "wrong" {
  const { source, problems, stores } = context;
  const path = [...item, "secret"];
  if (value === undefined || value === null) return judgeAbsence(context, type, item);
  if (type.secret === undefined) {
    problems.push(source.problem(path, `the type ${type.type} takes no secret; leave it out`, "key"));
    return "wrong";
  }
  if (typeof value !== "object" || Array.isArray(value)) return "wrong"; // Told by the item's frame.
  const { store: name, fields, ...rest } = value as Record<string, unknown>;
  const before = problems.length;
  const frame = context.judge(z.object(secretFrame), { store: name, fields }, path);
  const named = typeof name === "string" ? stores.byName.get(name) : undefined;
  if (named === undefined) {
    if (typeof name === "string" && !stores.broken)
      problems.push(source.problem([...path, "store"], undeclared(name, context)));
    return "wrong";
  }
  const ref = judgeRef(context, named.type, rest, path);
  judgeFields(context, type, frame?.fields ?? {}, path);
  if (problems.length > before || frame === undefined || ref === undefined) return "wrong";
  return bind(frame.store, named, { ref, mapping: frame.fields ?? {} }, stores.place);
}

function bind(
  store: string,
  named: NamedStore,
  { ref, mapping }: { readonly ref: unknown; readonly mapping: Readonly<Record<string, string>> },
  place: StorePlace,
): BoundSecret {
  const { type, settings, rereadMs, ages } = named;
  return {
    id: idOf(store, ref),
    store,
    name: type.name(ref, place),
    facts: { storeType: type.type, ...type.facts(ref, place, settings) },
    mapping,
    rereadMs,
    ages,
    read: (signal) => named.store.read(ref, signal),
  };
}

/** The same for all integrations that name the same secret in the same way. */
function idOf(store: string, ref: unknown): string {
  const members = Object.entries(ref as Record<string, unknown>).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const digest = createHash("sha256")
    .update(JSON.stringify([store, members]))
    .digest("hex");
  // The ids of all secrets are told in one event: the store is in the digest, its name is for people.
  return `${store.slice(0, 20).replace(/-+$/, "")}-${digest.slice(0, 12)}`;
}

function judgeAbsence({ source, problems }: Context, type: IntegrationType, item: Path): undefined | "wrong" {
  if (type.secret?.required !== true) return undefined;
  const fields = type.secret.shapes.map((shape) => shape.join(" and ")).join(", or ");
  problems.push(
    source.problem([...item, "secret"], `is missing; the type ${type.type} needs a secret with ${fields}`),
  );
  return "wrong";
}

function undeclared(name: string, { stores, kinds }: Context): string {
  const kind = kinds.stores.find(({ type }) => type === name);
  if (kind !== undefined) return `"${name}" is not built in; declare it under secretStores`;
  return `"${name}" is neither built in nor declared under secretStores${meant(name, [...stores.byName.keys()])}`;
}

function judgeRef(
  context: Context,
  type: SecretStoreType,
  rest: Record<string, unknown>,
  path: Path,
): unknown {
  // store and fields stand beside the store's own members: an unknown one may be a slip of either.
  const members = type.ref instanceof z.ZodObject ? Object.keys(type.ref.shape) : [];
  const known = [...members, "store", "fields"];
  const own = Object.fromEntries(Object.entries(rest).filter(([key]) => members.includes(key)));
  for (const key of Object.keys(rest).filter((key) => !members.includes(key))) {
    context.problems.push(context.source.problem([...path, key], `is not known${meant(key, known)}`, "key"));
  }
  return context.judge(type.ref, own, path);
}

function judgeFields(
  context: Context,
  type: IntegrationType,
  fields: Readonly<Record<string, string>>,
  path: Path,
): void {
  const known = [...new Set(type.secret?.shapes.flat())];
  for (const field of Object.keys(fields).filter((field) => !known.includes(field))) {
    const text = `the type ${type.type} has no field "${field}"${meant(field, known)}`;
    context.problems.push(context.source.problem([...path, "fields", field], text, "key"));
  }
}
