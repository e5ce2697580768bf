import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The files and variables that a Pod has of its account. */
export interface Pod extends AsyncDisposable {
  readonly directory: string;
  readonly environment: Record<string, string>;
  /** The kubelet renews a file: `token`, `ca.crt`, `namespace`. */
  renew(file: string, text: string): Promise<void>;
}

export interface PodFiles {
  readonly url: string;
  readonly ca: string;
  readonly token?: string | undefined;
  readonly namespace?: string;
}

export async function pod({ url, ca, token, namespace = "mooring" }: PodFiles): Promise<Pod> {
  const directory = await mkdtemp(join(tmpdir(), "mooring-pod-"));
  const renew = (file: string, text: string): Promise<void> => writeFile(join(directory, file), text);
  await renew("ca.crt", ca);
  await renew("namespace", namespace);
  if (token !== undefined) await renew("token", token);
  const { hostname, port } = new URL(url);
  const environment = {
    MOORING_SERVICE_ACCOUNT_DIR: directory,
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
  };
  return {
    directory,
    environment,
    renew,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** A token that says who it is, as a ServiceAccount's does; signed by nobody. */
export function unsignedToken(claims: Readonly<Record<string, unknown>>, mark: string): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}.${Buffer.from(mark).toString("base64url")}`;
}
