import { z } from "zod";
import { isAddressRange } from "../dial/address.ts";
import { caFile, duration, proxy } from "../dial/target-config.ts";

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

export const INTERVAL = { least: "5s", most: "24h" } as const;
export const TIMEOUT = { least: "1s", most: "60s" } as const;

export const itemFrame = {
  name: label.describe("DNS label, unique in the file"),
  type: z.string("must be an integration type").describe("the integration type"),
  interval: duration(INTERVAL).optional().describe("from one look to the next, 5s to 24h; default 60s"),
  timeout: duration(TIMEOUT)
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

export const storeFrame = {
  name: label.describe("the name that secret.store uses"),
  type: z.string("must be a kind of secret store").describe("the kind of secret store"),
};

export const store = z.strictObject({
  ...storeFrame,
  config: z.looseObject({}, "must be a map of what the kind needs").optional(), // Judged by the kind.
});

export const DEFAULT_REREAD_MS = 300_000;
export const DEFAULT_EXPIRES_WITHIN_MS = 14 * 86_400_000;
export const OPT_IN_KEY = "mooring-connector-read";
export const OPT_IN_ALIASES: readonly string[] = ["apono-connector-read"];

/** What every store's config takes. */
export const anyStoreConfig = {
  reread: duration({ least: "1s", most: "24h" })
    .optional()
    .describe("from one reading of a secret to the next, 1s to 24h; default 5m"),
  expiresWithin: duration({ least: "1h", most: "365d" })
    .optional()
    .describe("a secret that ends within this is the warning secret_expiring; default 14d"),
  staleAfter: duration({ least: "1d", most: "3650d" })
    .optional()
    .describe("a secret that was not changed for longer is the warning secret_stale; default never"),
};

const tagKey = z
  .string("must be the key of a tag or label")
  .regex(/^[A-Za-z0-9][A-Za-z0-9_./-]{0,126}$/, "must be the key of a tag or label");

/** What the config of a store takes that is not this machine itself. */
export const farStoreConfig = {
  ...anyStoreConfig,
  ca: caFile.optional(),
  proxy: proxy.optional(),
};

export const optIn = z
  .strictObject({
    required: z
      .boolean("must be true or false")
      .optional()
      .describe("true: only secrets with the key are read; default false, in the Helm chart true"),
    key: tagKey.optional().describe(`the key, whose value must be true; default ${OPT_IN_KEY}`),
    aliases: z
      .array(tagKey)
      .optional()
      .describe(`keys that count as well; default ${OPT_IN_ALIASES.join(", ")}`),
  })
  .describe("read only secrets that carry a tag or label");

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
      stores: z
        .array(z.string())
        .optional()
        .describe(
          "names of secret stores; default kubernetes, where it reads Secrets of its own namespace alone",
        ),
      targets: z
        .array(target)
        .optional()
        .describe("HOST:PORT, with {namespace} for the resource's own; default *.{namespace}.svc:*"),
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
