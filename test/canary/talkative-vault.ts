import type { IncomingMessage, ServerResponse } from "node:http";
import { httpServer, type Target } from "../fake/targets.ts";
import { everyForm } from "./echoing.ts";

/** What the store gives out, and repeats in its errors. */
export interface VaultValues {
  /** The field `token` of each secret. */
  readonly value: string;
  /** The token that a login by AppRole brings. */
  readonly loginToken: string;
}

const UNTOLD = /[^\u0020-\u007e]/g;

/**
 * Speaks as much of Vault's API as reading a secret of KV version 2 needs. The last part of the path decides how it
 * fails; every failure repeats the token that asked and the secret's value in all that an answer has room for.
 */
export function talkativeVault(values: VaultValues): Promise<Target> {
  return httpServer((request, response) => void answer(request, response, values));
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  values: VaultValues,
): Promise<void> {
  const body = (await request.toArray()).join("");
  const token = String(request.headers["x-vault-token"] ?? "");
  const all = [token, values.value, body].map((text) => everyForm(text)).join(" ");
  const line = all.replaceAll(UNTOLD, "?");
  const path = new URL(request.url ?? "/", "http://vault").pathname.replace("/v1/", "");
  const say = (status: number, value: object | string, headers: Record<string, string> = {}): void => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    response.writeHead(status, line, { "x-echo": line, ...headers }).end(text);
  };
  const good = (data: object | null, more: object = {}): void =>
    say(200, { request_id: line, data, ...more });
  const bad = (status: number, headers?: Record<string, string>): void =>
    say(status, { errors: [all, `1 error occurred: ${all}`], data: { token: all } }, headers);

  if (path === "auth/approle/login")
    return good(null, { auth: { client_token: values.loginToken, lease_duration: 3600 } });
  if (path.startsWith("auth/") && path.endsWith("/login")) return bad(400);
  if (path === "auth/token/lookup-self")
    return good({ policies: [values.value, token, line], display_name: line });
  if (path.startsWith("sys/internal/ui/mounts/"))
    return good({ path: "secret/", type: "kv", options: { version: "2" } });
  if (path === "sys/health")
    return say(200, { initialized: true, sealed: false, standby: false, cluster_name: all });
  if (request.method === "LIST") return good({ keys: [`missing-${values.value}`, token, "missin"] });
  const metadata = { version: 1, created_time: "2026-01-02T03:04:05Z", deletion_time: "", destroyed: false };
  const kind = path.split("/").at(-1);
  if (kind === "forbidden") return bad(403);
  if (kind === "broken") return bad(500);
  if (kind === "throttled") return bad(429, { "retry-after": line });
  if (kind === "moved")
    return bad(307, { location: `http://${encodeURIComponent(token)}.test/${encodeURIComponent(all)}` });
  if (kind === "prose") return say(200, `<html>${all}</html>`);
  if (kind === "unparsable")
    return good({ data: { token: [values.value], other: { deep: values.value } }, metadata });
  if (kind === "keyed") return good({ data: { [values.value]: values.value }, metadata });
  if (kind === "good") return good({ data: { token: values.value }, metadata });
  return bad(404);
}
