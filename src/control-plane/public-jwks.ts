import { importJWK, type JWK } from "jose";
import { z } from "zod";
import type { IdentityRow, PublicJwk } from "./store/rows.ts";

/** A cluster has a handful. */
const MOST_KEYS = 20;
const LEAST_RSA_BITS = 2048;

/** A JSON Web Key Set as it is sent. */
export const jwksBody = z.object({
  keys: z
    .array(z.looseObject({ kty: z.string() }))
    .min(1)
    .max(MOST_KEYS),
});

/** The members of a public key (RFC 7518 §6), and what says which one it is. All others are left out. */
const MEMBERS = ["kty", "kid", "alg", "use", "n", "e", "crv", "x", "y"] as const;
const ALG: Readonly<Record<string, string>> = {
  RSA: "RS256",
  "P-256": "ES256",
  "P-384": "ES384",
  "P-521": "ES512",
  Ed25519: "EdDSA",
};

export type ReadKeys =
  | { readonly jwks: NonNullable<IdentityRow["jwks"]> }
  /** What is wrong, without the key. */
  | { readonly problem: string };

/** The public keys of a set. */
export async function readPublicKeys({ keys }: z.infer<typeof jwksBody>): Promise<ReadKeys> {
  const read: PublicJwk[] = [];
  for (const [index, key] of keys.entries()) {
    const problem = await unfit(key);
    if (problem !== undefined) return { problem: `jwks.keys[${index}] ${problem}` };
    const members = MEMBERS.filter((member) => typeof key[member] === "string");
    read.push(Object.fromEntries(members.map((member) => [member, key[member]])) as PublicJwk);
  }
  const kids = new Set(read.map(({ kid = "" }) => kid));
  if (kids.size < read.length) return { problem: "jwks.keys have the same kid twice" };
  return { jwks: { keys: read } };
}

async function unfit(key: z.infer<typeof jwksBody>["keys"][number]): Promise<string | undefined> {
  if ("d" in key || "k" in key) return "is a private key; give the cluster's public keys alone";
  if (typeof key["kid"] !== "string" || key["kid"] === "") return "has no kid";
  const alg = ALG[key.kty === "RSA" ? "RSA" : String(key["crv"])];
  if (alg === undefined) return "is neither RSA, EC (P-256, P-384, P-521) nor Ed25519";
  if (key["use"] !== undefined && key["use"] !== "sig") return "is not for signatures";
  try {
    await importJWK({ ...(key as JWK), ext: true, key_ops: ["verify"] }, alg);
  } catch {
    return "cannot be read as a public key";
  }
  const bits = key.kty === "RSA" ? Buffer.from(String(key["n"]), "base64url").length * 8 : LEAST_RSA_BITS;
  return bits < LEAST_RSA_BITS ? `is shorter than ${LEAST_RSA_BITS} bits` : undefined;
}

/** Whether a key is in both sets, whatever it is called there. */
export function shareKey(one: IdentityRow["jwks"], other: IdentityRow["jwks"]): boolean {
  const known = new Set(one?.keys.map(materialOf));
  return other?.keys.some((key) => known.has(materialOf(key))) ?? false;
}

const materialOf = ({ kty, n = "", x = "", y = "" }: PublicJwk): string => [kty, n, x, y].join(" ");
