import type { Socket } from "node:net";
import { assertStanding } from "../../dial/connect.ts";
import { Failure } from "../../failure.ts";

/** SSLRequest: length 8, code 80877103 (PostgreSQL documentation, "Message Formats"). */
const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47);

/** Asks the server for TLS. Resolves where it agrees; nothing but its one byte may have come by then. */
export async function askForTls(socket: Socket, signal: AbortSignal): Promise<void> {
  assertStanding(socket);
  const answer = await firstBytes(socket, signal);
  if (answer.length === 1 && answer[0] === 0x53) return; // S
  if (answer.length === 1 && answer[0] === 0x4e) throw new Failure("tls", "tls_unsupported"); // N
  const text = answer.subarray(0, 8).toString("latin1");
  const spoken = text.startsWith("HTTP/") ? "HTTP" : text.startsWith("SSH-") ? "SSH" : "";
  throw new Failure("respond", "protocol_mismatch", { spoken });
}

function firstBytes(socket: Socket, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void): void => {
      socket.off("data", onData).off("error", onError).off("close", onClose);
      signal.removeEventListener("abort", onAbort);
      socket.pause();
      act();
    };
    const onData = (chunk: Buffer): void => finish(() => resolve(chunk));
    const onError = (error: Error): void => finish(() => reject(error));
    const onClose = (): void =>
      finish(() => reject(new Failure("tls", "tls_handshake_failed", { how: "closed" })));
    const onAbort = (): void => finish(() => reject(new Failure("tls", "tls_timeout")));
    socket.on("data", onData).on("error", onError).on("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
    socket.write(SSL_REQUEST);
  });
}
