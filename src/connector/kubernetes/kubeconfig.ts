import { dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import type { Evidence } from "../../protocol/words.ts";
import { parseProxy } from "../dial/proxy.ts";
import { readBoundedText, SMALL_FILE, UnfitFile } from "../bounded-file.ts";
import { codeOf } from "../failure.ts";
import type { Access, Environment, Pem } from "./access.ts";
import { ApiFailure } from "./api-failure.ts";
import { readToken, smallTextNow } from "./pod-account.ts";

const text = z.string().optional();

/** What we use of a kubeconfig: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ */
const cluster = z.object({
  server: z.string(),
  "certificate-authority": text,
  "certificate-authority-data": text,
  "tls-server-name": text,
  "proxy-url": text,
});
const user = z.object({
  token: text,
  tokenFile: text,
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
  username: text,
  exec: z.object({ command: text }).optional(),
  "auth-provider": z.object({ name: text }).optional(),
});
const context = z.object({ cluster: z.string(), user: z.string().default(""), namespace: text });
const named = <T extends z.ZodType>(key: string, shape: T) =>
  z.array(z.object({ name: z.string(), [key]: shape })).nullish();
const kubeconfig = z.object({
  "current-context": text,
  clusters: named("cluster", cluster),
  users: named("user", user),
  contexts: named("context", context),
});

type Cluster = z.infer<typeof cluster>;
type User = z.infer<typeof user>;
interface Source {
  readonly file: string;
  readonly text: string;
}
interface Found<T> {
  readonly file: string;
  readonly name: string;
  readonly value: T;
}
interface Merged {
  readonly context: Found<z.infer<typeof context>>;
  readonly cluster: Found<Cluster>;
  readonly user: Found<User> | undefined;
}

/** The files that count, the first of several first: as kubectl has it. */
export function triedKubeconfigs({ KUBECONFIG, HOME }: Environment): string[] {
  if (KUBECONFIG !== undefined && KUBECONFIG !== "")
    return KUBECONFIG.split(":").filter((file) => file !== "");
  return HOME === undefined || HOME === "" ? [] : [join(HOME, ".kube", "config")];
}

/** What the kubeconfig says now; undefined where there is none. Throws ApiFailure `no_identity`. */
export async function kubeconfigAccess(environment: Environment): Promise<Access | undefined> {
  const sources: Source[] = [];
  for (const file of triedKubeconfigs(environment)) {
    try {
      sources.push({ file, text: await readBoundedText(file, SMALL_FILE) });
    } catch (error) {
      const code = codeOf(error);
      if (code === "ENOENT" || code === "ENOTDIR") continue;
      const what = error instanceof UnfitFile ? error.message : `it cannot be read (${code ?? "unknown"})`;
      throw unusable(file, what);
    }
  }
  return sources.length === 0 ? undefined : await accessOf(merge(sources));
}

/** The namespace of the kubeconfig's context, undefined where it says none. Reads at once. */
export function kubeconfigNamespace(environment: Environment): string | undefined {
  const sources = triedKubeconfigs(environment).flatMap((file) => {
    const text = smallTextNow(file);
    return text === undefined ? [] : [{ file, text }];
  });
  try {
    return sources.length === 0 ? undefined : merge(sources).context.value.namespace;
  } catch {
    return undefined; // What is wrong with it is told by whoever needs more of it.
  }
}

function unusable(file: string, what: string, more: Evidence = {}): ApiFailure {
  return new ApiFailure("no_identity", {
    file,
    trouble: `the kubeconfig ${file} cannot be used: ${what}`,
    ...more,
  });
}

/** YAML is slow and the files hardly ever change: the last one that was read is kept. */
let last: { readonly key: string; readonly merged: Merged } | undefined;

function merge(sources: readonly Source[]): Merged {
  const key = JSON.stringify(sources);
  if (last?.key === key) return last.merged;
  const merged = mergeNow(sources);
  last = { key, merged };
  return merged;
}

/** Of several files the first that names a thing counts. */
function mergeNow(sources: readonly Source[]): Merged {
  const files = sources.map(({ file, text }) => ({ file, config: parsed(file, text) }));
  const find = <T>(
    list: (config: z.infer<typeof kubeconfig>) => unknown,
    key: string,
    name: string,
  ): Found<T> | undefined => {
    for (const { file, config } of files) {
      const entries = (list(config) ?? []) as readonly (Record<string, unknown> & { name: string })[];
      const entry = entries.find((one) => one.name === name);
      if (entry !== undefined) return { file, name, value: entry[key] as T };
    }
    return undefined;
  };
  const file = files[0]?.file ?? "";
  const current = files
    .map(({ config }) => config["current-context"])
    .find((name) => name !== undefined && name !== "");
  if (current === undefined) throw unusable(file, "it has no current-context");
  const context = find<Merged["context"]["value"]>((config) => config.contexts, "context", current);
  if (context === undefined)
    throw unusable(file, `it has no context ${current}, which is its current-context`);
  const cluster = find<Cluster>((config) => config.clusters, "cluster", context.value.cluster);
  if (cluster === undefined)
    throw unusable(
      context.file,
      `it has no cluster ${context.value.cluster}, which its context ${current} names`,
    );
  return { context, cluster, user: find<User>((config) => config.users, "user", context.value.user) };
}

function parsed(file: string, text: string): z.infer<typeof kubeconfig> {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 100, logLevel: "error" });
  } catch {
    // The parser's message repeats lines of the file.
    throw unusable(file, "it is not YAML");
  }
  const judged = kubeconfig.safeParse(value);
  if (judged.success) return judged.data;
  const path = judged.error.issues[0]?.path.join(".") ?? "";
  throw unusable(file, path === "" ? "it is not a kubeconfig" : `${path} is not as it must be`);
}

