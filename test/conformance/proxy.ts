import net from "node:net";
import { portOf } from "../../src/demo/held-port.ts";
import { listening, type Target } from "../fake/target.ts";
import { type Direction, FrameReader, type Tap } from "./frames.ts";

/** What the network does from now on. All of it can be changed under way. */
export interface Weather {
  /** Added to every chunk in each direction, milliseconds. */
  latencyMs: number;
  /** Nothing passes, nothing is lost: what waits passes when it thaws. New connections freeze, too. */
  frozen: boolean;
  /** A connection is reset as soon as so many bytes have passed in one of its directions. */
  limitBytes: number;
  /** What happens to new connections. `hang`: they are taken and nothing is ever said. */
  newcomers: "pass" | "hang" | "reset";
}

const FAIR: Weather = {
  latencyMs: 0,
  frozen: false,
  limitBytes: Number.POSITIVE_INFINITY,
  newcomers: "pass",
};

/** One connection through the proxy. */
interface Pair {
  readonly client: net.Socket;
  readonly server: net.Socket;
}

/**
 * Stands between a connector and a control plane, and does to their connections what networks do. It sees the frames:
 * a tap may hold, change or add some. Plain TCP; loopback alone.
 */
export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly weather: Weather = { ...FAIR };
  /** Port of the server behind; may change. */
  to: number;
  /** Sees every text frame. */
  tap: Tap | undefined;
  /** Connections that were accepted so far. */
  accepted = 0;
  readonly #listening: Target;
  readonly #pairs = new Set<Pair>();
  readonly #hanging = new Set<net.Socket>();

  private constructor(server: net.Server, listeningServer: Target, to: number) {
    this.port = portOf(server);
    this.url = `http://127.0.0.1:${this.port}`;
    this.to = to;
    this.#listening = listeningServer;
    server.on("connection", (socket: net.Socket) => this.#take(socket));
  }

  static async start(to = 0): Promise<FaultProxy> {
    const server = net.createServer({ allowHalfOpen: true });
    return new FaultProxy(server, await listening(server), to);
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Ends every connection with FIN in both directions. */
  cut(): void {
    for (const { client, server } of this.#pairs) for (const socket of [client, server]) socket.destroySoon();
  }

  /** Ends every connection with RST in both directions. */
  reset(): void {
    for (const { client, server } of this.#pairs)
      for (const socket of [client, server]) socket.resetAndDestroy();
  }

  /** Sends FIN one way; the other way stays open. `up` tells the server that the client is done. */
  halfClose(direction: Direction): void {
    for (const { client, server } of this.#pairs) (direction === "up" ? server : client).end();
  }

  freeze(): void {
    this.weather.frozen = true;
    for (const { client, server } of this.#pairs) for (const socket of [client, server]) socket.pause();
  }

  thaw(): void {
    this.weather.frozen = false;
    for (const { client, server } of this.#pairs) for (const socket of [client, server]) socket.resume();
  }

  /** Forgets the connections that are there: nothing of them passes any more, in no direction, without a word. */
  blackhole(): void {
    for (const { client, server } of this.#pairs) {
      for (const socket of [client, server])
        socket.removeAllListeners("data").removeAllListeners("end").resume();
      this.#hanging.add(client).add(server);
    }
    this.#pairs.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { server } of this.#pairs) server.destroy();
    for (const socket of this.#hanging) socket.destroy();
    await this.#listening[Symbol.asyncDispose]();
  }

  #take(client: net.Socket): void {
    this.accepted += 1;
    const { newcomers } = this.weather;
    if (newcomers === "reset") return void client.resetAndDestroy();
    if (newcomers === "hang") return void this.#hanging.add(client.resume());
    const server = net.connect({ host: "127.0.0.1", port: this.to, allowHalfOpen: true });
    const pair = { client, server };
    this.#pairs.add(pair);
    this.#pass(pair, "up");
    this.#pass(pair, "down");
  }

  #pass(pair: Pair, direction: Direction): void {
    const [from, into] = direction === "up" ? [pair.client, pair.server] : [pair.server, pair.client];
    const reader = new FrameReader(direction, (text) => this.tap?.(text, direction));
    const later = this.#inOrder();
    let bytes = 0;
    from.on("error", () => {});
    from.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > this.weather.limitBytes) return void [from, into].map((socket) => socket.resetAndDestroy());
      const passed = reader.push(chunk);
      later(() => into.writable && into.write(passed));
    });
    from.on("end", () => later(() => into.end()));
    from.on("close", () => {
      this.#pairs.delete(pair);
      if (!this.#hanging.has(into)) later(() => into.destroySoon());
    });
    if (this.weather.frozen) from.pause();
  }

  /** Does one thing after the other, each as late as the weather wants it. */
  #inOrder(): (act: () => void) => void {
    let last = 0;
    return (act) => {
      const { latencyMs } = this.weather;
      const at = Math.max(last, performance.now() + latencyMs);
      if (latencyMs === 0 && last <= performance.now()) return act();
      last = at;
      setTimeout(act, at - performance.now());
    };
  }
}
