import { isLoopbackHost } from "./loopback.ts";
import { placeOf } from "./answer.ts";
import { Failure } from "../../failure.ts";

/** Whom a vault trusts: for which resource a token must be, and of which tenant. */
export interface Challenge {
  readonly resource: string;
  readonly tenant: string | undefined;
}

/**
 * The `WWW-Authenticate` of a vault that was asked without a token: `Bearer authorization="https://HOST/TENANT",
 * resource="https://vault.azure.net"`, in newer ones `scope` with `/.default`. Throws Failure where it names a resource
 * that the vault does not belong to: a token for it would be worth something elsewhere
 * (https://devblogs.microsoft.com/azure-sdk/guidance-for-applications-using-the-key-vault-libraries/).
 */
export function challengeOf(vault: URL, header: string): Challenge | undefined {
  const parts = new Map(
    [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name.toLowerCase(), value]),
  );
  const resource = (parts.get("resource") ?? parts.get("scope") ?? "").replace(/\/\.default$/, "");
  const host = URL.parse(resource)?.hostname;
  if (!/^Bearer\b/i.test(header) || host === undefined) return undefined;
  const belongs = vault.hostname === host || vault.hostname.endsWith(`.${host}`);
  if (!belongs && !isLoopbackHost(vault.hostname)) {
    const trouble = `it wants a token for ${host}, to which it does not belong`;
    const evidence = {
      endpoint: placeOf(vault),
      trouble,
      dialReason: "protocol_mismatch",
      wrongResource: host,
    };
    throw new Failure("secret", "store_unreachable", evidence);
  }
  const authorization = URL.parse(parts.get("authorization") ?? parts.get("authorization_uri") ?? "");
  const tenant = authorization?.pathname.split("/")[1] ?? "";
  return { resource, tenant: /^[0-9A-Za-z.-]{1,128}$/.test(tenant) ? tenant : undefined };
}
