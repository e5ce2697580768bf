import { setImmediate } from "node:timers/promises";
import type { Agent } from "undici";
import { causeOf } from "../../protocol/words.ts";
import { codeOf, Failure } from "../failure.ts";
import { endpoint } from "./address.ts";
import { createPool, type PoolParts } from "./pool.ts";

/** A request to a secret store or to whatever gives an identity for it. */
export interface StoreRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "LIST";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Its whole answer. Header names are in small letters; of a header that came twice the first counts. */
export interface StoreAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What one answer's body may weigh: no store keeps secrets of more than 64 KiB but Kubernetes, which has 1 MiB. */
export const STORE_ANSWER_BYTES = 2 * 1024 * 1024;

/** HTTP to one store: connections kept and reused, redirects not followed, every answer bounded. */
export class StoreHttp {
  readonly #parts: PoolParts;
  readonly #over = new AbortController();
  #agent: Agent | undefined;
  #opening: Promise<Agent> | undefined;

  constructor(parts: PoolParts) {
    this.#parts = { ...parts, signal: this.#over.signal };
  }

  /**
   * Throws Failure("secret", "store_unreachable") with the dialer's own reason as evidence (`dialReason`, and `trouble`
   * in words), or Failure("secret", "store_timeout") once the signal aborted, with how far it came.
   */
  async request(wish: StoreRequest, signal: AbortSignal): Promise<StoreAnswer> {
    const late = Promise.withResolvers<never>();
    // Heard before undici's own listener, which ends the connection. And undici waits for one that is being made.
    const onAbort = (): void => late.reject(this.#tooLate(wish.url));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    const answering = this.#twice(wish, signal);
    answering.catch(() => {}); // It may lose the race.
    try {
      return await Promise.race([late.promise, answering]);
    } catch (error) {
      throw storeTrouble(wish.url, error, signal);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** How far it came. */
  #tooLate({ origin }: URL): Failure {
    const connected = Number(this.#agent?.stats[origin]?.connected ?? 0);
    const [dialReason, trouble] = connected > 0 ? NO_ANSWER : NO_CONNECTION;
    return new Failure("secret", "store_timeout", { dialReason, trouble });
  }

  /** Hangs up, also on what is being connected. */
  async close(): Promise<void> {
    this.#over.abort();
    await (await this.#opening)?.destroy();
  }

  /** A kept connection may have been ended by the other side in the meantime: a fresh one tells. */
  async #twice(wish: StoreRequest, signal: AbortSignal): Promise<StoreAnswer> {
    try {
      return await this.#once(wish, signal);
    } catch (error) {
      if (signal.aborted || !isHangUp(error)) throw error;
      return await this.#once(wish, signal);
    }
  }

  async #once({ method, url, headers, body }: StoreRequest, signal: AbortSignal): Promise<StoreAnswer> {
    const { request } = await import("undici");
    this.#opening ??= createPool(this.#parts);
    this.#agent = await this.#opening;
    const answer = await request(url, {
      dispatcher: this.#agent,
      method,
      signal,
      headers: { ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const chunks: Buffer[] = [];
    let total = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      total += chunk.length;
      if (total > STORE_ANSWER_BYTES) {
        answer.body.destroy();
        throw new Failure("secret", "store_unreachable", {
          trouble: TOO_MUCH,
          dialReason: "response_too_large",
        });
      }
      chunks.push(chunk);
    }
    // undici gives a connection to the next request one turn later; who asks at once would get another one.
    await setImmediate();
    return {
      status: answer.statusCode,
      headers: firstOf(answer.headers),
      body: Buffer.concat(chunks, total),
    };
  }
}

const NO_CONNECTION = ["connect_timeout", "no connection to it came about"] as const;
const NO_ANSWER = ["response_timeout", "it took the connection and did not answer"] as const;
const TOO_MUCH = `it sent more than ${STORE_ANSWER_BYTES / 1024 / 1024} MiB`;

/** What was thrown on the way to a store, as a failure of the stage secret. The place is named, the answer is not. */
export function storeTrouble(url: URL, error: unknown, signal: AbortSignal): Failure {
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  const at = endpoint(url.hostname.replace(/^\[|\]$/g, ""), port);
  if (error instanceof Failure && error.stage === "secret") {
    return new Failure("secret", error.reason, { endpoint: at, ...error.evidence }, error.cause);
  }
  if (signal.aborted) return new Failure("secret", "store_timeout", { endpoint: at });
  if (error instanceof Failure) {
    const trouble = causeOf(error.reason, error.evidence).replace(/\.$/, "");
    const untrusted = error.reason === "certificate_untrusted" ? { untrusted: at } : {};
    const told = { endpoint: at, dialReason: error.reason, trouble, ...untrusted };
    return new Failure("secret", "store_unreachable", { ...egressOf(error), ...told }, error);
  }
  // Without the error: undici's keep what the other side sent.
  const [dialReason, trouble] = PROTOCOL_TROUBLES[undiciCode(error)] ?? HANG_UP;
  const reason = dialReason === "response_timeout" ? "store_timeout" : "store_unreachable";
  return new Failure("secret", reason, { endpoint: at, dialReason, trouble });
}

function egressOf({ evidence: { egress } }: Failure): Record<string, string> {
  return typeof egress === "string" ? { egress } : {};
}

const HANG_UP = ["connection_reset", "it ended the connection"] as const;

/** undici's codes: https://github.com/nodejs/undici/blob/main/docs/docs/api/Errors.md, and those of its HTTP parser. */
const PROTOCOL_TROUBLES: Readonly<Record<string, readonly [dialReason: string, trouble: string]>> = {
  UND_ERR_HEADERS_TIMEOUT: ["response_timeout", "it did not answer"],
  UND_ERR_BODY_TIMEOUT: ["response_timeout", "its answer has no end"],
  UND_ERR_HEADERS_OVERFLOW: ["response_too_large", "its headers are too long"],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: ["protocol_mismatch", "its answer is not as long as it says"],
  HPE: ["protocol_mismatch", "it did not answer in HTTP"],
};

function undiciCode(error: unknown): string {
  // What is not HTTP at all has no code.
  if (error instanceof Error && error.name === "HTTPParserError") return "HPE";
  return codeOf(error) ?? "";
}

function isHangUp(error: unknown): boolean {
  const code = codeOf(error);
  return code === "UND_ERR_SOCKET" || code === "ECONNRESET" || code === "EPIPE";
}

function firstOf(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const pairs = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    Array.isArray(value) ? (value[0] ?? "") : (value ?? ""),
  ]);
  return Object.fromEntries(pairs) as Record<string, string>;
}
