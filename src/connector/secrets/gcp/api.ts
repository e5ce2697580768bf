import type { StoreAnswer, StoreHttp } from "../../dial/store-http.ts";
import { Failure } from "../../failure.ts";
import { jsonOf, limited, type Status, statusOf } from "./status.ts";
import { nameOf, type Token } from "./identity.ts";
import type { Tokens } from "./tokens.ts";

/** What was asked for, or Google's refusal of it. */
export type Answer = { readonly value: unknown } | { readonly refusal: Status };

/** Secret Manager's REST API, as the identity that the connector has. */
export class Api {
  readonly #http: StoreHttp;
  readonly #tokens: Tokens;

  constructor(http: StoreHttp, tokens: Tokens) {
    this.#http = http;
    this.#tokens = tokens;
  }

  /**
   * One GET. A refusal that depends on what was asked for is returned; what does not throws Failure("secret", …): the
   * store cannot be reached or fails, takes no more requests, or does not know our token even after it was renewed.
   */
  async get(url: URL, signal: AbortSignal): Promise<Answer> {
    let held = await this.#held(url, signal);
    let answer = await this.#send(url, held, signal);
    if (answer.status === 401) {
      // Revoked or ended before its time: the identity may give another.
      this.#tokens.drop(held);
      held = await this.#held(url, signal);
      answer = await this.#send(url, held, signal);
    }
    return judge(url, answer, held);
  }

  /** The order in which a person mends things: a store that nobody can reach comes before the identity for it. */
  async #held(url: URL, signal: AbortSignal): Promise<Token> {
    try {
      return await this.#tokens.get(signal);
    } catch (error) {
      if (error instanceof Failure && error.reason === "store_identity_rejected")
        await this.#http.request({ method: "GET", url: new URL("/", url) }, signal);
      throw error;
    }
  }

  #send(url: URL, { token, quotaProject }: Token, signal: AbortSignal): Promise<StoreAnswer> {
    const paying = quotaProject === undefined ? {} : { "x-goog-user-project": quotaProject };
    const headers = { authorization: `Bearer ${token}`, accept: "application/json", ...paying };
    return this.#http.request({ method: "GET", url, headers }, signal);
  }
}

function judge(url: URL, answer: StoreAnswer, { who }: Token): Answer {
  const { status } = answer;
  if (status === 200) {
    const value = jsonOf(answer.body);
    if (typeof value === "object" && value !== null) return { value };
    throw stranger(url, "what it sends is not JSON");
  }
  const refusal = statusOf(answer);
  if (status >= 500) {
    const code = refusal?.code ?? "";
    throw new Failure("secret", "store_unreachable", { endpoint: nameOf(url), status, code });
  }
  if (status === 429) throw limited(answer);
  if (refusal === undefined) throw stranger(url, `it answered ${status}, and not as Google's services do`);
  if (status === 401) {
    const code = refusal.reason === "" ? refusal.code : refusal.reason;
    const trouble = `its token is refused (${code})`;
    throw new Failure("secret", "store_identity_rejected", { ...who, trouble, code, refused: code });
  }
  return { refusal };
}

/** Somebody else answers, or what Google says is spoilt on its way. */
export function stranger(url: URL, wrongAnswer: string): Failure {
  const evidence = { endpoint: nameOf(url), wrongAnswer, dialReason: "protocol_mismatch" };
  return new Failure("secret", "store_unreachable", evidence);
}
