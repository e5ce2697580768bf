import { z } from "zod";
import type { IntegrationType } from "../integrations/integration.ts";
import type { SecretStoreType } from "../secrets/secret-store.ts";
import { BARRED, LOCAL_STORES } from "./foreign.ts";
import { itemFrame, policy, secretFrame, storeFrame } from "./schema.ts";
import { configOf } from "./stores.ts";

/** The configuration file as JSON Schema (draft 2020-12), for editors: one branch for each type and each store. */
export function configurationSchema(
  types: readonly IntegrationType[],
  stores: readonly SecretStoreType[],
): Record<string, unknown> {
  const integrations = types.map((type) => itemSchema(type, stores));
  const file = z.strictObject({
    secretStores: z
      .array(z.union(stores.map(storeSchema)))
      .optional()
      .describe("only what differs from the built-in stores"),
    integrations: z.array(z.union(integrations)).describe("what is checked"),
    policy: policy.optional().describe("what others than this file may make the connector do"),
  });
  const schema = z.toJSONSchema(file, { io: "input", unrepresentable: "any", target: "draft-2020-12" });
  return { ...schema, title: "Mooring configuration" };
}

/** An Integration resource as JSON Schema, for editors and for tools that judge manifests without a cluster. */
export function resourceSchema(
  types: readonly IntegrationType[],
  stores: readonly SecretStoreType[],
): Record<string, unknown> {
  const far = stores.filter(({ type }) => !LOCAL_STORES.includes(type));
  const specs = types.map((type) => itemSchema(type, far).omit({ name: true }));
  const resource = z.strictObject({
    apiVersion: z.literal("mooring.dev/v1alpha1"),
    kind: z.literal("Integration"),
    metadata: z.looseObject({}).optional(),
    spec: z.union(specs).describe("what is checked"),
    status: z.looseObject({}).optional().describe("written by the connector"),
  });
  const schema = z.toJSONSchema(resource, { io: "input", unrepresentable: "any", target: "draft-2020-12" });
  const spec = schema.properties?.["spec"] as { anyOf: { properties: { config: object } }[] };
  for (const { properties } of spec.anyOf) for (const { path } of BARRED) remove(properties.config, path);
  return { ...schema, title: "Mooring Integration" };
}

/** The schema without a member. */
function remove(schema: object, [key = "", ...rest]: readonly string[]): void {
  const { properties = {} } = schema as { properties?: Record<string, object> };
  const inside = properties[key];
  if (rest.length === 0) delete properties[key];
  else if (inside !== undefined) remove(inside, rest);
}

function itemSchema(type: IntegrationType, stores: readonly SecretStoreType[]): z.ZodObject {
  const secret = secretSchema(stores).describe("where the secret is; never its value");
  const need = type.secret === undefined ? {} : { secret: type.secret.required ? secret : secret.optional() };
  const frame = { ...itemFrame, type: z.literal(type.type).describe(type.summary) };
  return z.strictObject({ ...frame, config: type.config.describe("what the type needs"), ...need });
}

function storeSchema(type: SecretStoreType): z.ZodType {
  const frame = { ...storeFrame, type: z.literal(type.type).describe(type.summary) };
  return z.strictObject({ ...frame, config: configOf(type).optional().describe("what the kind needs") });
}

function secretSchema(stores: readonly SecretStoreType[]): z.ZodType {
  const refs = stores
    .filter(({ builtIn }) => builtIn)
    .map(({ type, ref }) => {
      const members = ref instanceof z.ZodObject ? ref.shape : {};
      return z.strictObject({ ...secretFrame, store: z.literal(type), ...members });
    });
  const builtIn = stores.filter((store) => store.builtIn).map(({ type }) => type);
  const store = secretFrame.store.meta({ ...secretFrame.store.meta(), not: { enum: builtIn } });
  const declared = z
    .looseObject({ ...secretFrame, store })
    .describe("a store that is declared under secretStores");
  return z.union([...refs, declared]);
}
