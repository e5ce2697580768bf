import { z } from "zod";
import { itemFrame, policy, secretFrame, storeFrame } from "../../src/connector/config/schema.ts";
import { configOf } from "../../src/connector/config/stores.ts";
import { INTEGRATION_TYPES } from "../../src/connector/integrations/index.ts";
import { SECRET_STORES } from "../../src/connector/secrets/index.ts";

interface Schema {
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

const EXAMPLE = `\`\`\`yaml
# yaml-language-server: $schema=./node_modules/mooring/schema/mooring.schema.json
integrations:
  - name: orders-db
    type: postgresql
    interval: 60s
    config:
      host: orders-db.data.svc
      database: orders
      tls: {ca: ./ca.pem}
    secret: {store: file, path: /run/secrets/orders-db.json}
  - name: shop
    type: http
    config: {url: https://shop.example.com/healthz, expect: {body: ok}}
\`\`\``;

/** docs/configuration.md: every key that the file can hold. */
export function configurationPage(): string {
  const types = INTEGRATION_TYPES.map((type) => {
    const need =
      type.secret === undefined
        ? "Takes no secret."
        : `${type.secret.required ? "Needs" : "Takes"} a secret with ${type.secret.shapes.map((shape) => shape.map((field) => `\`${field}\``).join(" and ")).join(", or ")}.`;
    return [`### ${type.type}`, "", `${type.summary} ${need}`, "", table(type.config, "config."), ""].join(
      "\n",
    );
  });
  const stores = SECRET_STORES.map((kind) => {
    const declared = kind.builtIn ? "" : " It is there once it is declared under `secretStores`.";
    const config = z.object({ config: configOf(kind) });
    return [
      `### ${kind.type}`,
      "",
      `${kind.summary}${declared}`,
      "",
      table(kind.ref, "secret."),
      "",
      "In `secretStores[]`:",
      "",
      table(config),
      "",
    ].join("\n");
  });
  return [
    "# Configuration",
    "",
    "Printed from the code. One YAML 1.2 file; paths in it are relative to it. Durations are a number and a unit:",
    "`500ms`, `10s`, `5m`, `2h`, `14d`. An unknown key is an error, and all errors are told at once, each with its line,",
    "column and path. Editors that know YAML schemas complete and check the file by its first line.",
    "",
    EXAMPLE,
    "",
    "## integrations[]",
    "",
    table(
      z.strictObject({ ...itemFrame, config: z.looseObject({}).describe("what the type needs, see below") }),
    ),
    "",
    "## integrations[].secret",
    "",
    "A secret is named by reference only. What it holds is a JSON object with the fields that the type needs, or plain",
    "text where the type takes one field.",
    "",
    table(z.strictObject(secretFrame)),
    "",
    "## Integration types",
    "",
    ...types,
    "## Secret stores",
    "",
    ...stores,
    "## secretStores[]",
    "",
    "A store under another name, or with other settings than the built-in one of its kind.",
    "",
    table(
      z.strictObject({
        ...storeFrame,
        config: z.looseObject({}).optional().describe("what the kind needs, see above"),
      }),
    ),
    "",
    "## policy",
    "",
    "Only in this file: what the control plane, or an Integration resource, may make the connector do.",
    "",
    table(policy, "policy."),
    "",
  ].join("\n");
}

function table(schema: z.ZodType, prefix = ""): string {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Schema;
  return ["| key | what | |", "|---|---|---|", ...rows(json, prefix)].join("\n");
}

function rows(schema: Schema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inside]) => {
    const required = schema.required?.includes(key) === true ? "required" : "";
    const forms = inside.oneOf ?? inside.anyOf ?? [];
    const nested = forms.some(({ properties }) => properties !== undefined)
      ? forms.flatMap((form) => rows(form, `${prefix}${key}.`))
      : inside.properties === undefined
        ? inside.items?.properties === undefined
          ? []
          : rows(inside.items, `${prefix}${key}[].`)
        : rows(inside, `${prefix}${key}.`);
    const choice =
      typeof inside.const === "string"
        ? `\`${inside.const}\``
        : inside.enum === undefined
          ? ""
          : `one of ${inside.enum.map((value) => `\`${String(value)}\``).join(", ")}`;
    const says = [inside.description, choice].filter((text) => text !== undefined && text !== "").join("; ");
    return nested.length > 0 && says === ""
      ? nested
      : [`| \`${prefix}${key}\` | ${says.replaceAll("|", "\\|")} | ${required} |`, ...nested];
  });
}
