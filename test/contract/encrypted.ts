import { createSecureContext, type SecureVersion, TLSSocket } from "node:tls";
import type net from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { scripted, type Target } from "../fake/targets.ts";
import type { KeyedCertificate } from "../../src/demo/certificates.ts";

/** One peer of a fake: what is said to it, and the socket below, to be reset. */
export interface Peer {
  readonly stream: Duplex;
  readonly raw: net.Socket;
}

export type Handler = (peer: Peer) => void;

/** How a fake encrypts. */
export interface Encryption {
  readonly certificate: KeyedCertificate;
  /** Answers an SSLRequest first, as PostgreSQL does. */
  readonly asked: boolean;
  /** Demands a client certificate. */
  readonly clientCa?: string;
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
  readonly ciphers?: string;
}

/** A fake that speaks without encryption. */
export function plain(handler: Handler): Promise<Target> {
  return scripted((raw) => handler({ stream: raw, raw }));
}

/** A fake that hands over each peer once its handshake is done. */
export function encrypted(encryption: Encryption, handler: Handler): Promise<Target> {
  if (!encryption.asked) return scripted((raw) => encrypt(raw, encryption, handler));
  return scripted((raw) => {
    raw.once("data", () => {
      raw.write("S");
      encrypt(raw, encryption, handler);
    });
  });
}

/** TLS over a pair of streams rather than on the socket's own handle: so the socket can still be reset. */
function encrypt(raw: net.Socket, encryption: Encryption, handler: Handler): void {
  const [outside, inside] = duplexPair();
  raw.pipe(outside).pipe(raw);
  const stream = new TLSSocket(inside, serverSide(encryption));
  raw.once("close", () => stream.destroy());
  stream.on("error", () => {});
  stream.once("close", () => setImmediate(() => raw.end())); // Lets an alert out first.
  stream.once("secure", () => setImmediate(handler, { stream, raw })); // Node loses what is written at once.
}

function serverSide(encryption: Encryption): ConstructorParameters<typeof TLSSocket>[1] {
  const { certificate, clientCa, minVersion, maxVersion, ciphers } = encryption;
  const demands = clientCa !== undefined;
  return {
    isServer: true,
    requestCert: demands,
    rejectUnauthorized: demands,
    secureContext: createSecureContext({
      key: certificate.keyPem,
      cert: certificate.certPem,
      ...(demands ? { ca: clientCa } : {}),
      ...(minVersion === undefined ? {} : { minVersion }),
      ...(maxVersion === undefined ? {} : { maxVersion }),
      ...(ciphers === undefined ? {} : { ciphers }),
    }),
  };
}
