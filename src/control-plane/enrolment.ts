import { createHash } from "node:crypto";
import { calculateJwkThumbprint, compactVerify, importJWK } from "jose";
import {
  type EnrolAnswer,
  type EnrolError,
  enrolProof,
  type EnrolRequest,
  type PublicKeyJwk,
} from "../protocol/enrolment.ts";
import { uuidv7 } from "../protocol/envelope.ts";
import { isAccountToken, judgeAccountToken } from "./account-token.ts";
import type { Clock, Random } from "./clock.ts";
import type { OwnCluster } from "./own-cluster.ts";
import type { ConnectorRow, JoinTokenRow, Key } from "./store/rows.ts";
import type { Store, Transaction } from "./store/store.ts";

/** How long a join token may be used, at most. Milliseconds. */
export const JOIN_TOKEN_MS = 3_600_000;

export interface EnrolmentPlace {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** What `aud` may be. The one that the proof names is the connector's from then on. */
  readonly audiences: readonly [string, ...string[]];
  /** Asked about the tokens of its ServiceAccounts. */
  readonly cluster: OwnCluster;
}

/** SHA-256 in hexadecimal digits: how secrets of ours are kept. */
export function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Makes a join token for one connector. The token itself is told this once. */
export async function makeJoinToken(
  { store, clock, random }: EnrolmentPlace,
  connector: string,
): Promise<{ id: string; token: string; expiresAt: number }> {
  const now = clock.now();
  const token = `mjt_${Buffer.from(random.bytes(32)).toString("base64url")}`;
  const row: JoinTokenRow = {
    id: uuidv7(now, random.bytes),
    hash: hashOf(token),
    connector,
    createdAt: now,
    expiresAt: now + JOIN_TOKEN_MS,
    usedKeyId: null,
    usedAt: null,
    connectorId: null,
  };
  await store.transact(async (tx) => {
    await tx.putJoinToken(row);
    if ((await tx.connectorByName(connector)) === undefined)
      await tx.putConnector(newConnector(uuidv7(now, random.bytes), connector, now));
  });
  return { id: row.id, token, expiresAt: row.expiresAt };
}

export type Enrolled = { readonly answer: EnrolAnswer } | { readonly error: EnrolError };

/**
 * Takes a connector's key for a join token, or for a token of its ServiceAccount. Again with the same key: the same
 * answer, until the token expires, so that a connector that was killed before it read the answer asks again.
 */
export async function enrol(place: EnrolmentPlace, request: EnrolRequest): Promise<Enrolled> {
  const proven = await verifyProof(request, place.audiences);
  if ("error" in proven) return proven;
  const { audience } = proven;
  const key: Key = { id: await thumbprint(request.publicKeyJwk), x: request.publicKeyJwk.x };
  if (isAccountToken(request.token)) return enrolByAccount(place, request.token, { key, audience });
  return place.store.transact(async (tx) => {
    const token = await tx.joinTokenByHash(hashOf(request.token));
    if (token === undefined) return { error: "token_unknown" };
    const now = place.clock.now();
    if (token.expiresAt <= now) return { error: "token_expired" };
    if (token.usedKeyId !== null && token.usedKeyId !== key.id) return { error: "token_used" };
    const { revokedAt = null } = (await tx.connectorByName(token.connector)) ?? {};
    // Of before the revocation: only a new one brings it back.
    if (token.usedKeyId === null && revokedAt !== null && token.createdAt < revokedAt)
      return { error: "revoked" };
    const connector = token.usedKeyId === null ? await take(tx, place, { token, key, now }) : undefined;
    const connectorId = connector?.id ?? token.connectorId ?? "";
    if ((await tx.connector(connectorId)) === undefined) return { error: "token_used" };
    const answer = { connectorId, connector: token.connector, keyId: key.id, audience, cpTrust: null };
    return { answer };
  });
}

/** The first use: the key waits for the next `ready`. */
async function take(
  tx: Transaction,
  { random }: EnrolmentPlace,
  { token, key, now }: { token: JoinTokenRow; key: Key; now: number },
): Promise<ConnectorRow> {
  const before = await tx.connectorByName(token.connector);
  const connector = before ?? newConnector(uuidv7(now, random.bytes), token.connector, now);
  await tx.putConnector({ ...connector, nextKey: key });
  await tx.putJoinToken({ ...token, usedKeyId: key.id, usedAt: now, connectorId: connector.id });
  return connector;
}

/** Any number of times while the token lives: a new Pod has a new key. The last key waits for the next `ready`. */
async function enrolByAccount(
  place: EnrolmentPlace,
  token: string,
  { key, audience }: { key: Key; audience: string },
): Promise<Enrolled> {
  const judged = await judgeAccountToken(place, token);
  if ("error" in judged) return judged;
  return place.store.transact(async (tx) => {
    // Read again: it may have been removed meanwhile, or registered anew with other keys.
    const identity = await tx.identity(judged.identity.id);
    const connector = identity === undefined ? undefined : await tx.connector(identity.connectorId);
    if (connector === undefined || identity?.createdAt !== judged.identity.createdAt)
      return { error: "token_unknown" };
    const { revokedAt } = connector;
    if (revokedAt !== null && revokedAt >= identity.createdAt) return { error: "revoked" };
    await tx.putIdentity({ ...identity, usedAt: place.clock.now() });
    if (revokedAt !== null || connector.key?.id !== key.id)
      await tx.putConnector({ ...connector, nextKey: key });
    const { id: connectorId, name } = connector;
    return { answer: { connectorId, connector: name, keyId: key.id, audience, cpTrust: null } };
  });
}

export function newConnector(id: string, name: string, now: number): ConnectorRow {
  return {
    id,
    name,
    createdAt: now,
    revokedAt: null,
    key: null,
    nextKey: null,
    epoch: 0,
    state: "never_connected",
    since: now,
    troubles: [],
    version: null,
    install: null,
    instanceId: null,
    lastHeartbeatAt: null,
    lease: null,
  };
}

async function verifyProof(
  { token, publicKeyJwk, proof }: EnrolRequest,
  audiences: readonly string[],
): Promise<{ readonly audience: string } | { readonly error: EnrolError }> {
  try {
    const { payload } = await compactVerify(proof, await importJWK(publicKeyJwk, "EdDSA"), {
      algorithms: ["EdDSA", "Ed25519"],
    });
    const signed = enrolProof.safeParse(JSON.parse(new TextDecoder().decode(payload)));
    if (!signed.success || signed.data.token !== token) return { error: "bad_proof" };
    const { aud } = signed.data;
    return audiences.includes(aud) ? { audience: aud } : { error: "bad_audience" };
  } catch {
    return { error: "bad_proof" };
  }
}

/** `kid` of the tokens that the key signs (RFC 7638). */
export function thumbprint({ kty, crv, x }: PublicKeyJwk): Promise<string> {
  return calculateJwkThumbprint({ kty, crv, x });
}
