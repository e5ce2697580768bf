import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

export const ISSUER = "https://kubernetes.default.svc.cluster.local";
export const SUBJECT = "system:serviceaccount:mooring:mooring-connector";

/** The key by which a cluster signs the tokens of its ServiceAccounts. */
export interface ClusterKey {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function clusterKey(kid: string, alg = "RS256"): Promise<ClusterKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

/** A ServiceAccount's token for an hour. `claims` replaces what a good one says; times in seconds. */
export function accountToken(
  { privateKey, jwk }: ClusterKey,
  claims: { readonly aud: string | string[]; readonly [claim: string]: unknown },
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const good = { iss: ISSUER, sub: SUBJECT, iat: now, nbf: now, exp: now + 3600 };
  const header = { alg: jwk.alg ?? "RS256", kid: jwk.kid ?? "" };
  return new SignJWT({ ...good, ...claims }).setProtectedHeader(header).sign(privateKey);
}
