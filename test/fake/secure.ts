import { constants } from "node:crypto";
import http from "node:http";
import https from "node:https";
import tls from "node:tls";
import { listening, type Target, type Where } from "./target.ts";

/** How a TLS server behaves. Keys and certificates are PEM. */
export interface TlsSettings {
  key: string;
  cert: string;
  /** authority client certificates are judged by */
  ca?: string;
  /** demands a client certificate signed by `ca` and rejects a client without one; default false */
  requestCert?: boolean;
  minVersion?: tls.SecureVersion;
  maxVersion?: tls.SecureVersion;
  /** OpenSSL cipher list */
  ciphers?: string;
  /** false: gives no session tickets up to TLS 1.2 (with 1.3 OpenSSL still sends stateful ones); default true */
  sessionTickets?: boolean;
}

/** Runs on every socket whose handshake is done. */
export type Secure = (socket: tls.TLSSocket) => void;

/** A TLS server. Without `onSecure` it reads, and never answers. */
export function tlsServer(settings: TlsSettings & Where & { onSecure?: Secure }): Promise<Target> {
  const server = tls.createServer(nodeSettings(settings));
  server.on("secureConnection", (socket) => {
    socket.on("error", () => {});
    if (settings.onSecure === undefined) socket.resume();
    else settings.onSecure(socket);
  });
  return listening(server, settings);
}

/** An HTTP server. */
export function httpServer(handler: http.RequestListener, where?: Where): Promise<Target> {
  return listening(http.createServer(handler), where);
}

/** An HTTPS server. */
export function httpsServer(settings: TlsSettings & Where, handler: http.RequestListener): Promise<Target> {
  return listening(https.createServer(nodeSettings(settings), handler), settings);
}

function nodeSettings(settings: TlsSettings): tls.TlsOptions {
  const demands = settings.requestCert === true;
  const { key, cert } = settings;
  return {
    key,
    cert,
    requestCert: demands,
    rejectUnauthorized: demands,
    ...(settings.ca === undefined ? {} : { ca: settings.ca }),
    ...(settings.minVersion === undefined ? {} : { minVersion: settings.minVersion }),
    ...(settings.maxVersion === undefined ? {} : { maxVersion: settings.maxVersion }),
    ...(settings.ciphers === undefined ? {} : { ciphers: settings.ciphers }),
    ...(settings.sessionTickets === false ? { secureOptions: constants.SSL_OP_NO_TICKET } : {}),
  };
}
