import type { StoreHttp } from "../../dial/store-http.ts";
import { Failure } from "../../failure.ts";

/** A request as the SDK hands it to whoever sends it. */
interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | string[] | null>> | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface SdkResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** What is known of an answer besides what the SDK made of it. */
export interface Answered {
  /** The place that was asked, `HOST:PORT`. */
  readonly endpoint: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** By our own clock, epoch milliseconds. */
  readonly at?: number;
}

/** Sends the SDK's requests over our own connections: reasons, roots, proxy, budget and deadlines are the dialer's. */
export class StoreHandler {
  readonly #http: StoreHttp;
  readonly #now: () => number;
  /** By the signal of the call: each call has its own. */
  readonly #answers = new WeakMap<object, Answered>();

  constructor(http: StoreHttp, now: () => number) {
    this.#http = http;
    this.#now = now;
  }

  /** What came of the call that ran under this signal; undefined where nothing was sent. */
  answerTo(signal: AbortSignal): Answered | undefined {
    return this.#answers.get(signal);
  }

  async handle(
    request: SdkRequest,
    { abortSignal }: { abortSignal?: unknown } = {},
  ): Promise<{ response: SdkResponse }> {
    const signal = abortSignal as AbortSignal;
    const url = urlOf(request);
    const endpoint = `${url.hostname}:${url.port || (url.protocol === "https:" ? 443 : 80)}`;
    this.#answers.set(signal, { endpoint });
    const { host: _host, "content-length": _length, ...headers } = request.headers;
    const body = bodyOf(request.body);
    const wish = { method: methodOf(request.method), url, headers };
    const answer = await this.#http.request(body === undefined ? wish : { ...wish, body }, signal);
    const { status } = answer;
    this.#answers.set(signal, { endpoint, status, headers: answer.headers, at: this.#now() });
    // A copy: the SDK makes a kind of its own of the bytes that it is given.
    return {
      response: { statusCode: status, headers: { ...answer.headers }, body: new Uint8Array(answer.body) },
    };
  }

  /** The SDK's clients come and go; the connections belong to the store. */
  destroy(): void {}

  updateHttpClientConfig(): void {}

  httpHandlerConfigs(): Record<string, never> {
    return {};
  }
}

function urlOf({ protocol, hostname, port, path, query = {} }: SdkRequest): URL {
  const url = new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`);
  for (const [key, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value ?? ""]) url.searchParams.append(key, one);
  }
  return url;
}

function methodOf(method: string): "GET" | "POST" | "PUT" | "HEAD" {
  if (method === "GET" || method === "POST" || method === "PUT" || method === "HEAD") return method;
  throw new Failure("secret", "unknown", { code: "UNEXPECTED_METHOD" });
}

function bodyOf(body: unknown): string | Uint8Array | undefined {
  if (typeof body === "string" || body instanceof Uint8Array) return body;
  return undefined;
}
