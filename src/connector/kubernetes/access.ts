import { kubeconfigAccess, kubeconfigNamespace, triedKubeconfigs } from "./kubeconfig.ts";
import { accountToken, podAccess, podNamespace } from "./pod-account.ts";
import { ApiFailure } from "./api-failure.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A PEM text, or the file that holds it now. */
export type Pem = { readonly file: string } | { readonly text: string };

/** Where the API server is, and who we are to it: as the files say at this moment. */
export interface Access {
  /** May have a path, behind which the API is. */
  readonly server: URL;
  /** What a reference without a namespace means. */
  readonly namespace: string;
  readonly token?: string | undefined;
  /** Who we are as far as the files say it, for people. */
  readonly identity: string;
  /** The file that says it. */
  readonly source: string;
  /** `none` or a proxy's URL; absent: what the environment says. */
  readonly proxy?: string | undefined;
  /** The name that the certificate must have, where it is not the host. */
  readonly serverName?: string | undefined;
  /** Without `ca`: the system's roots. `cert` and `key` are the client's own. */
  readonly tls: {
    readonly ca?: Pem | undefined;
    readonly cert?: Pem | undefined;
    readonly key?: Pem | undefined;
  };
}

/** The Pod's account, else the kubeconfig. Read anew at each call. Throws ApiFailure `no_identity`. */
export async function readAccess(environment: Environment): Promise<Access> {
  const access = (await podAccess(environment)) ?? (await kubeconfigAccess(environment));
  if (access !== undefined) return access;
  const tokenFile = accountToken(environment);
  const tried = triedKubeconfigs(environment);
  const configs =
    tried.length === 0
      ? "neither KUBECONFIG nor HOME says where a kubeconfig is"
      : `no kubeconfig at ${tried.join(", ")}`;
  throw new ApiFailure("no_identity", {
    tokenFile,
    trouble: `there is no token at ${tokenFile}, and ${configs}`,
  });
}

/** The connector's own namespace: the Pod's, else the kubeconfig's, else `default`. */
export function ownNamespace(environment: Environment): string {
  return podNamespace(environment) ?? kubeconfigNamespace(environment) ?? "default";
}
