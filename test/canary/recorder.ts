import net from "node:net";
import { portOf } from "../../src/demo/held-port.ts";
import { listening, type Target } from "../fake/target.ts";

/** Stands between a connector and a control plane and keeps every byte. Plain TCP on loopback. */
export class Recorder implements AsyncDisposable {
  readonly url: string;
  /** Port of the server behind. */
  to = 0;
  readonly #listening: Target;
  /** Each direction of each connection, in the order of its bytes. */
  readonly #streams: Buffer[][] = [];

  private constructor(server: net.Server, taken: Target) {
    this.#listening = taken;
    this.url = `http://127.0.0.1:${portOf(server)}`;
    server.on("connection", (client: net.Socket) => this.#take(client));
  }

  static async start(): Promise<Recorder> {
    const server = net.createServer();
    return new Recorder(server, await listening(server));
  }

  /** What all WebSocket frames carried, of any kind and in both directions, unmasked. */
  frames(): readonly Buffer[] {
    return this.#streams.flatMap((chunks) => payloadsOf(Buffer.concat(chunks)));
  }

  #take(client: net.Socket): void {
    const server = net.connect({ host: "127.0.0.1", port: this.to });
    for (const [from, into] of [
      [client, server],
      [server, client],
    ] as const) {
      const stream: Buffer[] = [];
      this.#streams.push(stream);
      from.on("data", (chunk: Buffer) => {
        stream.push(chunk);
        into.write(chunk);
      });
      from.on("error", () => {}).on("close", () => into.destroySoon());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listening[Symbol.asyncDispose]();
  }
}

/** The payloads of the frames (RFC 6455 §5.2) after the head of an upgrade; none where there was no upgrade. */
function payloadsOf(stream: Buffer): readonly Buffer[] {
  const end = stream.indexOf("\r\n\r\n");
  if (!/^(GET .*^upgrade: websocket|HTTP\/1\.1 101)/ims.test(stream.toString("latin1", 0, end))) return [];
  const payloads: Buffer[] = [];
  let rest = stream.subarray(end + 4);
  while (rest.length >= 2) {
    const [first = 0, second = 0] = rest;
    // A compressed frame could hide a value.
    if ((first & 0x70) !== 0) throw new Error("a frame uses an extension, which this cannot read");
    const short = second & 0x7f;
    const wide = short === 126 ? 2 : short === 127 ? 8 : 0;
    const mask = 2 + wide;
    const start = mask + ((second & 0x80) === 0 ? 0 : 4);
    if (rest.length < start) break;
    const length = wide === 2 ? rest.readUInt16BE(2) : wide === 8 ? Number(rest.readBigUInt64BE(2)) : short;
    const payload = Buffer.from(rest.subarray(start, start + length));
    if (start > mask) for (let at = 0; at < payload.length; at += 1) payload[at]! ^= rest[mask + (at % 4)]!;
    payloads.push(payload);
    rest = rest.subarray(start + length);
  }
  return payloads;
}
