import { z } from "zod";
import type { IntegrationType } from "../integrations/integration.ts";
import type { SecretStoreType } from "../secrets/secret-store.ts";
import { itemFrame, policy, secretFrame, store } from "./schema.ts";

/** The configuration file as JSON Schema (draft 2020-12), for editors: one branch for each type and each store. */
export function configurationSchema(
  types: readonly IntegrationType[],
  stores: readonly SecretStoreType[],
): Record<string, unknown> {
  const integrations = types.map((type) => itemSchema(type, stores));
  const file = z.strictObject({
    secretStores: z.array(store).optional().describe("only what differs from the built-in stores"),
    integrations: z.array(z.union(integrations)).describe("what is checked"),
    policy: policy.optional().describe("what others than this file may make the connector do"),
  });
  const schema = z.toJSONSchema(file, { io: "input", unrepresentable: "any", target: "draft-2020-12" });
  return { ...schema, title: "Mooring configuration" };
}

function itemSchema(type: IntegrationType, stores: readonly SecretStoreType[]): z.ZodType {
  const secret = secretSchema(stores).describe("where the secret is; never its value");
  const need = type.secret === undefined ? {} : { secret: type.secret.required ? secret : secret.optional() };
  const frame = { ...itemFrame, type: z.literal(type.type).describe(type.summary) };
  return z.strictObject({ ...frame, config: type.config.describe("what the type needs"), ...need });
}

function secretSchema(stores: readonly SecretStoreType[]): z.ZodType {
  const refs = stores.map(({ type, ref }) => {
    const members = ref instanceof z.ZodObject ? ref.shape : {};
    return z.strictObject({ ...secretFrame, store: z.literal(type), ...members });
  });
  const builtIn = stores.map(({ type }) => type);
  const store = secretFrame.store.meta({ ...secretFrame.store.meta(), not: { enum: builtIn } });
  const declared = z
    .looseObject({ ...secretFrame, store })
    .describe("a store that is declared under secretStores");
  return z.union([...refs, declared]);
}
