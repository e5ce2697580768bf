/** Which way a frame goes. */
export type Direction = "up" | "down";

/** What becomes of a text frame: it passes (undefined), or these go on instead of it. */
export type Tap = (text: string, direction: Direction) => readonly string[] | undefined;

const TEXT = 1;

/**
 * Finds the WebSocket frames (RFC 6455 §5.2) in one direction of a connection, and hands its whole text frames to the
 * tap. Everything else – heads, other protocols, binary and control frames, fragments – passes as it came.
 */
export class FrameReader {
  readonly #direction: Direction;
  readonly #tap: Tap;
  #mode: "head" | "frames" | "bytes" = "head";
  #rest = Buffer.alloc(0);

  constructor(direction: Direction, tap: Tap) {
    this.#direction = direction;
    this.#tap = tap;
  }

  /** Bytes came; gives those that go on. */
  push(chunk: Buffer): Buffer {
    if (this.#mode === "bytes") return chunk;
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const out: Buffer[] = [];
    if (this.#mode === "head") out.push(this.#head());
    if (this.#mode === "frames")
      for (let one = this.#frame(); one !== undefined; one = this.#frame()) out.push(one);
    return Buffer.concat(out);
  }

  #head(): Buffer {
    const start = this.#rest.toString("latin1", 0, 4);
    if (!["GET ", "HTTP"].some((known) => known.startsWith(start))) return this.#everything();
    const end = this.#rest.indexOf("\r\n\r\n");
    if (end === -1) return Buffer.alloc(0);
    const head = this.#rest.subarray(0, end + 4);
    const isUpgrade = /^(GET .*^upgrade: websocket|HTTP\/1\.1 101)/ims.test(head.toString("latin1"));
    if (!isUpgrade) return this.#everything();
    this.#mode = "frames";
    this.#rest = this.#rest.subarray(head.length);
    return head;
  }

  /** No upgrade: whatever comes from here on passes. */
  #everything(): Buffer {
    this.#mode = "bytes";
    return this.#rest;
  }

  #frame(): Buffer | undefined {
    const layout = layoutOf(this.#rest);
    if (layout === undefined) return undefined;
    const raw = this.#rest.subarray(0, layout.end);
    this.#rest = this.#rest.subarray(layout.end);
    if (!layout.isWholeText) return raw;
    const instead = this.#tap(payloadOf(raw, layout).toString("utf8"), this.#direction);
    return instead === undefined
      ? raw
      : Buffer.concat(instead.map((text) => textFrame(text, this.#direction === "up")));
  }
}

interface Layout {
  readonly isWholeText: boolean;
  readonly mask: number | undefined;
  readonly payload: number;
  readonly end: number;
}

/** Where the parts of the first frame are; undefined where it is not whole yet. */
function layoutOf(bytes: Buffer): Layout | undefined {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const short = second & 0x7f;
  const wide = short === 126 ? 2 : short === 127 ? 8 : 0;
  const isMasked = (second & 0x80) !== 0;
  const payload = 2 + wide + (isMasked ? 4 : 0);
  if (bytes.length < payload) return undefined;
  const length = wide === 2 ? bytes.readUInt16BE(2) : wide === 8 ? Number(bytes.readBigUInt64BE(2)) : short;
  const end = payload + length;
  if (bytes.length < end) return undefined;
  return { isWholeText: first === (0x80 | TEXT), mask: isMasked ? payload - 4 : undefined, payload, end };
}

function payloadOf(raw: Buffer, { mask, payload, end }: Layout): Buffer {
  const bytes = Buffer.from(raw.subarray(payload, end));
  if (mask === undefined) return bytes;
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = (bytes[at] ?? 0) ^ (raw[mask + (at % 4)] ?? 0);
  return bytes;
}

/** One whole frame as it is on the wire; a client's is masked, by zeros. */
export function wireFrame(opcode: number, payload: Uint8Array, { masked = false, fin = true } = {}): Buffer {
  const head = Buffer.alloc(14);
  head[0] = (fin ? 0x80 : 0) | opcode;
  const short = payload.length < 126 ? payload.length : payload.length < 65_536 ? 126 : 127;
  head[1] = (masked ? 0x80 : 0) | short;
  if (short === 126) head.writeUInt16BE(payload.length, 2);
  if (short === 127) head.writeBigUInt64BE(BigInt(payload.length), 2);
  const wide = short === 126 ? 2 : short === 127 ? 8 : 0;
  return Buffer.concat([head.subarray(0, 2 + wide + (masked ? 4 : 0)), payload]);
}

function textFrame(text: string, masked: boolean): Buffer {
  return wireFrame(TEXT, Buffer.from(text), { masked });
}
