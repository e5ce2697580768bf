import { uuidv7 } from "../protocol/envelope.ts";
import { type EnrolmentPlace, newConnector } from "./enrolment.ts";
import { shareKey } from "./public-jwks.ts";
import type { IdentityRow } from "./store/rows.ts";

export type Registration = Pick<IdentityRow, "connector" | "issuer" | "subject" | "jwks">;

/**
 * Registers a ServiceAccount whose tokens enrol a connector. The same account for the same connector again replaces
 * what was registered (new keys, or after a revocation). `taken`: another connector has it already.
 */
export function register(
  { store, clock, random }: Pick<EnrolmentPlace, "store" | "clock" | "random">,
  wish: Registration,
): Promise<{ readonly identity: IdentityRow } | { readonly taken: string }> {
  const now = clock.now();
  return store.transact(async (tx) => {
    const same = await tx.identitiesOf(wish.issuer, wish.subject);
    const other = same.find((row) => row.connector !== wish.connector && isAmbiguous(row, wish));
    if (other !== undefined) return { taken: other.connector };
    const known = await tx.connectorByName(wish.connector);
    const connector = known ?? newConnector(uuidv7(now, random.bytes), wish.connector, now);
    if (known === undefined) await tx.putConnector(connector);
    const id = same.find((row) => row.connectorId === connector.id)?.id ?? uuidv7(now, random.bytes);
    const identity = { ...wish, id, connectorId: connector.id, createdAt: now, usedAt: null };
    await tx.putIdentity(identity);
    return { identity };
  });
}

/** Whether one token could mean either. Clusters of the same issuer's name have different keys. */
function isAmbiguous(row: IdentityRow, wish: Registration): boolean {
  return (row.jwks === null && wish.jwks === null) || shareKey(row.jwks, wish.jwks);
}
