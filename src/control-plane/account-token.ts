import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from "jose";
import { z } from "zod";
import { type EnrolError, TOKEN } from "../protocol/enrolment.ts";
import type { Clock } from "./clock.ts";
import type { OwnCluster } from "./own-cluster.ts";
import type { IdentityRow } from "./store/rows.ts";
import type { Reads } from "./store/store.ts";

/** What a ServiceAccount's token says of itself, as far as it matters. Times are epoch seconds. */
const claims = z.object({
  iss: z.string().min(1).max(500),
  sub: z.string().min(1).max(400),
  aud: z.union([z.string(), z.array(z.string()).max(32)]),
  exp: z.number(),
  nbf: z.number().optional(),
});
type Claims = z.infer<typeof claims>;

/** What may sign: public keys alone, so neither `none` nor a shared secret. */
export const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

export interface AccountPlace {
  readonly store: Pick<Reads, "identitiesOf">;
  readonly clock: Clock;
  readonly audiences: readonly string[];
  readonly cluster: Pick<OwnCluster, "review">;
}

export type Judged = { readonly identity: IdentityRow } | { readonly error: EnrolError };

/** A join token has no dots. */
export function isAccountToken(token: string): boolean {
  return token.split(".").length === 3;
}

/** Whose token it is, verified, or why it enrols nobody. */
export async function judgeAccountToken(place: AccountPlace, token: string): Promise<Judged> {
  // Not verified yet: only to learn whose keys to verify it with.
  const told = claimsIn(Buffer.from(token.split(".")[1] ?? "", "base64url"));
  if (told === undefined) return { error: "token_unknown" };
  let error: EnrolError = "token_unknown";
  // Clusters often have the same issuer by name: then the keys tell them apart.
  for (const identity of await place.store.identitiesOf(told.iss, told.sub)) {
    const refused = await refusal(place, { token, told, identity });
    if (refused === undefined) return { identity };
    if (error === "token_unknown" || error === "token_rejected") error = refused;
  }
  return { error };
}

interface Candidate {
  readonly token: string;
  readonly told: Claims;
  readonly identity: IdentityRow;
}

async function refusal(
  place: AccountPlace,
  { token, told, identity }: Candidate,
): Promise<EnrolError | undefined> {
  if (identity.jwks === null) return unfit(told, place) ?? (await reviewed(place, token, told));
  const signed = await signedClaims(token, identity.jwks);
  if (signed?.iss !== identity.issuer || signed.sub !== identity.subject) return "token_rejected";
  return unfit(signed, place);
}

/** What a token says that one of the keys signed. */
async function signedClaims(
  token: string,
  jwks: NonNullable<IdentityRow["jwks"]>,
): Promise<Claims | undefined> {
  try {
    const keys = createLocalJWKSet(structuredClone(jwks) as unknown as JSONWebKeySet);
    const { payload } = await compactVerify(token, keys, { algorithms: ALGORITHMS });
    return claimsIn(payload);
  } catch {
    return undefined;
  }
}

/** The cluster is also asked whether the account and the Pod are still there. */
async function reviewed(
  { cluster, audiences }: AccountPlace,
  token: string,
  told: Claims,
): Promise<EnrolError | undefined> {
  const ours = [told.aud].flat().filter((audience) => audiences.includes(audience));
  const answer = await cluster.review(token, ours);
  if (typeof answer === "string") return answer;
  // An API server that knows nothing of audiences names none.
  const isMeant = answer.audiences.some((audience) => ours.includes(audience));
  return answer.username === told.sub && isMeant ? undefined : "token_rejected";
}

function unfit({ aud, exp, nbf }: Claims, { clock, audiences }: AccountPlace): EnrolError | undefined {
  const now = clock.now() / 1000;
  if (![aud].flat().some((audience) => audiences.includes(audience))) return "bad_audience";
  if (exp <= now - TOKEN.toleranceSeconds) return "token_expired";
  return nbf !== undefined && nbf > now + TOKEN.toleranceSeconds ? "clock_skew" : undefined;
}

function claimsIn(payload: Uint8Array): Claims | undefined {
  try {
    return claims.safeParse(JSON.parse(new TextDecoder().decode(payload))).data;
  } catch {
    return undefined;
  }
}
