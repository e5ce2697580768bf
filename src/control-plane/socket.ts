import type { WebSocket } from "ws";
import { Session } from "./session.ts";
import type { Credential, SessionPlace, Transport } from "./session-place.ts";

/** A WebSocket as a session sees it. */
class SocketTransport implements Transport {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  send(frame: string, left: () => void): void {
    this.#socket.send(frame, left);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }
}

/** Runs a session over a socket, until either ends. */
export function runSession(socket: WebSocket, credential: Credential, place: SessionPlace): Session {
  const session = new Session(place, credential, new SocketTransport(socket));
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    if (isBinary) session.close("binary");
    else session.receive(data.toString("utf8"), data.length);
  });
  const ended = (): void => session.ended();
  // ws has sent the close frame that fits (1007, 1009) by then.
  socket.on("error", ended);
  socket.on("close", ended);
  session.expectHandshake().catch((error: unknown) => session.fail(error));
  return session;
}
