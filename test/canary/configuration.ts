import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Target } from "../fake/targets.ts";
import { echoingBytes, echoingHttp, echoingPostgres, namedInCertificate } from "./echoing.ts";
import { talkativeVault } from "./talkative-vault.ts";
import type { Values } from "./world.ts";

interface Integration {
  readonly name: string;
  readonly type: string;
  readonly config: object;
  readonly secret?: object;
}

export interface Configuration {
  readonly integrations: readonly Integration[];
  readonly secretStores: readonly object[];
}

const VAULT_PATHS = ["forbidden", "missing", "broken", "throttled", "moved", "prose", "unparsable", "keyed"];
const HTTP_PATHS = ["good", "denied", "redirect", "redirect-host", "busy", "broken", "body"];
/** Ends of a PostgreSQL login: SQLSTATEs that are known, one that is not, and a login that works. */
const SQLSTATES = ["28P01", "28000", "3D000", "ZZ000", "accepts"];

/** Integrations whose secrets come from every store of this run, and whose targets repeat them. */
export async function configuration(
  values: Values,
  dir: string,
  parts: AsyncDisposableStack,
): Promise<Configuration> {
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const token = { store: "file", path: await file("token", values.file) };
  const account = { store: "env", variable: "MOORING_SECRET_CANARY" };
  const pg = JSON.stringify({ username: "orders", password: values.filePassword });
  const password = { store: "file", path: await file("password", pg) };
  // Almost JSON: a parser's error would repeat it.
  const almost = `{"username": "orders", "password": ${values.brokenFile}}`;
  const broken = { store: "file", path: await file("broken", almost) };

  const http = parts.use(await echoingHttp());
  const noise = parts.use(await echoingBytes());
  const vault = parts.use(
    await talkativeVault({ value: values.vaultValue, loginToken: values.vaultLoginToken }),
  );
  const { named, issued } = await namedInCertificate(values.file);
  parts.use(named);
  parts.use(issued);
  const trusted = await file("ca.pem", named.ca);

  const to = (target: Target, path: string, more: object = {}) => ({
    url: `http://${target.host}:${target.port}/${path}`,
    ...more,
  });
  const one = (name: string, config: object, secret?: object): Integration => ({
    ...{ name, type: "http", interval: "20s", config },
    ...(secret === undefined ? {} : { secret }),
  });
  const secure = (target: Target) => ({ url: `https://127.0.0.1:${target.port}/denied` });
  const postgres = await Promise.all(
    SQLSTATES.map(async (code) => {
      const { host, port } = parts.use(await echoingPostgres(code));
      const config = { host, port, database: "orders", tls: { mode: "disable" } };
      return { ...one(`pg-${code.toLowerCase()}`, config, password), type: "postgresql" };
    }),
  );
  const fromVault = (path: string, store = "vault") => ({ store, mount: "secret", path: `prod/${path}` });
  return {
    integrations: [
      ...HTTP_PATHS.flatMap((path) => [
        one(`file-${path}`, to(http, path, path === "body" ? { expect: { body: "absent" } } : {}), token),
        one(`env-${path}`, to(http, path), account),
      ]),
      one("noise", to(noise, ""), token),
      one("broken-file", to(http, "good"), broken),
      one("tls-issuer", secure(issued), token),
      one("tls-names", { ...secure(named), tls: { ca: trusted } }, token),
      ...postgres,
      one("vault-good", to(http, "denied"), fromVault("good")),
      ...VAULT_PATHS.flatMap((path) => [
        one(`vault-${path}`, to(http, "good"), fromVault(path)),
        one(`vault-by-token-${path}`, to(http, "good"), fromVault(path, "by-token")),
      ]),
      one("vault-no-login", to(http, "good"), fromVault("good", "no-login")),
    ],
    secretStores: await stores(values, vault, file),
  };
}

async function stores(
  values: Values,
  vault: Target,
  file: (name: string, text: string) => Promise<string>,
): Promise<readonly object[]> {
  const address = `http://127.0.0.1:${vault.port}`;
  const secretIdFile = await file("secret-id", values.vaultSecretId);
  const tokenFile = await file("vault-token", values.vaultTokenFile);
  const store = (name: string, auth: object): object => ({
    ...{ name, type: "vault", config: { address, auth, reread: "5s" } },
  });
  const approle = { method: "approle", roleId: "mooring", secretIdFile };
  return [
    store("vault", approle),
    store("by-token", { method: "token", tokenFile }),
    store("no-login", { ...approle, mount: "refusing" }),
  ];
}
