/**
 * What a test uses of a cluster: its API by plain HTTPS, kubectl, helm, and ServiceAccounts' tokens.
 * kubectl and helm keep their caches and settings in the cluster's own directory, not in the user's home.
 */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { toolPaths } from "./binaries.ts";
import { type RunOptions, run } from "./processes.ts";

/** How long one call of the API may take, milliseconds. */
const CALL_MS = 15_000;

export interface Answer {
  readonly status: number;
  /** The parsed JSON, or the text of what is none. */
  readonly body: unknown;
}

export interface TokenOptions {
  /** Default: the API server's own. */
  readonly audience?: string;
  /** At least 600; default 3600. */
  readonly expirationSeconds?: number;
}

export interface ToolOptions extends RunOptions {
  /** A file of `kubeconfig`, to be somebody else than the administrator. */
  readonly kubeconfig?: string;
}

export interface Client {
  /** https://ADDRESS:PORT */
  readonly url: string;
  /** The authority of the API server's certificate, PEM. */
  readonly caFile: string;
  /** Its user is `admin` of the group system:masters. */
  readonly adminToken: string;
  /** One call of the API as the administrator, or by another token. `path` begins with a slash. */
  call(method: string, path: string, options?: { body?: unknown; token?: string }): Promise<Answer>;
  isReady(): Promise<boolean>;
  /** Writes a kubeconfig and gives its path: the administrator's, or another token's. */
  kubeconfig(options?: { token?: string; namespace?: string; path?: string }): Promise<string>;
  /** A token of a ServiceAccount that exists, by TokenRequest. */
  serviceAccountToken(namespace: string, name: string, options?: TokenOptions): Promise<string>;
  /** Resolves to its standard output; throws CommandFailed. */
  kubectl(args: readonly string[], options?: ToolOptions): Promise<string>;
  /** Resolves to its standard output; throws CommandFailed. */
  helm(args: readonly string[], options?: ToolOptions): Promise<string>;
}

/** The client of a cluster; its API server need not run yet. */
export function clientOf(url: string, caFile: string, adminToken: string, directory: string): Client {
  let written = 0;

  const call: Client["call"] = (method, path, { body, token = adminToken } = {}) =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      // No connection is kept: a test may stop the server and look again.
      const options = { method, headers, ca: readFileSync(caFile), timeout: CALL_MS, agent: false } as const;
      const asked = request(new URL(path, url), options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", reject);
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString()) });
        });
      });
      asked.on("timeout", () => asked.destroy(new Error(`${method} ${path}: no answer in ${CALL_MS} ms`)));
      asked.on("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
    });

  const kubeconfig: Client["kubeconfig"] = async ({ token = adminToken, namespace, path } = {}) => {
    written += 1;
    const file = path ?? join(directory, `${written}.kubeconfig`);
    const text = kubeconfigText({ server: url, caFile, token, ...(namespace && { namespace }) });
    await writeFile(file, text, { mode: 0o600 });
    return file;
  };

  let admin: Promise<string> | undefined;
  const tool = async (path: string, args: readonly string[], options: ToolOptions = {}): Promise<string> => {
    const file = options.kubeconfig ?? (await (admin ??= kubeconfig()));
    const homes = ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "KUBECACHEDIR", "HOME"];
    const own = Object.fromEntries(homes.map((name) => [name, join(directory, name.toLowerCase())]));
    return run([path, ...args], { ...options, env: { ...own, KUBECONFIG: file, ...options.env } });
  };

  return {
    url,
    caFile,
    adminToken,
    call,
    kubeconfig,
    isReady: () =>
      call("GET", "/readyz").then(
        ({ status }) => status === 200,
        () => false,
      ),
    async serviceAccountToken(namespace, name, { audience, expirationSeconds = 3600 } = {}) {
      const spec = { expirationSeconds, ...(audience !== undefined && { audiences: [audience] }) };
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
      const { status, body } = await call("POST", path, { body: { spec } });
      if (status !== 201) throw new Error(`token of ${namespace}/${name}: ${JSON.stringify(body)}`);
      return (body as { status: { token: string } }).status.token;
    },
    kubectl: (args, options) => tool(toolPaths().kubectl, args, options),
    helm: (args, options) => tool(toolPaths().helm, args, options),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

interface Login {
  readonly server: string;
  readonly caFile: string;
  readonly token: string;
  readonly namespace?: string;
}

/** A kubeconfig of one cluster and one user (JSON is YAML). */
export function kubeconfigText({ server, caFile, token, namespace = "default" }: Login): string {
  const name = "test";
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "certificate-authority": caFile } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    "current-context": name,
  });
}
