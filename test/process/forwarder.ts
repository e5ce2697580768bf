import net from "node:net";
import { portOf } from "../../src/demo/held-port.ts";
import { listening, OpenSockets } from "../fake/target.ts";

/** What stands between connectors and their control plane does with sessions; everything else passes. */
export type Way = "works" | "captive" | { readonly cutsIdleMs: number };

const CAPTIVE = "<html>Sign in to this network</html>";

/** A proxy in front of a control plane that treats the sessions of connectors as it is told. */
export class Forwarder implements AsyncDisposable {
  way: Way = "works";
  /** Port of the control plane on loopback. */
  to = 0;
  /** Sessions that were cut for being idle. */
  cuts = 0;
  readonly url: string;
  readonly #target: AsyncDisposable;
  readonly #onwards = new OpenSockets();

  private constructor(server: net.Server, target: AsyncDisposable) {
    this.url = `http://127.0.0.1:${portOf(server)}`;
    this.#target = target;
    server.on("connection", (socket: net.Socket) => {
      socket.once("data", (head) => this.#pass(socket, head));
    });
  }

  static async start(): Promise<Forwarder> {
    const server = net.createServer();
    const target = await listening(server);
    return new Forwarder(server, target);
  }

  #pass(socket: net.Socket, head: Buffer): void {
    const isSession = head.toString("latin1").startsWith("GET /v1/connect");
    if (isSession && this.way === "captive") {
      socket.end(
        `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: ${CAPTIVE.length}\r\nconnection: close\r\n\r\n${CAPTIVE}`,
      );
      return;
    }
    const onward = net.connect({ host: "127.0.0.1", port: this.to });
    this.#onwards.add(onward);
    onward.write(head);
    socket.once("close", () => onward.destroy());
    onward.once("close", () => socket.destroy());
    socket.pipe(onward).pipe(socket);
    if (isSession && typeof this.way === "object") this.#watch(socket, this.way.cutsIdleMs);
  }

  #watch(socket: net.Socket, idleMs: number): void {
    socket.setTimeout(idleMs, () => {
      this.cuts += 1;
      socket.resetAndDestroy();
    });
  }

  /** Ends every connection that is open. */
  cut(): void {
    this.#onwards.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#onwards.destroy();
    await this.#target[Symbol.asyncDispose]();
  }
}
