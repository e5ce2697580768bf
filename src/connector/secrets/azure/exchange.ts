import { readCredential } from "../../dial/credential-file.ts";
import type { GivenToken } from "../../dial/kept-token.ts";
import type { StoreAnswer } from "../../dial/store-http.ts";
import { storeUrl } from "../../dial/target-config.ts";
import { namesOfToken } from "../../dial/token-names.ts";
import { Failure } from "../../failure.ts";
import type { Challenge } from "./challenge.ts";
import { given, type GiverParts } from "./given.ts";
import type { Identity } from "./identity.ts";

type Exchanging = Extract<Identity, { file: string }>;

/**
 * A token of the authority for a client secret or the cluster's token
 * (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
 */
export async function exchange(
  parts: GiverParts,
  identity: Exchanging,
  { resource, tenant: named }: Challenge,
  signal: AbortSignal,
): Promise<GivenToken> {
  const { clientId, authority, file, how } = identity;
  const tenant = identity.tenantId ?? named;
  if (clientId === undefined) throw unset("no client id is set", "clientId", "AZURE_CLIENT_ID");
  if (tenant === undefined) throw unset("no tenant is set", "tenantId", "AZURE_TENANT_ID");
  if (!storeUrl.safeParse(authority).success)
    throw unset("the authority is no https:// URL", "authority", "AZURE_AUTHORITY_HOST");
  const credential = await readCredential(file);
  const names = how === "federated" ? await namesOfToken(credential) : undefined;
  const form = {
    client_id: clientId,
    grant_type: "client_credentials",
    scope: `${resource}/.default`,
    ...proofOf(how, credential),
  };
  const url = new URL(`${authority}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`);
  const wish = {
    method: "POST",
    url,
    headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(form).toString(),
  } as const;
  const answer = await parts.http.request(wish, signal).catch((error: unknown) => away(error, url));
  return given(parts, { url, tenant, names }, answer);
}

function proofOf(how: Exchanging["how"], credential: string): Record<string, string> {
  if (how === "secret") return { client_secret: credential };
  const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
  return { client_assertion: credential, client_assertion_type: type };
}

/** Not the vault is away, but the authority. */
function away(error: unknown, { host }: URL): Promise<StoreAnswer> {
  if (!(error instanceof Failure)) throw error;
  throw new Failure("secret", error.reason, { ...error.evidence, giver: host }, error.cause);
}

function unset(trouble: string, member: string, variable: string): Failure {
  const evidence = { trouble, unset: member, unsetVariable: variable };
  return new Failure("secret", "store_identity_rejected", evidence);
}
