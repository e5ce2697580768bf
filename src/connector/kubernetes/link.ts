import type { Agent, Dispatcher } from "undici";
import manifest from "../../../package.json" with { type: "json" };
import type { Clock } from "../clock.ts";
import { endpoint } from "../dial/address.ts";
import type { Network } from "../dial/network.ts";
import { createPool } from "../dial/pool.ts";
import { storeTrouble } from "../dial/store-http.ts";
import { codeOf, Failure } from "../failure.ts";
import type { Access } from "./access.ts";
import { ApiFailure, type ApiTrouble } from "./api-failure.ts";
import { API_SERVER, trustOf } from "./trust.ts";

export interface LinkParts {
  readonly clock: Clock;
  readonly network: Network;
  /** A PEM file whose certificates are trusted besides the API server's authority. */
  readonly ca?: string | undefined;
  /** Instead of what the access says: `none` or a proxy's URL. */
  readonly proxy?: string | undefined;
}

export interface Wish {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** From the API's root, with the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
}

/** An answer that does not end: its lines as they come. */
export interface Flow {
  readonly status: number;
  readonly headers: Answer["headers"];
  readonly lines: AsyncIterable<string>;
}

/** What one answer, and one line of a watch, may weigh: an object has at most 1.5 MiB, a page a few hundred of them. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Connections to the API server: kept, reused, and made anew where another server or another certificate is meant. */
export class Link {
  readonly #parts: LinkParts;
  #pool: { readonly key: string; readonly agent: Promise<Agent> } | undefined;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  /** Throws ApiFailure `unreachable`, `timeout` once the signal aborted, `no_identity`. */
  async request(access: Access, wish: Wish, signal: AbortSignal): Promise<Answer> {
    const url = urlOf(access, wish);
    try {
      return await this.#whole(access, url, wish, signal);
    } catch (error) {
      // A kept connection may have been ended by the other side meanwhile. What changes something is not sent twice.
      const again = !signal.aborted && isHangUp(error) && wish.method === "GET";
      if (!again) throw troubleOf(url, error, signal);
      return await this.#whole(access, url, wish, signal).catch((error: unknown) => {
        throw troubleOf(url, error, signal);
      });
    }
  }

  /** Ends where the server ends it; the lines throw as `request` does. The signal ends it at any time. */
  async flow(access: Access, wish: Wish, signal: AbortSignal): Promise<Flow> {
    const url = urlOf(access, wish);
    try {
      const { statusCode, headers, body } = await this.#send(access, url, wish, signal);
      return { status: statusCode, headers: plain(headers), lines: linesOf(body, url, signal) };
    } catch (error) {
      throw troubleOf(url, error, signal);
    }
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await (await pool?.agent)?.destroy();
  }

  async #whole(access: Access, url: URL, wish: Wish, signal: AbortSignal): Promise<Answer> {
    const { statusCode, headers, body } = await this.#send(access, url, wish, signal);
    const chunks: Buffer[] = [];
    let total = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      total += chunk.length;
      if (total > MOST_BYTES) throw tooMuch(body);
      chunks.push(chunk);
    }
    return {
      status: statusCode,
      headers: plain(headers),
      text: Buffer.concat(chunks, total).toString("utf8"),
    };
  }

  async #send(access: Access, url: URL, wish: Wish, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { request } = await import("undici");
    const answering = request(url, {
      dispatcher: await this.#agent(access),
      method: wish.method,
      signal,
      // Deadlines are the caller's.
      headersTimeout: 0,
      bodyTimeout: 0,
      headers: {
        accept: "application/json",
        "user-agent": `mooring/${manifest.version}`,
        ...(access.token !== undefined && { authorization: `Bearer ${access.token}` }),
        ...wish.headers,
      },
      ...(wish.body !== undefined && { body: wish.body }),
    });
    return await unlessAborted(answering, signal);
  }

  #agent({ server, tls, serverName, proxy }: Access): Promise<Agent> {
    const key = JSON.stringify([server.origin, tls, serverName, proxy]);
    if (this.#pool?.key === key) return this.#pool.agent;
    const before = this.#pool;
    const { clock, network, ca } = this.#parts;
    const trust = trustOf(tls, ca, network.trust);
    const agent = createPool({
      clock,
      network: { ...network, trust },
      ca: API_SERVER,
      proxy: this.#parts.proxy ?? proxy,
      serverName,
      // Each watch holds one. What else is asked goes by its own few lanes.
      mostConnections: null,
    });
    this.#pool = { key, agent };
    // What is under way on the connections of before ends by itself.
    void before?.agent.then((old) => old.close()).catch(() => {});
    return agent;
  }
}

function urlOf({ server }: Access, { path }: Wish): URL {
  return new URL(`${server.pathname.replace(/\/$/, "")}${path}`, server);
}

export function endpointOf({ server }: Access): string {
  const port = Number(server.port) || (server.protocol === "https:" ? 443 : 80);
  return endpoint(server.hostname.replace(/^\[|\]$/g, ""), port);
}

const TROUBLES: Partial<Record<string, ApiTrouble>> = {
  store_identity_rejected: "no_identity",
  store_timeout: "timeout",
};

function troubleOf(url: URL, error: unknown, signal: AbortSignal): ApiFailure {
  if (error instanceof ApiFailure) return error;
  // Its cause, and not the error itself: undici's keep what the other side sent.
  const { reason, evidence, cause } = storeTrouble(url, error, signal);
  const trouble = TROUBLES[reason] ?? "unreachable";
  return new ApiFailure(trouble, evidence, { cause });
}

/** undici lets a request that waits for its connection go on waiting, whatever its signal says. */
function unlessAborted<T>(working: Promise<T>, signal: AbortSignal): Promise<T> {
  const over = Promise.withResolvers<never>();
  const end = (): void => over.reject(signal.reason as Error);
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
  working.catch(() => {}); // It may lose the race.
  return Promise.race([working, over.promise]).finally(() => signal.removeEventListener("abort", end));
}

function isHangUp(error: unknown): boolean {
  return ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"].includes(codeOf(error) ?? "");
}

function tooMuch(body: { destroy(): unknown }): Failure {
  body.destroy();
  const trouble = `it sent more than ${MOST_BYTES / 1024 / 1024} MiB`;
  return new Failure("secret", "store_unreachable", { trouble, dialReason: "response_too_large" });
}

function plain(headers: Dispatcher.ResponseData["headers"]): Record<string, string | undefined> {
  const pairs = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    Array.isArray(value) ? value[0] : value,
  ]);
  return Object.fromEntries(pairs) as Record<string, string | undefined>;
}

async function* linesOf(
  body: Dispatcher.ResponseData["body"],
  url: URL,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MOST_BYTES) throw tooMuch(body);
      yield* lines.filter((line) => line !== "");
    }
    if (rest !== "") yield rest;
  } catch (error) {
    throw troubleOf(url, error, signal);
  } finally {
    body.on("error", () => {}).destroy();
  }
}
