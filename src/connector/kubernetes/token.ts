import { z } from "zod";

/** What a ServiceAccount's token says of itself. Times are epoch milliseconds. Not verified: the API server does that. */
export interface TokenFacts {
  readonly account?: { readonly namespace: string; readonly name: string };
  readonly issuer?: string;
  readonly audiences: readonly string[];
  readonly endsAt?: number;
  readonly startsAt?: number;
}

const claims = z.object({
  iss: z.string().max(500).optional(),
  sub: z.string().max(600).optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  exp: z.number().optional(),
  nbf: z.number().optional(),
});

/** Undefined where it is no JWT. */
export function factsOfToken(token: string): TokenFacts | undefined {
  const judged = claims.safeParse(payloadOf(token));
  if (!judged.success) return undefined;
  const { iss, sub, aud = [], exp, nbf } = judged.data;
  const [, namespace, name] = /^system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)$/.exec(sub ?? "") ?? [];
  return {
    audiences: typeof aud === "string" ? [aud] : aud,
    ...(namespace !== undefined && name !== undefined && { account: { namespace, name } }),
    ...(iss !== undefined && { issuer: iss }),
    ...(exp !== undefined && { endsAt: exp * 1000 }),
    ...(nbf !== undefined && { startsAt: nbf * 1000 }),
  };
}

function payloadOf(token: string): unknown {
  const [, payload, signature] = token.split(".");
  if (payload === undefined || signature === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
