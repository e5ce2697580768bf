import { once } from "node:events";
import net from "node:net";

/** A TCP port that is ours although nothing listens on it: connecting to it is refused. */
export interface HeldPort extends AsyncDisposable {
  /** 1–65535 */
  port: number;
}

/**
 * Takes a port of the loopback address and keeps it: the local end of a connection is bound to it, so the
 * kernel gives it to nobody else, while connecting to it is refused. A server that sets SO_REUSEADDR may
 * still listen on it by number (on Linux).
 */
export async function holdPort(host: "127.0.0.1" | "::1" = "127.0.0.1"): Promise<HeldPort> {
  const server = net.createServer();
  server.listen(0, host);
  await once(server, "listening");
  const accepted = once(server, "connection");
  const holder = net.connect({ host, port: portOf(server), localAddress: host });
  const [[peer]] = (await Promise.all([accepted, once(holder, "connect")])) as [[net.Socket], unknown];
  for (const end of [holder, peer]) end.on("error", () => {});
  server.close();
  return {
    port: holder.localPort ?? 0,
    async [Symbol.asyncDispose]() {
      if (holder.destroyed) return;
      const closed = Promise.all([once(holder, "close"), once(peer, "close")]);
      holder.resetAndDestroy();
      peer.destroy();
      await closed;
    },
  };
}

/** The TCP port a listening server has, 1–65535. */
export function portOf(server: net.Server): number {
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("the server does not listen on a port");
  return address.port;
}
