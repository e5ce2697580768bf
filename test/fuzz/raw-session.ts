import http from "node:http";
import type { Duplex } from "node:stream";
import { SUBPROTOCOL } from "../../src/protocol/envelope.ts";
import { parseFrame } from "../../src/protocol/frames.ts";
import { FrameReader } from "../conformance/frames.ts";

/** A socket behind its upgrade that takes any bytes, and knows what whole text frames came back. */
export class RawSession {
  readonly socket: Duplex;
  /** Text frames that came, oldest first. */
  readonly texts: string[] = [];
  /** Frames that came and that no end may send. */
  readonly strange: string[] = [];
  isOver = false;
  #wake: (() => void)[] = [];

  constructor(socket: Duplex, from: "up" | "down") {
    this.socket = socket;
    const reader = new FrameReader(from, (text) => {
      this.texts.push(text);
      if (parseFrame(text).kind !== "frame") this.strange.push(text.slice(0, 300));
      return undefined;
    });
    // The reader begins behind a head.
    reader.push(
      Buffer.from(from === "down" ? "HTTP/1.1 101\r\n\r\n" : "GET / HTTP/1.1\r\nupgrade: websocket\r\n\r\n"),
    );
    socket.on("data", (chunk: Buffer) => {
      reader.push(chunk);
      this.#wakeAll();
    });
    const over = (): void => {
      this.isOver = true;
      this.#wakeAll();
    };
    socket.on("error", over).on("close", over).on("end", over);
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  send(bytes: Buffer): void {
    if (!this.isOver) this.socket.write(bytes);
  }

  /** The first text that fits; undefined where the socket ends or the time is over. */
  async until(fits: (text: string) => boolean, ms = 2_000): Promise<string | undefined> {
    const deadline = performance.now() + ms;
    for (;;) {
      const found = this.texts.find(fits);
      if (found !== undefined || this.isOver || performance.now() > deadline) return found;
      await this.pause(50);
    }
  }

  /** Until something comes, or so long. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** Upgrades as a connector with that token; undefined where it is refused. */
export function upgraded(url: string, token: string): Promise<RawSession | undefined> {
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": Buffer.alloc(16, "k").toString("base64"),
    "sec-websocket-protocol": SUBPROTOCOL,
    authorization: `Bearer ${token}`,
  };
  return new Promise((resolve) => {
    const request = http.get(`${url}/v1/connect`, { headers, agent: false, timeout: 5_000 });
    request.on("upgrade", (_response, socket) => resolve(new RawSession(socket, "down")));
    request.on("response", (response) => {
      response.resume();
      resolve(undefined);
    });
    request.on("error", () => resolve(undefined));
  });
}
