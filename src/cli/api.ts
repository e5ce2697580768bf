import { isLoopback } from "../protocol/loopback.ts";
import { readFile } from "node:fs/promises";
import { type IncomingMessage, request as plainRequest, type RequestOptions } from "node:http";
import { request as tlsRequest } from "node:https";
import { join } from "node:path";
import process from "node:process";
import type { SecureContext } from "node:tls";
import { caTrouble } from "../connector/ca-trouble.ts";
import { createTrust } from "../connector/dial/trust.ts";
import { plainWords, speaksPlain } from "../connector/plain-peer.ts";
import { refusalFor } from "../connector/upgrade-refusal.ts";
import { type Flag, type Given, Refused, UsageError } from "./command.ts";

/** The flags of the commands that talk to a control plane. */
export const API_FLAGS: Readonly<Record<string, Flag>> = {
  "control-plane": { value: "URL", says: "the control plane; http://127.0.0.1:7480" },
  "token-file": { value: "FILE", says: "the operator or viewer token; else that of --data" },
  data: { value: "DIR", says: "the data folder of a control plane on this machine" },
  ca: { value: "FILE", says: "PEM certificates that are trusted besides the system's" },
};

const DEFAULT_URL = "http://127.0.0.1:7480";
const DEADLINE_MS = 15_000;
/** A stream without a word for this long has ended. */
const SILENCE_MS = 60_000;
const MOST_BYTES = 16 * 1024 * 1024;

export interface Api {
  readonly url: URL;
  get(path: string): Promise<unknown>;
  post(path: string, body?: unknown): Promise<unknown>;
  delete(path: string): Promise<unknown>;
  /** The text of an event stream as it comes, first "" when it is open; ends when the server ends it. Throws Refused. */
  stream(path: string, signal: AbortSignal): AsyncIterable<string>;
}

/** The client that a command's flags ask for. Throws UsageError. */
export async function apiOf(command: string, given: Given): Promise<Api> {
  const says = (text: string): UsageError => new UsageError(`mooring ${command}: ${text}`);
  const text = given.flag("control-plane") ?? DEFAULT_URL;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw says(`--control-plane ${text} is not a URL; write https://HOST`);
  }
  const url = new URL(text);
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw says(`--control-plane ${text} is plain over a network; write https://`);
  }
  const token = await tokenOf(given, says);
  const trust = await trustOf(url, given.flag("ca"), says);
  const call = (method: string, path: string, body?: unknown): Promise<unknown> =>
    answerOf(open(url, method, path, token, trust, AbortSignal.timeout(DEADLINE_MS), body), url);
  return {
    url,
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, body),
    delete: (path) => call("DELETE", path),
    async *stream(path, signal) {
      const response = await open(url, "GET", path, token, trust, signal);
      if (response.statusCode !== 200) throw refusal(response.statusCode, await textOf(response, url), url);
      response.setEncoding("utf8");
      // Half a minute of silence at most is normal: a comment comes meanwhile. A peer that is gone says nothing.
      response.setTimeout(SILENCE_MS, () => response.destroy(new Error("silence")));
      yield "";
      try {
        for await (const chunk of response) yield String(chunk);
      } catch (error) {
        throw unreachable(url, error);
      }
    },
  };
}

async function tokenOf(given: Given, says: (text: string) => UsageError): Promise<string> {
  const data = given.flag("data");
  const named = given.flag("token-file") ?? process.env["MOORING_OPERATOR_TOKEN_FILE"];
  const file = named ?? (data === undefined ? undefined : join(data, "operator-token"));
  if (file === undefined) {
    throw says(
      "there is no token; write --token-file FILE, or --data DIR for a control plane on this machine",
    );
  }
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (named === undefined && codeText(error) === "ENOENT")
      throw says(
        `--data ${data}: no control plane has its data there; name the folder that mooring control-plane has as --data`,
      );
    throw says(
      `the token file ${file} cannot be read (${codeText(error)}); name a file that this user can read`,
    );
  });
  const token = text.trim();
  if (/^[\u0021-\u007e]+$/.test(token)) return token;
  throw says(`the token file ${file} holds no token; it must be one line without spaces`);
}

