import net from "node:net";
import tls from "node:tls";
import { gzipSync } from "node:zlib";
import { selfSigned } from "../../src/demo/certificates.ts";
import { errorMessage, int32, message } from "../contract/postgres-messages.ts";
import { listening, type Target } from "../fake/target.ts";

/** A target that means no good. */
export interface Rogue {
  readonly name: string;
  readonly type: "http" | "tls" | "tcp" | "postgresql";
  /** What must be told of it. */
  readonly reasons: readonly (string | null)[];
  /** Called for each connection, once its first bytes came. */
  readonly talk: (socket: net.Socket, asked: Buffer) => void;
  /** More of the integration's config. */
  readonly config?: object;
}

/** Writes as long as anybody reads. */
function forever(socket: net.Socket, first: string | Uint8Array, chunk: string | Uint8Array): void {
  socket.write(first);
  const more = (): void => {
    if (socket.writable) socket.write(chunk, () => setImmediate(more));
  };
  more();
}

/** A byte now and then. */
function drip(socket: net.Socket, bytes: string): void {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.writable) socket.write(bytes[at++ % bytes.length] ?? "");
  }, 50);
  socket.once("close", () => clearInterval(timer));
}

const OK = "HTTP/1.1 200 OK\r\n";
const LINE = `x-more: ${"y".repeat(2_000)}\r\n`;
const TOO_LARGE = ["response_too_large", "protocol_mismatch"];
const BOMB = gzipSync(Buffer.alloc(64 * 1_048_576));
const TIMEOUT = ["response_timeout"];

const http = (name: string, reasons: Rogue["reasons"], talk: Rogue["talk"], config: object = {}): Rogue => ({
  name,
  type: "http",
  reasons,
  talk,
  config,
});

const HTTP: readonly Rogue[] = [
  http("headers without end", TOO_LARGE, (socket) => forever(socket, OK, LINE.repeat(10))),
  http("one header without end", TOO_LARGE, (socket) => forever(socket, `${OK}x-more: `, "y".repeat(65_536))),
  http("10,000 headers", [...TOO_LARGE, null], (socket) =>
    socket.end(`${OK}${"a: b\r\n".repeat(10_000)}\r\n`),
  ),
  http("a slow drip of headers", TIMEOUT, (socket) => drip(socket, `${OK}x-more: y`)),
  http(
    "a slow drip of the body",
    TIMEOUT,
    (socket) => {
      socket.write(`${OK}content-length: 1000000\r\n\r\n`);
      drip(socket, "z");
    },
    { expect: { body: "never" } },
  ),
  http(
    "a compression bomb",
    ["unexpected_body", "response_too_large"],
    (socket) => {
      socket.write(`${OK}content-encoding: gzip\r\ncontent-length: ${BOMB.length}\r\n\r\n`);
      socket.end(BOMB);
    },
    { expect: { body: "never" } },
  ),
  http(
    "a body without end",
    ["response_too_large", "unexpected_body"],
    (socket) =>
      forever(socket, `${OK}transfer-encoding: chunked\r\n\r\n`, `10000\r\n${"z".repeat(65_536)}\r\n`),
    { expect: { body: "never" } },
  ),
  http(
    "a chunk that lies about its size",
    [...TOO_LARGE, "response_timeout", "connection_reset"],
    (socket) =>
      forever(socket, `${OK}transfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n`, "z".repeat(65_536)),
    { expect: { body: "never" } },
  ),
  http(
    "a length that lies",
    ["connection_reset", "protocol_mismatch", "unexpected_body"],
    (socket) => socket.end(`${OK}content-length: 999999999999\r\n\r\nz`),
    { expect: { body: "never" } },
  ),
  http("redirects to itself", ["unexpected_status"], (socket) =>
    socket.end(`HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n`),
  ),
  http("a redirect to the metadata service", ["unexpected_status"], (socket) =>
    socket.end(`HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n`),
  ),
  http("hints without end", [...TOO_LARGE, "response_timeout"], (socket) =>
    forever(socket, "", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(200)),
  ),
  http("another protocol instead", ["protocol_mismatch", "unexpected_status"], (socket) =>
    socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"),
  ),
  http("half open", ["connection_reset", "protocol_mismatch", "response_timeout"], (socket) => socket.end()),
];

const record = (kind: number, body: Uint8Array, length = body.length): Buffer =>
  Buffer.concat([Buffer.from([kind, 3, 3, length >> 8, length & 255]), body]);
const BAD_TLS = ["tls_handshake_failed", "tls_unsupported", "tls_timeout"];
const secure = (name: string, talk: Rogue["talk"], reasons: Rogue["reasons"] = BAD_TLS): Rogue => ({
  name,
  type: "tls",
  reasons,
  talk,
});

