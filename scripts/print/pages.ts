import { configurationSchema } from "../../src/connector/config/json-schema.ts";
import { INTEGRATION_TYPES } from "../../src/connector/integrations/index.ts";
import { SECRET_STORES } from "../../src/connector/secrets/index.ts";
import { cliPage } from "./cli.ts";
import { configurationPage } from "./configuration.ts";
import { reasonsPage } from "./reasons.ts";

/** Every file that is printed from the code, by its path from the root. */
export function printedPages(): Readonly<Record<string, string>> {
  const schema = configurationSchema(INTEGRATION_TYPES, SECRET_STORES);
  return {
    "docs/reasons.md": reasonsPage(),
    "docs/configuration.md": configurationPage(),
    "docs/cli.md": cliPage(),
    "schema/mooring.schema.json": `${JSON.stringify(schema, null, 2)}\n`,
  };
}
