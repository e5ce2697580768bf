import type { Evidence } from "../../../protocol/words.ts";
import type { StoreAnswer } from "../../dial/store-http.ts";
import { toldSkew } from "../../dial/told-wait.ts";
import type { TokenNames } from "../../dial/token-names.ts";
import { Failure } from "../../failure.ts";
import { objectOf, stranger } from "./answer.ts";
import type { Identity } from "./identity.ts";

export interface Refused {
  readonly identity: Identity;
  readonly label: string;
  readonly url: URL;
  readonly answer: StoreAnswer;
  readonly tenant: string | undefined;
  /** What the federated token says of itself. */
  readonly names: TokenNames | undefined;
  readonly now: number;
}

/** A token that was not given, as Failure("secret", "store_identity_rejected") with Entra's code. */
export function exchangeFailure(refused: Refused): Failure {
  const { identity, label, url, answer, tenant, names } = refused;
  const body = objectOf(answer);
  if (typeof body?.["error"] !== "string") throw stranger(url, answer.status, "a giver of tokens");
  const number = numberOf(body);
  const code = number === undefined ? "" : `AADSTS${number}`;
  const known: Record<string, string> = { identity: label, code };
  if (identity.clientId !== undefined) known["clientId"] = identity.clientId;
  if (tenant !== undefined) known["tenant"] = tenant;
  if (names?.subject !== undefined) known["subject"] = names.subject;
  if (names?.issuer !== undefined) known["tokenIssuer"] = names.issuer;
  if (names?.audience !== undefined) known["tokenAudience"] = names.audience;
  const trouble = number === undefined ? untold(refused) : troubleOf(number, refused);
  const words = code === "" ? trouble["trouble"] : `${trouble["trouble"]} (${code})`;
  return new Failure("secret", "store_identity_rejected", { ...known, ...trouble, trouble: words ?? code });
}

/** `error_codes`, else the number in the description. */
function numberOf(body: Readonly<Record<string, unknown>>): number | undefined {
  const codes = body["error_codes"];
  const first: unknown = Array.isArray(codes) ? codes[0] : undefined;
  if (typeof first === "number") return first;
  const words = body["error_description"];
  const told = typeof words === "string" ? /AADSTS(\d{4,8})/.exec(words)?.[1] : undefined;
  return told === undefined ? undefined : Number(told);
}

/** https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
function troubleOf(number: number, refused: Refused): Evidence {
  const { identity, tenant = "", names, answer, now } = refused;
  const client = identity.clientId ?? "";
  const file = "file" in identity ? identity.file : "";
  switch (number) {
    case 700016:
    case 7000229:
      return { unknownClient: client, trouble: `the tenant ${tenant} has no application ${client}` };
    case 7000112:
      return { disabledClient: client, trouble: `the application ${client} is disabled` };
    case 90002:
    case 900023:
      return { unknownTenant: tenant, trouble: `there is no tenant ${tenant}` };
    case 500011:
      return { unknownTenant: tenant, trouble: `the tenant ${tenant} does not know the vault's resource` };
    case 70021:
    case 70025:
    case 700211:
    case 700212:
    case 700213:
    case 7002137:
    case 7002138:
      return { unfederated: client, trouble: `no federated credential of ${client} is for its token` };
    case 7000215:
      return { wrongSecret: file, trouble: `the client secret in ${file} is not one of ${client}` };
    case 7000222:
      return { expiredSecret: file, trouble: `the client secret in ${file} has expired` };
    case 700024:
      return {
        expiredToken: file,
        trouble: `the token in ${file} is not valid at this time`,
        ...toldSkew(answer, now),
      };
    case 700027:
      return {
        badToken: file,
        trouble: `the token in ${file} is not signed by a key of its issuer`,
        ...keysOf(names),
      };
    case 53003:
      return { conditional: client, trouble: "a Conditional Access policy blocks it" };
    default:
      return { codeNumber: number, trouble: `${refused.url.host} answered ${answer.status}` };
  }
}

/** Where the issuer of a token says which keys it signs with (OpenID Connect Discovery §4). */
function keysOf(names: TokenNames | undefined): Evidence {
  const issuer = names?.issuer?.replace(/\/*$/, "");
  return issuer === undefined ? {} : { keysAt: `${issuer}/.well-known/openid-configuration` };
}

/** A managed identity's endpoint has no numbers: 400 is "Identity not found". */
function untold({ identity, url, answer: { status } }: Refused): Evidence {
  const managed = identity.how === "imds" || identity.how === "app-service";
  if (managed && (status === 400 || status === 404)) {
    const which =
      identity.clientId === undefined ? "no managed identity" : `no managed identity ${identity.clientId}`;
    return { unassigned: url.host, trouble: `${which} is assigned here` };
  }
  return { refusedBy: url.host, trouble: `${url.host} answered ${status}` };
}
