import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { assertStanding } from "../../dial/connect.ts";
import { codeOf, Failure } from "../../failure.ts";

/** What one answer may weigh in all: status line, headers and body. */
export const BUDGET_BYTES = 1024 * 1024;

export interface Exchange {
  readonly socket: Socket;
  readonly host: string;
  readonly port: number;
  /** The port that the Host header leaves out. */
  readonly defaultPort: number;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Whether the rest of an answer is worth reading, by its status. */
  readonly wantsBody: (status: number) => boolean;
  /** A text to look for in the body. */
  readonly needle?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** Whether the needle was there; true where there is none. */
  readonly found: boolean;
}

const TOO_LARGE = new Set(["HPE_HEADER_OVERFLOW", "HPE_CHUNK_EXTENSIONS_OVERFLOW"]);

/** One request and its whole answer over a socket that stands. Throws Failure("respond", …). */
export async function exchange(wish: Exchange): Promise<Answer> {
  const { socket, method, host, port, path, headers, signal } = wish;
  assertStanding(socket);
  let first = (): Buffer | undefined => undefined;
  const sent = request({
    createConnection: () => socket,
    method,
    host,
    port,
    defaultPort: wish.defaultPort,
    path,
    headers: { ...headers, connection: "close" },
    setHost: !Object.keys(headers).some((name) => name.toLowerCase() === "host"),
    maxHeaderSize: 64 * 1024,
    insecureHTTPParser: false,
  });
  let stop = (): void => {};
  try {
    return await new Promise<Answer>((resolve, reject) => {
      // First of all: a request that is destroyed says so by an error too.
      sent.on("error", reject);
      stop = () => reject(signal.reason as Error);
      if (signal.aborted) return stop();
      signal.addEventListener("abort", stop, { once: true });
      first = watch(sent, socket, reject);
      sent.on("response", (response) => void read(response, wish).then(resolve, reject));
      // A server that switches protocols unasked.
      sent.on("upgrade", () =>
        reject(new Failure("respond", "protocol_mismatch", { spoken: "something else after 101" })),
      );
      sent.end();
    });
  } catch (error) {
    throw explain(error, first());
  } finally {
    signal.removeEventListener("abort", stop);
    sent.destroy();
  }
}

/**
 * Counts what comes against the budget, and keeps the first bytes: they say what a peer speaks where it is not
 * HTTP. Listens ahead of the parser, which ends the socket at the first byte that it does not know.
 */
function watch(
  sent: ClientRequest,
  socket: Socket,
  reject: (error: Failure) => void,
): () => Buffer | undefined {
  let first: Buffer | undefined;
  let bytes = 0;
  sent.once("socket", () => {
    socket.prependListener("data", (chunk: Buffer) => {
      first ??= chunk;
      bytes += chunk.length;
      if (bytes <= BUDGET_BYTES) return;
      reject(new Failure("respond", "response_too_large", { budget: "1 MiB" }));
      socket.destroy();
    });
    socket.resume(); // Whoever used it before, a proxy's tunnel, left it paused.
  });
  return () => first;
}

function read(response: IncomingMessage, wish: Exchange): Promise<Answer> {
  const { statusCode: status = 0, headers } = response;
  if (!wish.wantsBody(status)) {
    response.destroy();
    return Promise.resolve({ status, headers, found: true });
  }
  const needle = Buffer.from(wish.needle ?? "");
  let found = needle.length === 0;
  let tail = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    response.on("data", (chunk: Buffer) => {
      if (found) return;
      const window = Buffer.concat([tail, chunk]);
      found = window.includes(needle);
      tail = window.subarray(Math.max(0, window.length - needle.length + 1));
    });
    response.on("end", () => resolve({ status, headers, found }));
    response.on("error", reject);
  });
}

/** Node's HTTP errors in our words. */
function explain(error: unknown, first: Buffer | undefined): unknown {
  if (error instanceof Failure) return error;
  const code = codeOf(error) ?? "";
  if (TOO_LARGE.has(code))
    return new Failure("respond", "response_too_large", { budget: "its limit for headers" }, error);
  if (code.startsWith("HPE_")) {
    // A TLS alert is what a server that insists on TLS answers to plain text.
    if (first?.[0] === 0x15 && first[1] === 0x03) return new Failure("tls", "tls_required", {}, error);
    const spoken = spokenBy(first);
    const evidence = spoken === "HTTP" ? { broken: code } : { spoken };
    return new Failure("respond", "protocol_mismatch", evidence, error);
  }
  if (code === "ECONNRESET" || code === "EPIPE") {
    const reset = typeof error === "object" && error !== null && "syscall" in error;
    const evidence = { how: reset ? "reset" : "closed", answered: first === undefined ? "" : "a part" };
    return new Failure("respond", "connection_reset", evidence, error);
  }
  return error;
}

/** The protocol that a peer's first bytes belong to, by its own word for itself; "" where it is not known. */
export function spokenBy(first: Buffer | undefined): string {
  const text = first?.subarray(0, 64).toString("latin1") ?? "";
  if (text.startsWith("SSH-")) return "SSH";
  if (/^220[ -].*(?:SMTP|ESMTP)/i.test(text)) return "SMTP";
  if (/^220[ -]/.test(text)) return "FTP or SMTP";
  if (text.startsWith("+OK")) return "POP3";
  if (text.startsWith("* OK")) return "IMAP";
  if (/^HTTP\/\d/.test(text)) return "HTTP";
  if (/^-(?:ERR|NOAUTH|DENIED)/.test(text)) return "Redis";
  if (/^.{4}\n?[58]\.\d/s.test(text)) return "MySQL";
  return "";
}
