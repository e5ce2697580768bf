import { noteServerTime } from "../fleet/now.ts";

/** A refusal or a failure to reach the control plane, in words that are fit for a person (RFC 9457). */
export class Problem extends Error {
  /** The HTTP status, or 0 where no answer came. */
  readonly status: number;
  readonly title: string;

  constructor(status: number, title: string, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.status = status;
    this.title = title;
  }
}

/** Told of every 401, so that the page can ask for a sign-in. */
let whenSignedOut: () => void = () => {};

/** Names what a 401 leads to. */
export function onSignedOut(act: () => void): void {
  whenSignedOut = act;
}

interface Problematic {
  readonly title?: unknown;
  readonly detail?: unknown;
}

async function problemOf(response: Response): Promise<Problem> {
  let told: Problematic = {};
  try {
    told = (await response.json()) as Problematic;
  } catch {
    // Not ours: a proxy's own page. The status is all there is.
  }
  const title = typeof told.title === "string" ? told.title : `The control plane answered ${response.status}`;
  return new Problem(response.status, title, typeof told.detail === "string" ? told.detail : "");
}

/**
 * One request to the control plane's API. Throws a Problem for every answer that is not 2xx and where none came.
 * What changes something carries the header that a foreign page cannot send.
 */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!headers.has("accept")) headers.set("accept", "application/json");
  if (init.method !== undefined && init.method !== "GET") headers.set("mooring-page", "1");
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, { ...init, headers, credentials: "same-origin" });
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new Problem(0, "The control plane does not answer", "This browser got no answer from it.", {
      cause: error,
    });
  }
  noteServerTime(response.headers.get("date"));
  if (response.ok) return response;
  if (response.status === 401 && path !== "/session") whenSignedOut();
  throw await problemOf(response);
}

/** Reads one JSON document. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await request(path, signal === undefined ? {} : { signal })).json()) as T;
}

/** Sends a command; null where the answer has no body. */
export async function send<T>(method: "POST" | "DELETE", path: string, body?: unknown): Promise<T | null> {
  const headers = new Headers();
  if (body !== undefined) headers.set("content-type", "application/json");
  if (method === "POST") headers.set("idempotency-key", crypto.randomUUID());
  const init = { method, headers, body: body === undefined ? null : JSON.stringify(body) };
  const text = await (await request(path, init)).text();
  return text === "" ? null : (JSON.parse(text) as T);
}
