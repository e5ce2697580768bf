import type { BoundSecret } from "../check.ts";
import type { IntegrationType } from "../integrations/integration.ts";
import type { SecretStoreType, StorePlace } from "../secrets/secret-store.ts";
import { z } from "zod";
import type { Context, NamedStore, Stores } from "./context.ts";
import type { Path } from "./document.ts";
import { meant } from "./nearest.ts";
import { secretFrame, store as storeSchema } from "./schema.ts";

/** Words of the reference that name a store which a later version brings. */
const LATER = ["kubernetes", "aws", "gcp", "vault", "azure"];

export function judgeStores(
  { source, judge, problems }: Pick<Context, "source" | "judge" | "problems">,
  declared: readonly unknown[],
  kinds: readonly SecretStoreType[],
  place: StorePlace,
): Stores {
  const byName = new Map<string, NamedStore>();
  for (const type of kinds) byName.set(type.type, { type, store: type.open(place) });
  for (const [index, value] of declared.entries()) {
    const path: Path = ["secretStores", index];
    const frame = judge(storeSchema, value, path);
    if (frame === undefined) continue;
    const type = kinds.find((known) => known.type === frame.type);
    if (type === undefined) problems.push(source.problem([...path, "type"], unknownStore(frame.type, kinds)));
    else if (byName.has(frame.name) && frame.name !== frame.type) {
      problems.push(
        source.problem([...path, "name"], `"${frame.name}" is the name of another store already; rename it`),
      );
    } else byName.set(frame.name, { type, store: type.open(place) });
  }
  return { byName, digest: JSON.stringify(declared), place };
}

function unknownStore(word: string, kinds: readonly SecretStoreType[]): string {
  const known = kinds.map(({ type }) => type);
  if (LATER.includes(word)) {
    return `the secret store ${word} is not in this version of Mooring yet; it has ${known.join(" and ")}`;
  }
  return `"${word}" is not a kind of secret store${meant(word, known)}`;
}

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
    if (typeof name === "string") problems.push(source.problem([...path, "store"], undeclared(name, stores)));
    return "wrong";
  }
  const ref = judgeRef(context, named.type, rest, path);
  judgeFields(context, type, frame?.fields ?? {}, path);
  if (problems.length > before || frame === undefined || ref === undefined) return "wrong";
  return {
    store: frame.store,
    name: named.type.name(ref),
    facts: named.type.facts(ref, stores.place),
    mapping: frame.fields ?? {},
    read: (signal) => named.store.read(ref, signal),
  };
}

function judgeAbsence({ source, problems }: Context, type: IntegrationType, item: Path): undefined | "wrong" {
  if (type.secret?.required !== true) return undefined;
  const fields = type.secret.shapes.map((shape) => shape.join(" and ")).join(", or ");
  problems.push(
    source.problem([...item, "secret"], `is missing; the type ${type.type} needs a secret with ${fields}`),
  );
  return "wrong";
}

function undeclared(name: string, stores: Stores): string {
  const known = [...stores.byName.keys()];
  if (LATER.includes(name))
    return unknownStore(
      name,
      [...stores.byName.values()].map(({ type }) => type),
    );
  return `"${name}" is neither built in nor declared under secretStores${meant(name, known)}`;
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
