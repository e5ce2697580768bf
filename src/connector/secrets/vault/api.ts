import type { Evidence } from "../../../protocol/words.ts";
import { endpoint } from "../../dial/address.ts";
import type { StoreAnswer, StoreHttp } from "../../dial/store-http.ts";
import { toldWait } from "../../dial/told-wait.ts";
import { Failure } from "../../failure.ts";
import { apiUrl } from "./address.ts";
import { sealedHow } from "./health.ts";

/** A request to Vault's API; the path is without /v1/. */
export interface Wish {
  readonly method?: "GET" | "LIST" | "POST";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly token?: string;
  readonly body?: unknown;
}

/** An answer that depends on what was asked: 2xx, 400, 403, 404, 405. */
export interface Answer {
  readonly status: number;
  readonly value: Readonly<Record<string, unknown>>;
  /** In Vault's own words: to tell cases apart by, never to show. */
  readonly errors: string;
  readonly raw: StoreAnswer;
}

export interface ApiParts {
  readonly http: StoreHttp;
  readonly address: string;
  readonly namespace?: string | undefined;
}

/** Vault's HTTP API (https://openbao.org/api-docs/), in one namespace. */
export class Api {
  readonly #parts: ApiParts;

  constructor(parts: ApiParts) {
    this.#parts = parts;
  }

  /**
   * Throws Failure("secret", …) for what does not depend on what was asked: not reachable, sealed, standby, throttled,
   * a server's own failure, not Vault at all, a namespace that is not there.
   */
  async call(wish: Wish, signal: AbortSignal): Promise<Answer> {
    const raw = await this.#send(wish, signal);
    const { status } = raw;
    if (status === 429) throw new Failure("secret", "store_rate_limited", { code: "429", ...toldWait(raw) });
    if (status >= 500 || (status >= 300 && status < 400)) throw await this.#broken(raw, signal);
    if (status === 204) return { status, value: {}, errors: "", raw };
    const value = objectOf(raw.body);
    const errors = Array.isArray(value?.["errors"]) ? value["errors"].join("\n") : undefined;
    // Every refusal of Vault's lists its errors, or is an answer as any: what does neither is another server.
    if (value === undefined || (errors === undefined && !("request_id" in value)))
      throw this.#stranger(status);
    const namespace = this.#parts.namespace ?? "";
    if (status === 404 && /namespace not found/i.test(errors ?? ""))
      throw new Failure("secret", "secret_not_found", { missingNamespace: namespace });
    return { status, value, errors: errors ?? "", raw };
  }

  /** What none of our requests gets from a Vault that works. */
  unexpected({ status, errors }: Answer): Failure {
    if (/upgrading from non-versioned/i.test(errors)) {
      const trouble = "the mount is being made KV version 2, and will answer again shortly";
      return new Failure("secret", "store_unreachable", { endpoint: this.#endpoint(), trouble });
    }
    return new Failure("secret", "store_unreachable", { endpoint: this.#endpoint(), status });
  }

  #send({ method = "GET", path, query = {}, token, body }: Wish, signal: AbortSignal): Promise<StoreAnswer> {
    const { http, address, namespace } = this.#parts;
    return http.request(
      {
        method,
        url: apiUrl(address, path, query),
        headers: {
          accept: "application/json",
          // Vault Agent can demand it, against forged requests of a browser.
          "x-vault-request": "true",
          ...(namespace === undefined ? {} : { "x-vault-namespace": namespace }),
          ...(token === undefined ? {} : { "x-vault-token": token }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      signal,
    );
  }

  /** Throws Failure where it cannot be reached or serves no secrets: whoever is away knows nobody. */
  async assertServing(signal: AbortSignal): Promise<void> {
    const how = await this.#health(signal);
    if (how !== undefined) throw this.#sealed(how);
  }

  /** A 5xx or a redirect: what the node says of itself tells sealed and standby from broken. */
  async #broken({ status, headers }: StoreAnswer, signal: AbortSignal): Promise<Failure> {
    // Where it says nothing, the answer that led here is told.
    const how = await this.#health(signal).catch(() => undefined);
    if (how !== undefined) return this.#sealed(how);
    const location = URL.parse(headers["location"] ?? "")?.host ?? "";
    return new Failure("secret", "store_unreachable", { endpoint: this.#endpoint(), status, location });
  }

  async #health(signal: AbortSignal): Promise<Evidence | undefined> {
    const { http, address } = this.#parts;
    const answer = await http.request({ method: "GET", url: apiUrl(address, "sys/health") }, signal);
    return sealedHow(this.#endpoint(), answer.status, objectOf(answer.body));
  }

  #sealed(how: Evidence): Failure {
    return new Failure("secret", "store_sealed", { endpoint: this.#endpoint(), ...how });
  }

  #stranger(status: number): Failure {
    const trouble = `what answers there (${status}) is not Vault`;
    const evidence = {
      endpoint: this.#endpoint(),
      trouble,
      dialReason: "protocol_mismatch",
      stranger: status,
    };
    return new Failure("secret", "store_unreachable", evidence);
  }

  #endpoint(): string {
    const { hostname, port, protocol } = new URL(this.#parts.address);
    return endpoint(hostname.replace(/^\[|\]$/g, ""), Number(port) || (protocol === "https:" ? 443 : 80));
  }
}

/** A JSON object, or undefined where it is none. The parser's own error repeats what it read. */
function objectOf(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
