import { CONNECTOR_HANDSHAKE_CASES } from "./connector-handshake.ts";
import { CONNECTOR_RECONNECT_CASES } from "./connector-reconnect.ts";
import { CONNECTOR_STREAM_CASES } from "./connector-stream.ts";

/** What a connector must keep, by the numbers of docs/protocol.md. */
export const CONNECTOR_CASES = [
  ...CONNECTOR_HANDSHAKE_CASES,
  ...CONNECTOR_RECONNECT_CASES,
  ...CONNECTOR_STREAM_CASES,
].toSorted((a, b) => a.number - b.number);
