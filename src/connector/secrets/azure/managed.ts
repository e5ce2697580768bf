import type { GivenToken } from "../../dial/kept-token.ts";
import type { StoreAnswer } from "../../dial/store-http.ts";
import { Failure } from "../../failure.ts";
import type { Challenge } from "./challenge.ts";
import { given, type GiverParts } from "./given.ts";
import type { Identity } from "./identity.ts";

/** How long we wait for a machine's own endpoint: off Azure there is none, and nothing answers there. Milliseconds. */
const NEAR_MS = 3000;

/**
 * A token of the managed identity, of the app (https://learn.microsoft.com/azure/app-service/overview-managed-identity)
 * or of the machine (https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token).
 */
export async function managed(
  parts: GiverParts,
  identity: Exclude<Identity, { file: string }>,
  { resource }: Challenge,
  signal: AbortSignal,
): Promise<GivenToken> {
  const app = identity.how === "app-service";
  const url = new URL(app ? identity.endpoint : `${identity.endpoint}/metadata/identity/oauth2/token`);
  url.searchParams.set("api-version", app ? "2019-08-01" : "2018-02-01");
  url.searchParams.set("resource", resource);
  if (identity.clientId !== undefined) url.searchParams.set("client_id", identity.clientId);
  const headers: Record<string, string> = app
    ? { "x-identity-header": identity.header }
    : { metadata: "true" };
  const done = new AbortController();
  const late = new AbortController();
  void parts.clock.sleep(NEAR_MS, done.signal).then(() => done.signal.aborted || late.abort());
  try {
    const within = AbortSignal.any([signal, late.signal]);
    const answer = await parts.near
      .request({ method: "GET", url, headers }, within)
      .catch((error: unknown) => nobody(error, url, signal));
    return given(parts, { url }, answer);
  } finally {
    done.abort();
  }
}

/** A machine without a managed identity has nobody there: it has no identity. */
function nobody(error: unknown, { host }: URL, signal: AbortSignal): Promise<StoreAnswer> {
  if (!(error instanceof Failure)) throw error;
  const { reason, evidence, cause } = error;
  if (signal.aborted) throw new Failure("secret", reason, { ...evidence, giver: host }, cause);
  const how = evidence["trouble"] ?? "it does not answer";
  const trouble = `no federated token, no client secret, and no managed identity at ${host} (${how})`;
  throw new Failure("secret", "store_identity_rejected", { ...evidence, noManaged: host, trouble }, cause);
}