const TLS: readonly Rogue[] = [
  secure("a record that is larger than any", (socket) =>
    forever(socket, record(22, Buffer.alloc(16_000), 65_535), Buffer.alloc(65_536, 1)),
  ),
  secure("warnings without end", (socket) =>
    forever(socket, "", Buffer.concat(Array.from({ length: 1_000 }, () => record(21, Buffer.from([1, 0]))))),
  ),
  secure("empty records without end", (socket) =>
    forever(socket, "", Buffer.concat(Array.from({ length: 1_000 }, () => record(22, Buffer.alloc(0))))),
  ),
  secure("a handshake message of 16 MiB", (socket) =>
    forever(socket, record(22, Buffer.from([2, 255, 255, 255])), record(22, Buffer.alloc(16_000))),
  ),
  secure("a slow drip", (socket) => drip(socket, record(22, Buffer.alloc(4_000, 2)).toString("latin1"))),
  secure("half open", (socket) => socket.end()),
];

const postgres = (name: string, reasons: Rogue["reasons"], talk: Rogue["talk"]): Rogue => ({
  name,
  type: "postgresql",
  reasons,
  talk,
  config: { database: "d", tls: { mode: "disable" } },
});
const NOT_POSTGRES = ["protocol_mismatch", "response_too_large"];
const lying = (type: string, length: number): Buffer => {
  const head = Buffer.alloc(5);
  head.write(type, "latin1");
  head.writeUInt32BE(length, 1);
  return head;
};
const NOTICE = message("N", "SNOTICE\0\0");
const SASL = message("R", int32(10), "SCRAM-SHA-256\0\0");
/** The client's part of a SCRAM nonce (RFC 5802). */
const nonceOf = (asked: Buffer): string => /r=([^,\0]+)/.exec(asked.toString("latin1"))?.[1] ?? "";

const POSTGRES: readonly Rogue[] = [
  postgres("a row of 1 GiB", NOT_POSTGRES, (socket) =>
    forever(socket, Buffer.concat([message("R", int32(0)), lying("D", 2 ** 30)]), Buffer.alloc(65_536)),
  ),
  postgres("a login request of 4 GiB", NOT_POSTGRES, (socket) =>
    forever(socket, lying("R", 0xffff_ffff), Buffer.alloc(65_536)),
  ),
  postgres("a length of zero", NOT_POSTGRES, (socket) => forever(socket, lying("R", 0), lying("R", 0))),
  postgres("notices without end", NOT_POSTGRES, (socket) =>
    forever(socket, "", Buffer.concat(Array.from({ length: 1_000 }, () => NOTICE))),
  ),
  postgres("settings without end", NOT_POSTGRES, (socket) =>
    forever(
      socket,
      message("R", int32(0)),
      Buffer.concat(Array.from({ length: 1_000 }, () => message("S", "a\0b\0"))),
    ),
  ),
  postgres("a slow drip", ["response_timeout"], (socket) => drip(socket, lying("R", 200).toString("latin1"))),
  postgres(
    "a password that takes years to derive",
    ["protocol_mismatch", "auth_method_unsupported", "credentials_rejected", "unknown", "response_timeout"],
    (socket) => {
      socket.write(SASL);
      socket.on("data", (asked: Buffer) =>
        socket.write(message("R", int32(11), `r=${nonceOf(asked)}more,s=c2FsdA==,i=2147483647`)),
      );
    },
  ),
  postgres("columns with hostile names", [...NOT_POSTGRES, "response_timeout"], (socket) => {
    socket.write(Buffer.concat([message("R", int32(0)), message("Z", "I")]));
    const names = ["__proto__", "constructor", "');process.exit(9);//"].map((name) =>
      Buffer.concat([Buffer.from(`${name}\0`), Buffer.alloc(18)]),
    );
    socket.on("data", () => socket.write(message("T", Buffer.from([0, 3]), ...names)));
  }),
  postgres("half open", ["connection_reset", "protocol_mismatch"], (socket) => socket.end()),
];

const TCP: readonly Rogue[] = [
  {
    name: "talk without end",
    type: "tcp",
    reasons: [null],
    talk: (socket) => forever(socket, "", Buffer.alloc(65_536)),
  },
];

/** What a server says that is well, or refuses as it should: the same clients are loaded for it as for a rogue. */
export const POLITE: Readonly<Record<Rogue["type"], Rogue["talk"]>> = {
  http: (socket) => socket.end(`${OK}content-length: 0\r\n\r\n`),
  tls: (socket) => socket.end(record(21, Buffer.from([2, 40]))),
  tcp: (socket) => socket.end(),
  postgresql: (socket) => socket.end(errorMessage("53300")),
};

export const ROGUES: readonly Rogue[] = [...HTTP, ...TLS, ...TCP, ...POSTGRES];

/** A server of that kind. HTTP and PostgreSQL clients speak first; the others are talked to at once. */
export function rogue({ type, talk }: Pick<Rogue, "type" | "talk">): Promise<Target> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.setNoDelay(true);
    if (type === "tcp") return talk(socket, Buffer.alloc(0));
    socket.once("data", (asked) => talk(socket, Buffer.from(asked)));
  });
  return listening(server);
}

/** A TLS server whose chain is so many certificates long. */
export async function longChain(count: number): Promise<Target> {
  const { certPem, keyPem } = await selfSigned({ names: ["127.0.0.1"] });
  const server = tls.createServer({ key: keyPem, cert: `${certPem}\n`.repeat(count) });
  server.on("tlsClientError", () => {});
  return listening(server);
}
