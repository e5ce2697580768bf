import { stringify } from "yaml";
import { z } from "zod";
import { BARRED, LOCAL_STORES } from "../../src/connector/config/foreign.ts";
import { INTERVAL, itemFrame, secretFrame, TIMEOUT } from "../../src/connector/config/schema.ts";
import { parseDuration } from "../../src/connector/duration.ts";
import { INTEGRATION_TYPES } from "../../src/connector/integrations/index.ts";
import type { IntegrationType } from "../../src/connector/integrations/integration.ts";
import { SECRET_STORES } from "../../src/connector/secrets/index.ts";
import { statusSchema } from "./crd-status.ts";
import { type Forms, has, milliseconds, placesOf, type Schema, united } from "./structural.ts";

interface Rule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

const jsonOf = (schema: z.ZodType): Schema =>
  z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Schema;

const NOT_HERE = "not in a resource: it is for the connector's own configuration file";

const CONFIGS: Forms = INTEGRATION_TYPES.map(({ type, config }) => [type, jsonOf(config)] as const);
const STORES = SECRET_STORES.filter(({ type }) => !LOCAL_STORES.includes(type));

/** helm/mooring-connector/files/crd.yaml: what `kubectl` knows of an Integration. */
export function crdText(): string {
  const head = "# Printed from the schemas of the configuration: npm run print\n";
  return `${head}${stringify(crd(), { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

function crd(): unknown {
  const ready = (what: string): string => `.status.conditions[?(@.type=="Ready")].${what}`;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "integrations.mooring.dev" },
    spec: {
      group: "mooring.dev",
      scope: "Namespaced",
      names: {
        kind: "Integration",
        listKind: "IntegrationList",
        plural: "integrations",
        singular: "integration",
        shortNames: ["mint"],
        categories: ["mooring"],
      },
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            { name: "Type", type: "string", jsonPath: ".spec.type" },
            { name: "Ready", type: "string", jsonPath: ready("status") },
            { name: "Reason", type: "string", jsonPath: ready("reason") },
            { name: "Last check", type: "date", jsonPath: ".status.lastCheckTime" },
            { name: "Message", type: "string", priority: 1, jsonPath: ready("message") },
            { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
          ],
          schema: { openAPIV3Schema: resourceSchema() },
        },
      ],
    },
  };
}

function resourceSchema(): unknown {
  return {
    type: "object",
    description:
      "One integration, checked on a schedule by the Mooring connector that watches its namespace.",
    required: ["spec"],
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec: specSchema(),
      status: statusSchema(),
    },
    "x-kubernetes-validations": [
      {
        rule: "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')",
        message: "the name must be a DNS label of at most 63 characters: small letters, digits and hyphens",
      },
    ],
  };
}

function specSchema(): unknown {
  const types = INTEGRATION_TYPES.map(({ type }) => type);
  const summaries = INTEGRATION_TYPES.map(({ type, summary }) => `${type}: ${summary}`).join(" ");
  const { interval, timeout, failureThreshold, suspend } = itemFrame;
  return {
    type: "object",
    required: ["type", "config"],
    properties: {
      type: { type: "string", enum: types, description: summaries },
      interval: durationSchema(interval, "interval", INTERVAL),
      timeout: durationSchema(timeout, "timeout", TIMEOUT),
      failureThreshold: united([["", jsonOf(failureThreshold)]]),
      suspend: united([["", jsonOf(suspend)]]),
      config: { description: "what the type needs", ...configSchema() },
      secret: secretSchema(),
    },
    "x-kubernetes-validations": [
      {
        rule: "self.type == oldSelf.type",
        message: "the type cannot be changed; make a new Integration",
        fieldPath: ".type",
      },
      {
        // Without an interval it is 60s.
        rule: `!has(self.timeout) || ${milliseconds("self.timeout")} < (has(self.interval) ? ${milliseconds("self.interval")} : 60000)`,
        message: "timeout must be below interval, which is 60s where it is left out",
        fieldPath: ".timeout",
      },
      ...INTEGRATION_TYPES.flatMap(configRules),
      ...INTEGRATION_TYPES.flatMap(secretRules),
    ],
  };
}

function durationSchema(frame: z.ZodType, name: string, bounds: { least: string; most: string }): unknown {
  const rule = (sign: string, bound: string, words: string): Rule => ({
    rule: `${milliseconds("self")} ${sign} ${parseDuration(bound)}`,
    message: `${name} must be ${words} ${bound}`,
  });
  return {
    ...united([["", jsonOf(frame)]]),
    maxLength: 11,
    pattern: "^[0-9]{1,9}(ms|s|m|h|d)$",
    "x-kubernetes-validations": [rule(">=", bounds.least, "at least"), rule("<=", bounds.most, "at most")],
  };
}

/** What any type takes; the rules say which type takes what. */
function configSchema(): Record<string, unknown> {
  const rules = BARRED.filter(({ path }) => CONFIGS.some(([, schema]) => isThere(schema, path))).map(
    ({ path, problem }) => ({
      rule: `!(${has("self", path)})`,
      message: `${problem}, which is for the connector's own configuration file`,
    }),
  );
  return {
    ...united(CONFIGS.map(([type, schema]) => [type, withBarredWords(schema)])),
    "x-kubernetes-validations": rules,
  };
}

