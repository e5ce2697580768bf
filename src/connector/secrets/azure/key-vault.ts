import type { Evidence } from "../../../protocol/words.ts";
import type { StoreAnswer, StoreHttp } from "../../dial/store-http.ts";
import { Failure } from "../../failure.ts";
import { objectOf, outage, placeOf, refusalOf, stranger } from "./answer.ts";
import { type Challenge, challengeOf } from "./challenge.ts";
import { type Identity, labelOf } from "./identity.ts";
import { isLoopbackHost } from "./loopback.ts";
import { azureDomainOf } from "./names.ts";
import type { Tokens } from "./tokens.ts";

/** https://learn.microsoft.com/rest/api/keyvault/secrets */
const API_VERSION = "7.4";
/** A list is followed so far: 25 names a page. */
const MOST_PAGES = 10;

/** Key Vault's REST API, as the identity that the connector has. */
export class KeyVault {
  readonly #http: StoreHttp;
  readonly #tokens: Tokens;
  readonly #identity: Identity;
  readonly #challenges = new Map<string, Challenge>();

  constructor(http: StoreHttp, tokens: Tokens, identity: Identity) {
    this.#http = http;
    this.#tokens = tokens;
    this.#identity = identity;
  }

  /**
   * One GET. 200, 400, 403, 404 and 409 are returned; what does not depend on what was asked throws
   * Failure("secret", …): the vault is away, throttles or is none, our identity is refused.
   */
  async get(url: URL, signal: AbortSignal): Promise<StoreAnswer> {
    url.searchParams.set("api-version", API_VERSION);
    let challenge = await this.#challenge(url, signal);
    let token = await this.#tokens.get(challenge, signal);
    let answer = await this.#send(url, signal, token);
    if (answer.status === 401) {
      // Revoked, or the vault has moved to another tenant since.
      this.#tokens.drop(challenge, token);
      challenge = this.#learn(url, answer) ?? challenge;
      token = await this.#tokens.get(challenge, signal);
      answer = await this.#send(url, signal, token);
    }
    const failure = outage(url, answer);
    if (failure !== undefined) throw failure;
    if (answer.status === 401) throw this.#rejected(answer, challenge);
    if (answer.status !== 200 && refusalOf(answer) === undefined)
      throw stranger(url, answer.status, "Key Vault");
    return answer;
  }

  /** The items of a list; undefined where the connector may not list. */
  async list(url: URL, signal: AbortSignal): Promise<readonly unknown[] | undefined> {
    const items: unknown[] = [];
    let next: URL | undefined = url;
    for (let page = 0; next !== undefined && page < MOST_PAGES; page += 1) {
      const answer: StoreAnswer = await this.get(next, signal);
      if (answer.status !== 200) return undefined;
      const body = objectOf(answer);
      if (Array.isArray(body?.["value"])) items.push(...(body["value"] as unknown[]));
      const more = body?.["nextLink"];
      const link: URL | null = typeof more === "string" ? URL.parse(more) : null;
      // Nowhere else does the token go.
      next = link?.origin === url.origin ? link : undefined;
    }
    return items;
  }

  /** Asked without a token, a vault says whom it trusts. So it is reached before an identity is needed. */
  async #challenge(url: URL, signal: AbortSignal): Promise<Challenge> {
    const known = this.#challenges.get(url.origin);
    if (known !== undefined) return known;
    const answer = await this.#send(url, signal);
    const failure = outage(url, answer);
    if (failure !== undefined) throw failure;
    const learnt = this.#learn(url, answer) ?? usual(url);
    if (learnt === undefined) throw stranger(url, answer.status, "Key Vault");
    return learnt;
  }

  #learn(url: URL, answer: StoreAnswer): Challenge | undefined {
    const challenge = challengeOf(url, answer.headers["www-authenticate"] ?? "");
    if (challenge !== undefined) this.#challenges.set(url.origin, challenge);
    return challenge;
  }

  async #send(url: URL, signal: AbortSignal, token?: string): Promise<StoreAnswer> {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const headers = { accept: "application/json", ...authorization };
    try {
      return await this.#http.request({ method: "GET", url, headers }, signal);
    } catch (error) {
      throw error instanceof Failure ? withUnknownVault(error, url) : error;
    }
  }

  /** https://learn.microsoft.com/azure/key-vault/general/rest-error-codes#http-401-unauthenticated-request */
  #rejected(answer: StoreAnswer, { tenant: vaultTenant = "" }: Challenge): Failure {
    const code = /AKV\d{5}/.exec(refusalOf(answer)?.words ?? "")?.[0] ?? "401";
    const own = "tenantId" in this.#identity ? this.#identity.tenantId : undefined;
    const elsewhere =
      own !== undefined && vaultTenant !== "" && own.toLowerCase() !== vaultTenant.toLowerCase();
    const trouble: Evidence = elsewhere
      ? { vaultTenant, trouble: `the vault takes tokens of the tenant ${vaultTenant} (${code})` }
      : { notTaken: code, trouble: `the vault does not take its token (${code})` };
    const identity = labelOf(this.#identity, own ?? vaultTenant);
    return new Failure("secret", "store_identity_rejected", { identity, code, ...trouble });
  }
}

/** What a token for a vault is for, where it does not say so itself. */
function usual(url: URL): Challenge | undefined {
  const domain = azureDomainOf(url.hostname);
  if (domain !== undefined) return { resource: `https://${domain}`, tenant: undefined };
  return isLoopbackHost(url.hostname)
    ? { resource: "https://vault.azure.net", tenant: undefined }
    : undefined;
}

/** A vault's name is a name of the DNS: one that is not known there is a vault that is not there. */
function withUnknownVault(failure: Failure, url: URL): Failure {
  const { evidence, cause } = failure;
  const proxied = cause instanceof Failure && cause.evidence["proxy"] !== undefined;
  if (evidence["dialReason"] !== "dns_not_found" || proxied) return failure;
  const told = { ...evidence, unknownVault: url.hostname, endpoint: placeOf(url) };
  return new Failure(failure.stage, failure.reason, told, cause);
}
