/** A field of the form. `path` is its place in an item of the configuration file. */
export interface FieldOf {
  readonly path: string;
  readonly name: string;
  readonly half?: boolean;
  readonly number?: boolean;
  readonly placeholder?: string;
  readonly choices?: readonly string[];
  readonly fallback?: string;
}

/** What a type asks for; `secret` lists the fields that it reads, "optional" where it works without. */
export interface TypeForm {
  readonly fields: readonly FieldOf[];
  readonly secret: readonly string[];
  readonly optional?: boolean;
}

const HOST: FieldOf = { path: "config.host", name: "Host", placeholder: "orders-db.data.svc" };

function port(fallback?: string): FieldOf {
  return {
    path: "config.port",
    name: "Port",
    half: true,
    number: true,
    ...(fallback === undefined ? {} : { fallback }),
  };
}

/** The types that the form knows. Others are written by hand. */
export const TYPE_FORMS: Readonly<Record<string, TypeForm>> = {
  postgresql: {
    fields: [
      HOST,
      port("5432"),
      { path: "config.database", name: "Database", half: true },
      {
        path: "config.tls.mode",
        name: "TLS",
        half: true,
        choices: ["disable", "require", "verify"],
        fallback: "verify",
      },
    ],
    secret: ["username", "password"],
  },
  http: {
    fields: [
      { path: "config.url", name: "Address", placeholder: "https://api.example.com/health" },
      { path: "config.method", name: "Method", half: true, choices: ["GET", "HEAD"], fallback: "GET" },
      { path: "config.expect.body", name: "Body holds", half: true },
    ],
    secret: ["token"],
    optional: true,
  },
  tcp: { fields: [HOST, port()], secret: [] },
  tls: {
    fields: [HOST, port("443"), { path: "config.tls.serverName", name: "Server name", half: true }],
    secret: [],
  },
};

/** The stores that a test of an unsaved integration may use, and what refers to a secret in each. */
export const STORE_FIELDS: Readonly<Record<string, readonly FieldOf[]>> = {
  kubernetes: [
    { path: "secret.namespace", name: "Namespace", half: true },
    { path: "secret.name", name: "Name" },
  ],
  aws: [
    { path: "secret.id", name: "Name or ARN" },
    { path: "secret.region", name: "Region", half: true },
  ],
  gcp: [{ path: "secret.name", name: "Name", placeholder: "projects/P/secrets/S" }],
  vault: [
    { path: "secret.mount", name: "Mount", half: true },
    { path: "secret.path", name: "Path" },
  ],
  azure: [
    { path: "secret.vault", name: "Vault" },
    { path: "secret.name", name: "Name", half: true },
  ],
};
