import type { WebSocket } from "ws";
import { Session } from "./session.ts";
import type { Credential, SessionPlace, Transport } from "./session-place.ts";

/** A WebSocket as a session sees it. */
function transportOf(socket: WebSocket): Transport {
  return {
    send: (frame) =>
      new Promise((resolve, reject) => {
        socket.send(frame, (error) => (error ? reject(error) : resolve()));
      }),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
    bufferedBytes: () => socket.bufferedAmount,
  };
}

/** Runs a session over a socket, until either ends. */
export function runSession(socket: WebSocket, credential: Credential, place: SessionPlace): Session {
  const session = new Session(place, credential, transportOf(socket));
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    if (isBinary) session.close("binary");
    else session.receive(data.toString("utf8"), data.length);
  });
  // ws has sent the close frame that fits (1007, 1009) by then.
  socket.on("error", () => session.ended());
  socket.on("close", () => session.ended());
  session.expectHandshake().catch((error: unknown) => session.fail(error));
  return session;
}
