import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { Failure } from "../../failure.ts";

/** What a server may send in all during one check. */
export const BUDGET_BYTES = 256 * 1024;

/** Methods of login by the code in AuthenticationRequest (PostgreSQL documentation, "Message Formats"). */
const KNOWN_METHODS = new Set([0, 3, 5, 10, 11, 12]);
const METHOD_NAMES: Readonly<Record<number, string>> = {
  2: "Kerberos V5",
  6: "SCM",
  7: "GSSAPI",
  8: "GSSAPI",
  9: "SSPI",
};

/** The types that a server may send before it knows who asks: R, E, N and NegotiateProtocolVersion. */
const FIRST_TYPES = new Set(["R", "E", "N", "v"]);

/**
 * A dialled socket as the driver wants it: already connected, and read over its shoulder. It tells how far the
 * login has come, and ends what is not PostgreSQL, asks for a login that the driver cannot do (the driver would
 * throw where nobody can catch), or sends without end.
 */
export class Wire extends Duplex {
  readonly #socket: Socket;
  readonly #first = Promise.withResolvers<void>();
  readonly #login = Promise.withResolvers<void>();
  #pending: Buffer = Buffer.alloc(0);
  #skip = 0;
  #bytes = 0;
  #answered = false;

  constructor(socket: Socket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("error", (error) => this.destroy(error));
    socket.on("end", () => this.push(null));
    socket.on("close", () => this.destroy());
  }

  /** Resolves at the server's first message, a login request or an error. */
  get answered(): Promise<void> {
    return this.#first.promise;
  }

  /** Resolves when the server has accepted the login. */
  get authenticated(): Promise<void> {
    return this.#login.promise;
  }

  get hasAnswered(): boolean {
    return this.#answered;
  }

  // The driver's view of a net.Socket.
  connect(): this {
    queueMicrotask(() => this.emit("connect"));
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #received(chunk: Buffer): void {
    if (this.destroyed) return;
    this.#bytes += chunk.length;
    if (this.#bytes > BUDGET_BYTES) {
      this.destroy(new Failure("respond", "response_too_large", { budget: "256 KiB" }));
      return;
    }
    const trouble = this.#inspect(chunk);
    if (trouble === undefined) this.push(chunk);
    else this.destroy(trouble);
  }

  /** Walks over the messages: type, length, and of a login request its code. */
  #inspect(chunk: Buffer): Failure | undefined {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const skipped = Math.min(this.#skip, this.#pending.length);
      this.#pending = this.#pending.subarray(skipped);
      this.#skip -= skipped;
      const type = String.fromCharCode(this.#pending[0] ?? 0);
      if (this.#pending.length > 0 && !this.#answered && !FIRST_TYPES.has(type))
        return mismatch(this.#pending);
      if (this.#skip > 0 || this.#pending.length < 5) return undefined;
      const length = this.#pending.readUInt32BE(1);
      if (length < 4 || length > BUDGET_BYTES) return mismatch(this.#pending);
      if (type === "R" && this.#pending.length < 9) return undefined;
      const trouble = this.#message(type, length);
      if (trouble !== undefined) return trouble;
      this.#skip = length + 1;
    }
  }

  #message(type: string, length: number): Failure | undefined {
    if (type !== "N" && !this.#answered) {
      this.#answered = true;
      this.#first.resolve();
    }
    if (type !== "R") return undefined;
    if (length < 8) return mismatch(this.#pending);
    const code = this.#pending.readUInt32BE(5);
    if (code === 0) this.#login.resolve();
    if (KNOWN_METHODS.has(code)) return undefined;
    const method = METHOD_NAMES[code] ?? `a method with the number ${code}`;
    return new Failure("authenticate", "auth_method_unsupported", { method });
  }
}

function mismatch(first: Buffer): Failure {
  const text = first.subarray(0, 8).toString("latin1");
  const spoken = text.startsWith("HTTP/") ? "HTTP" : text.startsWith("SSH-") ? "SSH" : "";
  return new Failure("respond", "protocol_mismatch", { spoken });
}
