import net from "node:net";
import { holdPort } from "../../src/demo/held-port.ts";
import { listening, type Target, type Where } from "./target.ts";

export type { Target, Where } from "./target.ts";
export { blackHole } from "./black-hole.ts";
export { httpServer, httpsServer, tlsServer, type Secure, type TlsSettings } from "./secure.ts";

/** When a target starts to talk: as soon as it has accepted, or once the first bytes have come. */
export type When = "connect" | "data";

/** Runs the handler on every accepted socket. The socket's errors are swallowed. */
export function scripted(handler: (socket: net.Socket) => void, where?: Where): Promise<Target> {
  return listening(net.createServer(handler), where);
}

/** A port where nothing listens, and where nothing else will listen until disposal. */
export async function refusedPort(where: Where = {}): Promise<Target> {
  const host = where.host ?? "127.0.0.1";
  const held = await holdPort(host);
  return {
    host,
    port: held.port,
    accepted: () => 0,
    open: () => 0,
    idle: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
  };
}

/** Accepts and reads, and never answers. */
export function silent(where?: Where): Promise<Target> {
  return scripted((socket) => socket.resume(), where);
}

/** Sends RST as soon as it has accepted. */
export function resets(where?: Where): Promise<Target> {
  return scripted((socket) => socket.resetAndDestroy(), where);
}

/** Sends RST when the first bytes have come. */
export function resetsAfterBytes(where?: Where): Promise<Target> {
  return scripted((socket) => socket.once("data", () => socket.resetAndDestroy()), where);
}

/** Sends FIN as soon as it has accepted. */
export function closes(where?: Where): Promise<Target> {
  return scripted((socket) => socket.resume().end(), where);
}

/** Sends FIN when the first bytes have come. */
export function closesAfterBytes(where?: Where): Promise<Target> {
  return scripted((socket) => socket.on("data", () => socket.end()), where);
}

/** Says the given bytes once (another protocol's banner, say) and then stays silent, or sends FIN. */
export function speaks(
  bytes: Uint8Array | string,
  options: Where & { when: When; thenEnd?: boolean },
): Promise<Target> {
  return scripted((socket) => {
    startTalking(socket, options.when, () => {
      if (options.thenEnd === true) socket.end(bytes);
      else socket.write(bytes);
    });
  }, options);
}

/** Writes the prefix once and then the chunk (default 16 KiB of "x") forever, as fast as it is read. */
export function babbles(
  options: Where & { when: When; prefix?: Uint8Array | string; chunk?: Uint8Array | string },
): Promise<Target> {
  const chunk = options.chunk ?? Buffer.alloc(16_384, "x");
  return scripted((socket) => {
    const more = () => {
      if (socket.writable) socket.write(chunk, () => setImmediate(more));
    };
    startTalking(socket, options.when, () => {
      if (options.prefix !== undefined) socket.write(options.prefix);
      more();
    });
  }, options);
}

/** Writes one byte every `everyMs` milliseconds, the first one at once, and starts over at the end. */
export function drips(
  bytes: Uint8Array | string,
  options: Where & { when: When; everyMs: number },
): Promise<Target> {
  const all = Buffer.from(bytes);
  return scripted((socket) => {
    let at = 0;
    const drip = () => {
      if (socket.writable) socket.write(all.subarray(at % all.length, (at % all.length) + 1));
      at += 1;
    };
    startTalking(socket, options.when, () => {
      drip();
      const timer = setInterval(drip, options.everyMs);
      socket.once("close", () => clearInterval(timer));
    });
  }, options);
}

/** Sends back what it gets. */
export function echoes(where?: Where): Promise<Target> {
  return scripted((socket) => socket.pipe(socket), where);
}

/** Reads everything, and calls `talk` once at the given moment. */
function startTalking(socket: net.Socket, when: When, talk: () => void): void {
  socket.resume();
  if (when === "data") socket.once("data", talk);
  else talk();
}