/** What the connector trusts: the system's roots, and those of the file. A plain connection needs none. */
async function trustOf(
  url: URL,
  file: string | undefined,
  says: (text: string) => UsageError,
): Promise<SecureContext | undefined> {
  if (url.protocol === "http:" && file === undefined) return undefined;
  try {
    return await createTrust()(file);
  } catch (error) {
    throw says(caTrouble(file ?? "", error));
  }
}

function codeText(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error
    ? String(error.code)
    : "unknown error";
}

async function open(
  url: URL,
  method: string,
  path: string,
  token: string,
  trust: SecureContext | undefined,
  signal: AbortSignal,
  body?: unknown,
): Promise<IncomingMessage> {
  const content = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${token}`,
    accept: "application/json, text/event-stream",
    ...(content === undefined
      ? {}
      : { "content-type": "application/json", "content-length": Buffer.byteLength(content) }),
  };
  const options: RequestOptions & { secureContext?: SecureContext } = {
    method,
    headers,
    signal,
    ...(trust === undefined ? {} : { secureContext: trust }),
  };
  const target = new URL(path, url);
  const send = target.protocol === "https:" ? tlsRequest : plainRequest;
  const sent = send(target, options);
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once("response", resolve).once("error", reject);
  });
  sent.end(content);
  try {
    return await answer;
  } catch (error) {
    throw await unopened(url, error);
  }
}

/** Why nothing could be asked. Where the scheme may be the wrong one it says which is right. */
async function unopened(url: URL, error: unknown): Promise<Refused> {
  const { word } = refusalFor(error, url.host);
  const isEnded = word === "connection_reset" || word === "tls_failed";
  if (isEnded && url.protocol === "https:" && (await speaksPlain(url.host)))
    return new Refused(plainWords(url.host), undefined, error);
  if (!isEnded || url.protocol === "https:") return unreachable(url, error);
  const says = `${url.origin} ended the connection without an answer; if it speaks TLS, write --control-plane https://${url.host}.`;
  return new Refused(says, undefined, error);
}

function unreachable(url: URL, error: unknown): Refused {
  const { word, message } = refusalFor(error, url.host);
  if (word.startsWith("certificate_") || word === "tls_failed") return new Refused(message, undefined, error);
  const code = codeText(error);
  const why = code === "ABORT_ERR" || code === "23" ? "it did not answer" : code;
  return new Refused(
    `The control plane ${url.origin} could not be reached (${why}); start it, or correct --control-plane.`,
    undefined,
    error,
  );
}

async function textOf(response: IncomingMessage, url: URL): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) throw new Refused("The control plane's answer is larger than 16 MiB.");
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw unreachable(url, error); // It ended, or fell silent, in the middle of its answer.
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function answerOf(opening: Promise<IncomingMessage>, url: URL): Promise<unknown> {
  const response = await opening;
  const text = await textOf(response, url);
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) throw refusal(status, text, url);
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Refused(
      `${url.origin} answered ${status}, but not in JSON: it is not a Mooring control plane.`,
      status,
      error,
    );
  }
}

/** A problem+json answer (RFC 9457) in one line. */
function refusal(status: number | undefined, text: string, url: URL): Refused {
  if (status === 401)
    return new Refused(`${url.origin} does not know this token; name the right --token-file.`, 401);
  let problem: { title?: unknown; detail?: unknown } = {};
  try {
    problem = JSON.parse(text) as typeof problem;
  } catch {
    // Not ours; the status says enough.
  }
  const words = [problem.title, problem.detail]
    .filter((part) => typeof part === "string" && part !== "")
    .join(": ");
  return new Refused(`${url.origin} answered ${status}${words === "" ? "" : `: ${words}`}`, status);
}