async function accessOf({ context, cluster, user }: Merged): Promise<Access> {
  const { server, "tls-server-name": serverName, "proxy-url": proxyUrl = "" } = cluster.value;
  const proxy = proxyUrl === "" ? undefined : proxyUrl;
  if (proxy !== undefined && parseProxy(proxy) === undefined)
    throw unusable(cluster.file, `the proxy-url of cluster ${cluster.name} is no http:// or https:// proxy`);
  const loopback = /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]/.test(`${server}/`);
  if (!URL.canParse(server) || !(server.startsWith("https://") || loopback))
    throw unusable(cluster.file, `the server of cluster ${cluster.name} is no https:// address`);
  const login = user === undefined ? {} : await loginOf(user);
  if (login.token === undefined && login.cert === undefined) throw noLogin(context, user);
  const ca = pemOf(cluster, "certificate-authority");
  return {
    server: new URL(server),
    namespace: context.value.namespace ?? "default",
    token: login.token,
    identity: `User ${user?.name ?? ""} of ${context.file}`,
    source: context.file,
    proxy,
    serverName,
    tls: { ca, cert: login.cert, key: login.key },
  };
}

async function loginOf(
  user: Found<User>,
): Promise<{ token?: string | undefined; cert?: Pem | undefined; key?: Pem | undefined }> {
  const { tokenFile, token } = user.value;
  const fromFile =
    tokenFile === undefined || tokenFile === ""
      ? undefined
      : await readToken(resolve(dirname(user.file), tokenFile));
  const cert = pemOf(user, "client-certificate");
  return { token: fromFile ?? (token?.trim() || undefined), cert, key: cert && pemOf(user, "client-key") };
}

/**
 * Programs that a kubeconfig names are not run: a connector starts no other programs, they would get its environment,
 * no image has them, and a login that a person made in a browser is none for a service.
 */
function noLogin({ file, value }: Merged["context"], user: Found<User> | undefined): ApiFailure {
  if (user === undefined) return unusable(file, `it has no user ${value.user || "for its context"}`);
  const { exec, "auth-provider": provider, username, tokenFile } = user.value;
  const foreign = (what: string): ApiFailure =>
    unusable(user.file, `its user ${user.name} logs in by ${what}`, {
      loginUser: user.name,
    });
  if (exec !== undefined)
    return foreign(`running ${exec.command ?? "a program"}, which the connector does not do`);
  if (provider !== undefined)
    return foreign(`the provider ${provider.name ?? ""}, which the connector does not have`);
  if (username !== undefined) return foreign("a password, which no API server takes any more");
  if (tokenFile !== undefined)
    return unusable(user.file, `its user ${user.name} has its token in ${tokenFile}, which is not there`);
  return unusable(user.file, `its user ${user.name} has neither a token nor a client certificate`);
}

/** `X` is a file beside the kubeconfig, `X-data` its content as Base64; the content counts first. */
function pemOf<T extends Cluster | User>({ file, value }: Found<T>, key: string): Pem | undefined {
  const fields = value as Readonly<Record<string, unknown>>;
  const data = fields[`${key}-data`];
  if (typeof data === "string" && data !== "") return { text: Buffer.from(data, "base64").toString("utf8") };
  const path = fields[key];
  return typeof path === "string" && path !== "" ? { file: resolve(dirname(file), path) } : undefined;
}
