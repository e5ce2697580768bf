import { STANDARD } from "../../src/protocol/limits.ts";
import type { FakeControlPlane, FakeSession } from "../fake/control-plane.ts";
import { eventually } from "../process/programs.ts";

/** The durations of `welcome` at that scale. */
export function timesOf({ scale }: { readonly scale: number }): {
  readonly intervalMs: number;
  readonly answerMs: number;
  readonly unreachableMs: number;
} {
  const { heartbeatMs, answerMs, unreachableMs } = STANDARD;
  return {
    intervalMs: heartbeatMs * scale,
    answerMs: answerMs * scale,
    unreachableMs: unreachableMs * scale,
  };
}

/** The newest session that is ready, behind so many others: on a busy machine a handshake may be late, and is tried again. */
export function readySession(plane: FakeControlPlane, behind = 0): Promise<FakeSession> {
  return eventually("a session that is ready", () => {
    const last = plane.sessions.slice(behind).at(-1);
    const isOpen = last?.socket.readyState === last?.socket.OPEN;
    return isOpen && last?.frames.some(({ type }) => type === "session.ready") === true ? last : undefined;
  });
}
