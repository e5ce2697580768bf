import { type Sha256, stateDigest } from "../protocol/digest.ts";
import type { Hello, Welcome } from "../protocol/session-frames.ts";
import type { StreamRow } from "./store/rows.ts";
import type { Transaction } from "./store/store.ts";

export type Resume = Welcome["resume"];

/**
 * How the stream goes on: after the mark that is stored, or, where the connector no longer has what comes
 * after it, after what it still has, with a snapshot. A mark is never lowered: a `hello` that was long on its
 * way knows less than the stream has brought since.
 */
export function resumeOf(stream: Hello["stream"], row: StreamRow | undefined): Resume {
  if (row === undefined || row.mark < stream.first - 1) return { mode: "snapshot", last: stream.first - 1 };
  const needsSnapshot = row.snapshotPending || row.mark > stream.next - 1;
  return { mode: needsSnapshot ? "snapshot" : "resume", last: row.mark };
}

/** The same, and a snapshot where nothing is on the way and the states differ all the same. */
export async function resumeWithDigest(
  tx: Transaction,
  hello: Hello,
  of: { connectorId: string; sha256: Sha256 },
): Promise<Resume> {
  const resume = resumeOf(hello.stream, await tx.stream(of.connectorId, hello.stream.id));
  const isWhole = resume.mode === "resume" && resume.last === hello.stream.next - 1;
  if (!isWhole || hello.stateDigest === null) return resume;
  const rows = await tx.integrations(of.connectorId);
  const ours = stateDigest(
    rows.map((row) =>
      row.pending ? { name: row.name, type: row.type, pending: true } : { ...row, pending: false },
    ),
    of.sha256,
  );
  return ours === hello.stateDigest ? resume : { mode: "snapshot", last: resume.last };
}
