import { compactVerify, decodeProtectedHeader, importJWK } from "jose";
import { z } from "zod";
import { TOKEN, type UpgradeError } from "../protocol/enrolment.ts";
import type { Credential } from "./session-place.ts";
import type { Clock } from "./clock.ts";
import type { ConnectorRow, Key } from "./store/rows.ts";
import type { Store } from "./store/store.ts";
import { skewTrouble, withTrouble } from "./troubles.ts";

const claims = z.object({
  iss: z.string().min(1).max(128),
  sub: z.string(),
  aud: z.union([z.string(), z.array(z.string()).max(8)]),
  iat: z.number(),
  exp: z.number(),
  jti: z.string().min(1).max(128),
});
type Claims = z.infer<typeof claims>;

export interface CredentialsPlace {
  readonly store: Store;
  readonly clock: Clock;
  readonly audiences: readonly string[];
  /** Told of a connector whose trouble changed. */
  onTrouble(connectorId: string): void;
}

export type Authenticated = { readonly credential: Credential } | { readonly error: UpgradeError };

/** Longest token that is read, characters. */
const MOST_CHARACTERS = 4_096;

/** Who signed the bearer token of an upgrade, or why it is refused. Each token passes once. */
export async function authenticate(
  place: CredentialsPlace,
  authorization: string | undefined,
): Promise<Authenticated> {
  const [, token] = /^Bearer ([A-Za-z0-9_.-]+)$/i.exec(authorization ?? "") ?? [];
  if (token === undefined || token.length > MOST_CHARACTERS) return { error: "bad_token" };
  const told = claimsOf(token);
  if (told === undefined) return { error: "bad_token" };
  const connector = await place.store.connector(told.iss);
  const key = connector === undefined ? undefined : await signingKey(token, connector);
  if (connector === undefined || key === undefined) return { error: "unknown_key" };
  if (connector.revokedAt !== null && key.id !== connector.nextKey?.id) return { error: "revoked" };
  const error = refusal(told, place);
  if (error === "clock_skew") await noteSkew(place, connector, told.iat);
  if (error !== undefined) return { error };
  const keptUntil = (told.exp + TOKEN.toleranceSeconds) * 1000;
  const isFirst = await place.store.transact((tx) => tx.keepTokenId(`${told.iss}:${told.jti}`, keptUntil));
  if (!isFirst) return { error: "replayed" };
  return { credential: { connectorId: connector.id, connector: connector.name, keyId: key.id } };
}

/** The claims before the signature is checked: only to learn whose key to check it with. */
function claimsOf(token: string): Claims | undefined {
  try {
    const [, body = ""] = token.split(".");
    const parsed = claims.safeParse(JSON.parse(Buffer.from(body, "base64url").toString()));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function kidOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    return undefined;
  }
}

/** The connector's key that signed the token; `kid` saves a try, and may be absent. */
async function signingKey(token: string, { key, nextKey }: ConnectorRow): Promise<Key | undefined> {
  const kid = kidOf(token);
  for (const known of [key, nextKey]) {
    if (known === null || (kid !== undefined && kid !== known.id)) continue;
    if (await isSigned(token, known)) return known;
  }
  return undefined;
}

async function isSigned(token: string, key: Key): Promise<boolean> {
  try {
    const imported = await importJWK({ kty: "OKP", crv: "Ed25519", x: key.x }, "EdDSA");
    await compactVerify(token, imported, { algorithms: ["EdDSA", "Ed25519"] });
    return true;
  } catch {
    return false;
  }
}

function refusal(told: Claims, { clock, audiences }: CredentialsPlace): UpgradeError | undefined {
  const now = clock.now() / 1000;
  if (told.sub !== told.iss || told.exp - told.iat > TOKEN.mostSeconds || told.exp <= told.iat)
    return "bad_token";
  if (![told.aud].flat().some((audience) => audiences.includes(audience))) return "bad_audience";
  if (told.iat > now + TOKEN.toleranceSeconds) return "clock_skew";
  if (told.exp < now - TOKEN.toleranceSeconds) return "expired";
  return undefined;
}

/** A clock that far ahead is told of the connector, once. */
async function noteSkew(place: CredentialsPlace, connector: ConnectorRow, iat: number): Promise<void> {
  if (connector.troubles.some(({ reason }) => reason === "clock_skew")) return;
  const now = place.clock.now();
  const skewMs = (iat + TOKEN.issuedBackSeconds) * 1000 - now;
  await place.store.transact(async (tx) => {
    const row = await tx.connector(connector.id);
    const trouble = skewTrouble(connector.name, skewMs, now);
    if (row !== undefined && trouble !== undefined) await tx.putConnector(withTrouble(row, trouble));
  });
  place.onTrouble(connector.id);
}
