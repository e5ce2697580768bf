import type { Answer, Api } from "./api.ts";

/** Vault does not know the token any more. Caught where tokens are replaced: it leaves the store as a Failure. */
export class RefusedToken extends Error {
  override readonly name = "RefusedToken";
}

/** What the token may do, as far as Vault tells. */
export interface Standing {
  /** Its policies besides `default`; none where it may not look itself up. */
  readonly policies: readonly string[];
}

/**
 * After a 403: a token that is known and may not, or one that Vault does not know? Throws RefusedToken for the latter.
 * lookup-self is granted by the policy `default`; without that policy the list of mounts tells: any token that is
 * known gets one.
 */
export async function standingOf(api: Api, token: string, signal: AbortSignal): Promise<Standing> {
  const looked = await api.call({ path: "auth/token/lookup-self", token }, signal);
  if (looked.status === 200) return { policies: policiesOf(looked) };
  const listed = await api.call({ path: "sys/internal/ui/mounts", token }, signal);
  if (listed.status === 403) throw new RefusedToken();
  return { policies: [] };
}

function policiesOf({ value }: Answer): string[] {
  const data = value["data"] as Record<string, unknown> | null | undefined;
  const lists = [data?.["policies"], data?.["identity_policies"]].flatMap((list) =>
    Array.isArray(list) ? (list as unknown[]) : [],
  );
  const names = lists.filter((name) => typeof name === "string" && /^[\w./ -]{1,128}$/.test(name));
  return (names as string[]).filter((name) => name !== "default");
}

/** Which of the paths the token may read; undefined where it may not ask. */
export async function readable(
  api: Api,
  token: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const body = { paths };
  const answer = await api.call({ method: "POST", path: "sys/capabilities-self", token, body }, signal);
  const data = answer.value["data"];
  if (answer.status !== 200 || typeof data !== "object" || data === null) return undefined;
  return paths.filter((path) => {
    const may: unknown = Reflect.get(data, path);
    return Array.isArray(may) && (may.includes("read") || may.includes("root"));
  });
}
