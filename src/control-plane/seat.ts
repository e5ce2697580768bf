import type { CloseName } from "../protocol/close-codes.ts";
import { type Hello, instanceKey } from "../protocol/session-frames.ts";
import { type Resume, resumeOf } from "./resume.ts";
import type { Credential, SessionPlace } from "./session-place.ts";
import type { ConnectorRow } from "./store/rows.ts";
import type { Transaction } from "./store/store.ts";
import { skewTrouble, withoutTrouble, withTrouble } from "./troubles.ts";

/** What `ready` came to: the session's epoch and how far its stream is stored, or why it is closed. */
export type Seat =
  | {
      readonly epoch: number;
      readonly mark: number;
      readonly wasSilent: boolean;
      /** `welcome` asked for no snapshot, and one is needed all the same. */
      readonly resync: boolean;
    }
  | { readonly close: CloseName };

export interface Claim {
  readonly credential: Credential;
  readonly hello: Hello;
  /** What `welcome` said. */
  readonly resume: Resume;
  /** How far the connector's clock is ahead, milliseconds. */
  readonly skewMs: number;
  /** When its socket was opened; monotonic milliseconds. */
  readonly openedAt: number;
}

const SILENT = ["unreachable", "offline", "never_connected"];

/** One transaction: the connector is this session's from here on, or it is refused. */
export async function takeSeat(tx: Transaction, place: SessionPlace, claim: Claim): Promise<Seat> {
  const { connectorId, keyId } = claim.credential;
  const row = await tx.connector(connectorId);
  if (row === undefined) return { close: "mustEnrol" };
  const isNext = row.nextKey?.id === keyId;
  if (row.revokedAt !== null && !isNext) return { close: "revoked" };
  if (!isNext && row.key?.id !== keyId) return { close: "unauthorized" };
  const { leaseUid, leaseTransitions } = claim.hello.instance;
  const term =
    leaseUid === null || leaseTransitions === null ? null : { uid: leaseUid, transitions: leaseTransitions };
  const isSameLease = term !== null && row.lease?.uid === term.uid;
  // An earlier leader that does not know yet that it leads no more.
  if (isSameLease && term.transitions < (row.lease?.transitions ?? 0)) return { close: "superseded" };
  // A later term is the leader's own election, not two that take turns.
  const isElected = isSameLease && term.transitions > (row.lease?.transitions ?? 0);
  const sitting = place.hub.sittingInstance(connectorId);
  const newcomer = instanceKey(claim.hello.instance);
  if (place.hub.isLate(connectorId, { instanceId: newcomer, openedAt: claim.openedAt }))
    return { close: "superseded" };
  if (!isElected && !place.hub.takeovers.admits(connectorId, { newcomer, sitting }, place.clock.tick())) {
    await refuseDuplicate(tx, row, { newcomer, sitting: sitting ?? "", now: place.clock.now() });
    return { close: "duplicateIdentity" };
  }
  const epoch = row.epoch + 1;
  await tx.putConnector({ ...seated(row, claim, { epoch, now: place.clock.now() }), lease: term });
  const stream = await openStream(tx, claim, place.clock.now());
  return { epoch, ...stream, wasSilent: SILENT.includes(row.state) };
}

function seated(row: ConnectorRow, claim: Claim, at: { epoch: number; now: number }): ConnectorRow {
  const { hello, credential, skewMs } = claim;
  const isNext = row.nextKey?.id === credential.keyId;
  const skew = skewTrouble(row.name, skewMs, at.now);
  const clean = withoutTrouble(row, "clock_skew");
  return {
    ...(skew === undefined ? clean : withTrouble(clean, skew)),
    key: isNext ? row.nextKey : row.key,
    nextKey: isNext ? null : row.nextKey,
    revokedAt: isNext ? null : row.revokedAt,
    epoch: at.epoch,
    state: "connected",
    since: row.state === "connected" ? row.since : at.now,
    version: hello.version,
    install: hello.install,
    instanceId: instanceKey(hello.instance),
    lastHeartbeatAt: at.now,
  };
}

/**
 * The mark is read again: the session that is displaced may have come further since `welcome`. Where an older
 * stream is taken up after this one, what is stored is not what its connector told.
 */
async function openStream(
  tx: Transaction,
  { credential, hello, resume }: Claim,
  now: number,
): Promise<{ mark: number; resync: boolean }> {
  const { connectorId } = credential;
  const { id: streamId } = hello.stream;
  const again = resumeOf(hello.stream, await tx.stream(connectorId, streamId));
  const isNeeded = again.mode === "snapshot";
  const snapshotPending = isNeeded || resume.mode === "snapshot";
  await tx.putStream({ connectorId, streamId, mark: again.last, snapshotPending, usedAt: now });
  await tx.doubtOtherStreams(connectorId, streamId);
  return { mark: again.last, resync: isNeeded && resume.mode === "resume" };
}

async function refuseDuplicate(
  tx: Transaction,
  row: ConnectorRow,
  { newcomer, sitting, now }: { newcomer: string; sitting: string; now: number },
): Promise<void> {
  const evidence = { connector: row.name, sitting, refused: newcomer };
  await tx.putConnector(withTrouble(row, { reason: "duplicate_identity", evidence, at: now }));
}
