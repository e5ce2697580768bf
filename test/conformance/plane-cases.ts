import { FRAME_CASES } from "./plane-frames.ts";
import { HANDSHAKE_CASES } from "./plane-handshake.ts";
import { SILENCE_CASES } from "./plane-silence.ts";
import { STORE_CASES } from "./plane-store.ts";

/** What a control plane must keep, by the numbers of docs/protocol.md. */
export const PLANE_CASES = [...HANDSHAKE_CASES, ...FRAME_CASES, ...STORE_CASES, ...SILENCE_CASES].toSorted(
  (a, b) => a.number - b.number,
);
