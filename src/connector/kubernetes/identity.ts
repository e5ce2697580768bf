import type { Access } from "./access.ts";
import { factsOfToken, type TokenFacts } from "./token.ts";

export interface Identity {
  /** For people: `ServiceAccount mooring/reader`, `User jane`. */
  readonly words: string;
  /** Where we are a ServiceAccount. */
  readonly account?: { readonly namespace: string; readonly name: string };
  /** The name that RBAC knows us by, where we are no ServiceAccount. */
  readonly user?: string;
  /** What our token says, where it is one that says something. */
  readonly token?: TokenFacts;
}

/** Who an access makes us. `ask`: what the API server calls us; where it fails, the files' own words must do. */
export async function identityOf(access: Access, ask?: () => Promise<string>): Promise<Identity> {
  const token = access.token === undefined ? undefined : factsOfToken(access.token);
  const more = token === undefined ? {} : { token };
  if (token?.account !== undefined) return { ...asAccount(token.account), ...more };
  const user = await ask?.().catch(() => undefined);
  if (user === undefined) return { words: access.identity, ...more };
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  if (namespace !== undefined && name !== undefined) return { ...asAccount({ namespace, name }), ...more };
  return { words: `User ${user}`, user, ...more };
}

function asAccount(account: { readonly namespace: string; readonly name: string }): Identity {
  return { words: `ServiceAccount ${account.namespace}/${account.name}`, account };
}
