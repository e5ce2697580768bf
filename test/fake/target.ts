import { once } from "node:events";
import type net from "node:net";
import { portOf } from "../../src/demo/held-port.ts";

/** Somewhere to connect to. Disposing destroys every socket it has and frees its port. */
export interface Target extends AsyncDisposable {
  /** "127.0.0.1" or "::1" */
  host: string;
  /** TCP port, 1–65535 */
  port: number;
  /** sockets accepted so far */
  accepted(): number;
  /** sockets open now */
  open(): number;
  /** resolves when no socket is open */
  idle(): Promise<void>;
}

/** Where a fake listens; the port is always an ephemeral one. */
export interface Where {
  /** default "127.0.0.1" */
  host?: "127.0.0.1" | "::1";
}

/** Listens with the given server (plain, TLS or HTTP: all emit "connection" for each raw socket). */
export async function listening(server: net.Server, where: Where = {}): Promise<Target> {
  const sockets = new OpenSockets();
  server.on("connection", (socket: net.Socket) => sockets.add(socket));
  const host = where.host ?? "127.0.0.1";
  server.listen(0, host);
  await once(server, "listening");
  return {
    host,
    port: portOf(server),
    accepted: () => sockets.added,
    open: () => sockets.size,
    idle: () => sockets.idle(),
    async [Symbol.asyncDispose]() {
      const closed = server.listening ? once(server, "close") : undefined;
      server.close();
      sockets.destroy();
      await closed;
    },
  };
}

/** The sockets of one server, counted and watched until they close; their errors are not of interest. */
export class OpenSockets {
  /** how many were ever added */
  added = 0;
  #sockets = new Set<net.Socket>();
  #waiting: (() => void)[] = [];

  /** how many are open now */
  get size(): number {
    return this.#sockets.size;
  }

  add(socket: net.Socket): void {
    this.added += 1;
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#remove(socket));
  }

  /** Resolves when none is open, at once if that is so now. */
  idle(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #remove(socket: net.Socket): void {
    this.#sockets.delete(socket);
    if (this.size > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
