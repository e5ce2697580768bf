import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { readBoundedText, type Bound, UnfitFile } from "../bounded-file.ts";
import { codeOf } from "../failure.ts";
import { endpoint } from "../dial/address.ts";
import type { Access, Environment } from "./access.ts";
import { ApiFailure } from "./api-failure.ts";

/** Where the kubelet puts the token, the authority and the namespace of a Pod's ServiceAccount. */
const MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** A token, a namespace: small. */
const SMALL: Bound = { mostBytes: 64 * 1024, regular: true };

/** The folder of the account's files. Another one where they are projected to another place. */
export function accountFolder(environment: Environment): string {
  return environment["MOORING_SERVICE_ACCOUNT_DIR"] ?? MOUNT;
}

export function accountToken(environment: Environment): string {
  return join(accountFolder(environment), "token");
}

/**
 * The Pod's own account, read anew: the kubelet replaces the token while it runs. Undefined where none is mounted.
 * Throws ApiFailure `no_identity` where it is there and cannot be used.
 */
export async function podAccess(environment: Environment): Promise<Access | undefined> {
  const tokenFile = accountToken(environment);
  const token = await readToken(tokenFile);
  if (token === undefined) return undefined;
  const host = environment["KUBERNETES_SERVICE_HOST"] || "kubernetes.default.svc";
  const port =
    environment["KUBERNETES_SERVICE_PORT_HTTPS"] || environment["KUBERNETES_SERVICE_PORT"] || "443";
  const folder = accountFolder(environment);
  return {
    server: new URL(`https://${endpoint(host, Number(port) || 443)}`),
    namespace: podNamespace(environment) ?? "default",
    token,
    identity: "ServiceAccount of this Pod",
    source: tokenFile,
    // It stands beside us: a proxy for what is outside of the cluster has no part in it.
    proxy: "none",
    tls: { ca: { file: join(folder, "ca.crt") } },
  };
}

/** What a token file holds; undefined where there is none. Throws ApiFailure `no_identity`. */
export async function readToken(file: string): Promise<string | undefined> {
  const unfit = (what: string, cause?: unknown): ApiFailure =>
    new ApiFailure("no_identity", { unfitToken: file, trouble: `${file} ${what}` }, { cause });
  let text: string;
  try {
    text = (await readBoundedText(file, SMALL)).trim();
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const what =
      error instanceof UnfitFile
        ? `holds no token: ${error.message}`
        : `cannot be read (${code ?? "unknown"})`;
    throw unfit(what, error);
  }
  if (text === "") throw unfit("is empty");
  // What cannot stand in a header is no token, and undici would repeat it in its error.
  if (!/^[\x21-\x7e]+$/.test(text)) throw unfit("holds more than a token");
  return text;
}

/** The namespace that the Pod runs in, undefined outside of one. */
export function podNamespace(environment: Environment): string | undefined {
  const mounted = smallTextNow(join(accountFolder(environment), "namespace"))?.trim();
  return mounted || environment["MOORING_INSTALL_NAMESPACE"] || undefined;
}

/** A kubeconfig is as small as that. */
const MOST_NOW = 1024 * 1024;

/** The text of a small file, at once; undefined where it cannot be read. A name cannot wait for a file. */
export function smallTextNow(file: string): string | undefined {
  let handle: number | undefined;
  try {
    handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(handle);
    if (!stat.isFile()) return undefined;
    const bytes = Buffer.alloc(Math.min(stat.size, MOST_NOW));
    return bytes.toString("utf8", 0, readSync(handle, bytes, 0, bytes.length, 0));
  } catch {
    return undefined;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
