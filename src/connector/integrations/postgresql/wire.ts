import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { Failure } from "../../failure.ts";
import { isKnownType, isWellFormed } from "./grammar.ts";

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

/** A step of SCRAM that must have come right before this one: the driver fails without a name otherwise. */
const STEP_BEFORE: Readonly<Record<number, number>> = { 11: 10, 12: 11 };

/** The types that a server may send before it knows who asks. */
const FIRST_TYPES = new Set(["R", "E", "N"]);

/** The content type of a TLS record that is an alert. */
const TLS_ALERT = 0x15;

/** A message's type and length. */
const HEADER_BYTES = 5;

/**
 * A dialled socket as the driver wants it: already connected, and read before the driver does. It tells how far
 * the login has come, hands over whole messages of the right form only (see grammar.ts), and ends what is not
 * PostgreSQL, asks for a login that the driver cannot do (the driver would throw where nobody can catch), or
 * sends without end.
 */
export class Wire extends Duplex {
  readonly #socket: Socket;
  readonly #first = Promise.withResolvers<void>();
  readonly #login = Promise.withResolvers<void>();
  #pending: Buffer = Buffer.alloc(0);
  #bytes = 0;
  #answered = false;
  #loggedIn = false;
  #lastMethod: number | undefined;

  constructor(socket: Socket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("error", (error) => this.destroy(error));
    socket.on("end", () => this.push(null));
    socket.on("close", () => this.destroy());
  }

  /** Resolves when the server has asked for a login, or has waived it. */
  get asked(): Promise<void> {
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
    if (trouble !== undefined) this.destroy(trouble);
  }

  /** Takes the whole messages off what has come. */
  #inspect(chunk: Buffer): Failure | undefined {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length > 0) {
      const type = String.fromCharCode(this.#pending[0] ?? 0);
      const isExpected = this.#answered ? isKnownType(type) : FIRST_TYPES.has(type);
      if (!isExpected) return mismatch(this.#pending);
      if (this.#pending.length < HEADER_BYTES) return undefined;
      const length = this.#pending.readUInt32BE(1);
      if (length < 4 || length > BUDGET_BYTES) return mismatch(this.#pending);
      if (this.#pending.length < length + 1) return undefined;
      const trouble = this.#message(type, this.#pending.subarray(HEADER_BYTES, length + 1));
      if (trouble !== undefined) return trouble;
      this.push(this.#pending.subarray(0, length + 1));
      this.#pending = this.#pending.subarray(length + 1);
    }
    return undefined;
  }

  #message(type: string, body: Buffer): Failure | undefined {
    if (!isWellFormed(type, body)) return mismatch(this.#pending);
    this.#answered ||= type !== "N";
    if (type !== "R") return undefined;
    this.#first.resolve();
    return this.#loginRequest(body.readUInt32BE(0));
  }

  #loginRequest(code: number): Failure | undefined {
    const before = STEP_BEFORE[code];
    if (this.#loggedIn || (before !== undefined && before !== this.#lastMethod)) {
      return mismatch(this.#pending);
    }
    this.#lastMethod = code;
    if (code === 0) {
      this.#loggedIn = true;
      this.#login.resolve();
    }
    if (KNOWN_METHODS.has(code)) return undefined;
    const method = METHOD_NAMES[code] ?? `a method with the number ${code}`;
    return new Failure("authenticate", "auth_method_unsupported", { method });
  }
}

function mismatch(first: Buffer): Failure {
  // What a server that insists on TLS answers to plain text.
  if (first[0] === TLS_ALERT && first[1] === 3) return new Failure("tls", "tls_required");
  const text = first.subarray(0, 8).toString("latin1");
  const spoken = text.startsWith("HTTP/") ? "HTTP" : text.startsWith("SSH-") ? "SSH" : "";
  return new Failure("respond", "protocol_mismatch", { spoken });
}
