import { configurationSchema, resourceSchema } from "../../src/connector/config/json-schema.ts";
import { INTEGRATION_TYPES } from "../../src/connector/integrations/index.ts";
import { SECRET_STORES } from "../../src/connector/secrets/index.ts";
import { cliPage } from "./cli.ts";
import { configurationPage } from "./configuration.ts";
import { crdText } from "./crd.ts";
import { metricsPage } from "./metrics.ts";
import { reasonsPage } from "./reasons.ts";
import { openApiText, restPage } from "./rest.ts";
import { protocolSchemas } from "../../src/protocol/json-schema.ts";

/** Every file that is printed from the code, by its path from the root. */
export async function printedPages(): Promise<Readonly<Record<string, string>>> {
  const schema = configurationSchema(INTEGRATION_TYPES, SECRET_STORES);
  const resource = resourceSchema(INTEGRATION_TYPES, SECRET_STORES);
  return {
    "docs/reasons.md": reasonsPage(),
    "docs/configuration.md": configurationPage(),
    "docs/cli.md": cliPage(),
    "docs/rest.md": restPage(),
    "docs/metrics.md": await metricsPage(),
    "schema/openapi.json": openApiText(),
    "schema/protocol.schema.json": `${JSON.stringify(protocolSchemas(), null, 2)}\n`,
    "schema/mooring.schema.json": `${JSON.stringify(schema, null, 2)}\n`,
    "schema/integration_v1alpha1.json": `${JSON.stringify(resource, null, 2)}\n`,
    "helm/mooring-connector/files/crd.yaml": crdText(),
  };
}
