import { z } from "zod";
import { isAddressRange } from "../dial/address.ts";
import { duration } from "../dial/target-config.ts";

/** The frame of the configuration file; what belongs to a type or to a store is theirs. */

export const DEFAULT_INTERVAL_MS = 60_000;
export const DEFAULT_TIMEOUT_MS = 10_000;
export const DEFAULT_THRESHOLD = 2;

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const labelWords = "must be a DNS label: small letters, digits and hyphens, at most 63";

const label = z.string(labelWords).regex(LABEL, labelWords);

/** `host:port`, each part with `*` where it may be anything. */
const target = z
  .string('must be HOST:PORT, such as "*.data.svc:5432"')
  .regex(
    /^[A-Za-z0-9*.{}_-]+:(\*|\d{1,5})$|^\[[0-9a-fA-F:.]+\]:(\*|\d{1,5})$/,
    'must be HOST:PORT, such as "*.data.svc:5432"',
  );

const threshold = "must be a whole number from 1 to 10";

export const itemFrame = {
  name: label.describe("DNS label, unique in the file"),
  type: z.string("must be an integration type").describe("the integration type"),
  interval: duration({ least: "5s", most: "24h" })
    .optional()
    .describe("from one look to the next, 5s to 24h; default 60s"),
  timeout: duration({ least: "1s", most: "60s" })
    .optional()
    .describe("for one look, 1s to 60s and below the interval; default 10s, or 0.8 × a shorter interval"),
  failureThreshold: z
    .int(threshold)
    .min(1, threshold)
    .max(10, threshold)
    .optional()
    .describe("failures in a row before it is told, of the stages up to respond, 1 to 10; default 2"),
  suspend: z.boolean("must be true or false").optional().describe("true: not checked at all; default false"),
};

export const item = z.strictObject({
  ...itemFrame,
  config: z.unknown().optional(), // Judged by the type.
  secret: z.looseObject({}, "must be a map with store and what the store needs").optional(),
});

export const secretFrame = {
  store: z.string("must be the name of a secret store").describe("the secret store"),
  fields: z
    .record(z.string(), z.string("must be the key in the secret"))
    .optional()
    .describe("our field ← key in the secret, where they differ"),
};

export const store = z.strictObject({
  name: label.describe("the name that secret.store uses"),
  type: z.string("must be a kind of secret store").describe("the kind of secret store"),
  config: z.strictObject({}).optional().describe("what the kind needs; those of this version need nothing"),
});

export const policy = z.strictObject({
  remote: z
    .strictObject({
      targets: z
        .array(target)
        .optional()
        .describe("HOST:PORT, each part with * where it may be anything; default none"),
      secrets: z
        .array(
          z.strictObject({
            store: z.string("must be the name of a secret store").describe("the secret store"),
            name: z.string().describe("the secret's name in it"),
            targets: z.array(target).describe("HOST:PORT that the secret may be sent to"),
          }),
        )
        .optional()
        .describe("secrets that may be read, each with where it may be sent; default none"),
    })
    .optional()
    .describe("what the control plane may have the connector do: nothing by default"),
  crd: z
    .strictObject({
      stores: z.array(z.string()).optional().describe("names of secret stores"),
      targets: z.array(target).optional().describe("HOST:PORT, with {namespace} for the resource's own"),
    })
    .optional()
    .describe("what an Integration resource may name"),
  addresses: z
    .strictObject({
      allow: z
        .array(z.string().refine(isAddressRange, "must be an address or a range such as 169.254.0.0/16"))
        .optional()
        .describe("addresses and ranges such as 169.254.0.0/16"),
    })
    .optional()
    .describe("link-local, metadata, unspecified and multicast addresses that may be dialled after all"),
});

export const root = z.strictObject({
  secretStores: z.array(z.unknown(), "must be a list of secret stores").optional(),
  integrations: z.array(z.unknown(), "must be a list of integrations"),
  policy: policy.optional(),
});
