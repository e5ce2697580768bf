import { readBoundedText, SMALL_FILE } from "../../bounded-file.ts";

/** Where a pod's own token is mounted. */
export const POD_TOKEN_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/** Whom a JWT is about. It names the identity to people; nobody trusts it. */
export function subjectOf(token: string): string | undefined {
  const [, payload = ""] = token.split(".");
  try {
    const { sub } = Object(JSON.parse(Buffer.from(payload, "base64url").toString())) as { sub?: unknown };
    return typeof sub === "string" && /^[\w.:@/-]{1,127}$/.test(sub) ? sub : undefined;
  } catch {
    return undefined;
  }
}

/** The pod's Kubernetes ServiceAccount; undefined outside of a pod. */
export async function podAccount(
  tokenFile: string,
): Promise<{ readonly namespace: string; readonly name: string } | undefined> {
  let token: string;
  try {
    token = await readBoundedText(tokenFile, SMALL_FILE);
  } catch {
    return undefined; // Not in a pod, or without a token: a name for the words is all that is lost.
  }
  const [, namespace, name] =
    /^system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)$/.exec(subjectOf(token) ?? "") ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}