/** For kubectl explain: what is barred says so itself. */
function withBarredWords(schema: Schema, before: readonly string[] = []): Schema {
  const entries = Object.entries(schema.properties ?? {}).map(([name, inside]) => {
    const path = [...before, name];
    const barred = BARRED.find((each) => each.path.join(".") === path.join("."));
    const told = barred === undefined ? withBarredWords(inside, path) : { ...inside, description: NOT_HERE };
    return [name, told] as const;
  });
  return entries.length === 0 ? schema : { ...schema, properties: Object.fromEntries(entries) };
}

function isThere(schema: Schema, path: readonly string[]): boolean {
  return placesOf(schema).some((place) => place.join(".") === path.join("."));
}

function configRules({ type, config }: IntegrationType): Rule[] {
  const own = jsonOf(config);
  const required = own.required ?? [];
  const barred = BARRED.map(({ path }) => path.join("."));
  const all = new Set(CONFIGS.flatMap(([, schema]) => placesOf(schema).map((path) => path.join("."))));
  const taken = new Set(placesOf(own).map((path) => path.join(".")));
  // Where a map is strange, so is all that is in it.
  const strange = [...all].filter((path) => {
    if (taken.has(path)) return false;
    const around = path.split(".").slice(0, -1).join(".");
    return around === "" || taken.has(around);
  });
  const words = [...taken].filter((path) => !barred.includes(path)).toSorted();
  const leaves = words.filter((path) => !words.some((other) => other.startsWith(`${path}.`)));
  const rules: Rule[] = [];
  if (required.length > 0)
    rules.push({
      rule: `self.type != '${type}' || (${required.map((name) => has("self.config", [name])).join(" && ")})`,
      message: `the type ${type} needs ${required.map((name) => `config.${name}`).join(" and ")}`,
      fieldPath: ".config",
    });
  if (strange.length > 0)
    rules.push({
      rule: `self.type != '${type}' || !(${strange
        .toSorted()
        .map((path) => `(${has("self.config", path.split("."))})`)
        .join(" || ")})`,
      message: `the type ${type} takes in config: ${leaves.join(", ")}`,
      fieldPath: ".config",
    });
  return rules;
}

function secretRules({ type, secret }: IntegrationType): Rule[] {
  if (secret === undefined)
    return [
      { rule: `self.type != '${type}' || !has(self.secret)`, message: `the type ${type} takes no secret` },
    ];
  if (!secret.required) return [];
  const fields = secret.shapes.map((shape) => shape.join(" and ")).join(", or ");
  return [
    {
      rule: `self.type != '${type}' || has(self.secret)`,
      message: `the type ${type} needs a secret with ${fields}`,
    },
  ];
}

function secretSchema(): unknown {
  const refs: Forms = STORES.map(({ type, ref }) => [type, jsonOf(ref)] as const);
  const { properties, ...rest } = united(refs) as { properties: Record<string, object> };
  const { store, fields } = secretFrame;
  const needs = STORES.filter(({ builtIn }) => builtIn).flatMap(({ type, ref }) => {
    const required = jsonOf(ref).required ?? [];
    const rule = `self.store != '${type}' || (${required.map((name) => has("self", [name])).join(" && ")})`;
    const message = `the store ${type} needs secret.${required.join(" and secret.")}`;
    return required.length === 0 ? [] : [{ rule, message }];
  });
  return {
    ...rest,
    description: "The secret, by reference only.",
    required: ["store"],
    properties: {
      store: { ...united([["", jsonOf(store)]]), minLength: 1, maxLength: 63 },
      fields: united([["", jsonOf(fields)]]),
      ...properties,
      namespace: {
        ...properties["namespace"],
        description: "kubernetes: the namespace of this Integration, and no other; it may be left out",
      },
    },
    "x-kubernetes-validations": [
      {
        rule: `!(self.store in [${LOCAL_STORES.map((name) => `'${name}'`).join(", ")}])`,
        message: `the stores ${LOCAL_STORES.join(" and ")} belong to the connector's own configuration file`,
        fieldPath: ".store",
      },
      ...needs,
    ],
  };
}
