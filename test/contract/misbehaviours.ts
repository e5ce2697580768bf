import { closedDns, deadDns, dnsServer } from "../fake/dns.ts";
import { blackHole, refusedPort, type Target } from "../fake/targets.ts";
import { selfSigned, createAuthority, type KeyedCertificate } from "../../src/demo/certificates.ts";
import { encrypted, type Encryption, type Handler } from "./encrypted.ts";
import { type Expected, unreachable } from "./expected.ts";
import { HOST } from "./look.ts";
import type { Fixtures, FirstWord, Subject } from "./subject.ts";

/** What a peer does once it is there, and what each kind of subject must say of it. */
export interface Behaviour {
  readonly name: string;
  readonly handler: (subject: Subject) => Handler;
  /** Whether the check ends by its timeout. */
  readonly hangs?: boolean;
  readonly expected: Readonly<Record<Exclude<FirstWord, "nothing">, Expected>>;
}

const HANDSHAKE_FAILED = unreachable("tls", "tls_handshake_failed");
const NOT_TLS = unreachable("tls", "tls_unsupported");
const TLS_TIMEOUT = unreachable("tls", "tls_timeout");
const RESET = unreachable("respond", "connection_reset");
const MISMATCH = unreachable("respond", "protocol_mismatch");

const ENDED = { serverHello: HANDSHAKE_FAILED, sslAnswer: HANDSHAKE_FAILED, answer: RESET };
const OTHER_PROTOCOL = { serverHello: NOT_TLS, sslAnswer: MISMATCH, answer: MISMATCH };

/** Waits for the first bytes of the client. */
function onceAsked(act: Handler): Handler {
  return (peer) => peer.stream.once("data", () => act(peer));
}

function says(bytes: string | Uint8Array): Handler {
  return ({ stream }) => void stream.resume().write(bytes);
}

function babbles(prefix: string | Uint8Array, chunk: string | Uint8Array): Handler {
  return ({ stream }) => {
    const more = (): void => {
      if (stream.writable) stream.write(chunk, () => setImmediate(more));
    };
    stream.resume().write(prefix, more);
  };
}

function drips(bytes: Uint8Array, everyMs: number): Handler {
  return ({ stream, raw }) => {
    let at = 0;
    const timer = setInterval(() => {
      if (stream.writable) stream.write(bytes.subarray(at, at + 1));
      at += 1;
    }, everyMs);
    raw.once("close", () => clearInterval(timer));
    stream.resume();
  };
}

/** The head of a TLS record that is never whole. */
const TLS_RECORD = Buffer.concat([Buffer.from("1603030fa0020fa0", "hex"), Buffer.alloc(4000)]);

/** The start of an answer that never ends, in the subject's own protocol. */
function slowAnswer(subject: Subject): Uint8Array {
  if (subject.encryption === "first") return TLS_RECORD;
  if (subject.encryption === "asked") return Buffer.concat([Buffer.from("S"), TLS_RECORD]);
  return Buffer.from(subject.endless?.prefix ?? "");
}

/** By a peer that takes the connection. */
export const BEHAVIOURS: readonly Behaviour[] = [
  {
    name: "accepts and never answers",
    handler: () => (peer) => void peer.stream.resume(),
    hangs: true,
    expected: {
      serverHello: TLS_TIMEOUT,
      sslAnswer: TLS_TIMEOUT,
      answer: unreachable("respond", "response_timeout"),
    },
  },
  {
    name: "resets at once",
    handler:
      () =>
      ({ raw }) =>
        void raw.resetAndDestroy(),
    expected: ENDED,
  },
  {
    name: "resets after bytes",
    handler: () => onceAsked(({ raw }) => void raw.resetAndDestroy()),
    expected: ENDED,
  },
  { name: "closes at once", handler: () => (peer) => void peer.stream.resume().end(), expected: ENDED },
  {
    name: "closes after bytes",
    handler: () => onceAsked(({ stream }) => void stream.resume().end()),
    expected: ENDED,
  },
  { name: "speaks SSH", handler: () => says("SSH-2.0-OpenSSH_9.6\r\n"), expected: OTHER_PROTOCOL },
  { name: "speaks SMTP", handler: () => says("220 mail.test ESMTP Postfix\r\n"), expected: OTHER_PROTOCOL },
  {
    name: "speaks forever",
    handler: () => babbles("", Buffer.alloc(16_384, "x")),
    expected: OTHER_PROTOCOL,
  },
  {
    name: "drips",
    handler: (subject) => drips(slowAnswer(subject), 20),
    hangs: true,
    expected: {
      serverHello: TLS_TIMEOUT,
      sslAnswer: TLS_TIMEOUT,
      answer: unreachable("respond", "response_timeout"),
    },
  },
];

/** Only before encryption: what a port says that wants it, or has none. */
export const UNENCRYPTED: readonly Behaviour[] = [
  {
    name: "answers in HTTP",
    handler: () => onceAsked(says("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")),
    expected: OTHER_PROTOCOL,
  },
  {
    name: "answers with a TLS alert",
    handler: () => onceAsked(({ stream }) => void stream.end(Buffer.from("15030300020246", "hex"))),
    expected: {
      serverHello: HANDSHAKE_FAILED,
      sslAnswer: MISMATCH,
      answer: unreachable("tls", "tls_required"),
    },
  },
];

/** Only of a subject that waits for an answer. */
export const ENDLESS: Behaviour = {
  name: "answers without end",
  handler: ({ endless }) => onceAsked(babbles(endless?.prefix ?? "", endless?.chunk ?? "")),
  expected: {
    serverHello: NOT_TLS,
    sslAnswer: MISMATCH,
    answer: unreachable("respond", "response_too_large"),
  },
};

/** A server whose encryption is not in order. */
export interface BadEncryption {
  readonly name: string;
  readonly reason: Parameters<typeof unreachable>[1];
  encryption(fixtures: Fixtures): Promise<Omit<Encryption, "asked">>;
}

const HOUR_MS = 3_600_000;
const NAMES = [HOST];

function bad(
  name: string,
  reason: BadEncryption["reason"],
  issue: (fixtures: Fixtures) => Promise<KeyedCertificate>,
): BadEncryption {
  return { name, reason, encryption: async (made) => ({ certificate: await issue(made) }) };
}

function odd(
  name: string,
  reason: BadEncryption["reason"],
  settings: (fixtures: Fixtures) => Omit<Encryption, "asked" | "certificate">,
): BadEncryption {
  const encryption = (made: Fixtures) =>
    Promise.resolve({ certificate: made.certificate, ...settings(made) });
  return { name, reason, encryption };
}

export const BAD_ENCRYPTION: readonly BadEncryption[] = [
  bad("certificate expired", "certificate_expired", ({ authority }) =>
    authority.issue({ names: NAMES, notAfter: new Date(Date.now() - HOUR_MS) }),
  ),
  bad("certificate not yet valid", "certificate_not_yet_valid", ({ authority }) =>
    authority.issue({ names: NAMES, notBefore: new Date(Date.now() + HOUR_MS) }),
  ),
  bad("certificate of an unknown authority", "certificate_untrusted", async () =>
    (await createAuthority("stranger")).issue({ names: NAMES }),
  ),
  bad("certificate for another name", "certificate_name_mismatch", ({ authority }) =>
    authority.issue({ names: ["other.test"] }),
  ),
  bad("certificate self-signed", "certificate_untrusted", () => selfSigned({ names: NAMES })),
  odd("no common TLS version", "tls_handshake_failed", () => ({
    minVersion: "TLSv1",
    maxVersion: "TLSv1.1",
    ciphers: "DEFAULT:@SECLEVEL=0",
  })),
  odd("no common cipher", "tls_handshake_failed", () => ({
    maxVersion: "TLSv1.2",
    ciphers: "ADH-AES128-SHA256:@SECLEVEL=0",
  })),
  odd("client certificate demanded (TLS 1.2)", "client_certificate_required", ({ authority }) => ({
    clientCa: authority.certPem,
    maxVersion: "TLSv1.2",
  })),
  odd("client certificate demanded (TLS 1.3)", "client_certificate_required", ({ authority }) => ({
    clientCa: authority.certPem,
    minVersion: "TLSv1.3",
  })),
];

/** Starts a server whose encryption is not in order. */
export async function badServer(bad: BadEncryption, subject: Subject, made: Fixtures): Promise<Target> {
  const encryption = { ...(await bad.encryption(made)), asked: subject.encryption === "asked" };
  return encrypted(encryption, ({ stream }) => void stream.resume());
}

/** A place that is not reached. */
export interface Unreached {
  readonly name: string;
  readonly hangs?: boolean;
  readonly expected: Expected;
  readonly start: () => Promise<Target>;
}

export const UNREACHED: readonly Unreached[] = [
  { name: "refuses", expected: unreachable("connect", "connection_refused"), start: () => refusedPort() },
  {
    name: "black hole",
    hangs: true,
    expected: unreachable("connect", "connect_timeout"),
    start: () => blackHole(),
  },
];

/** A DNS server that does not help. */
export interface Unresolved {
  readonly name: string;
  readonly hangs?: boolean;
  readonly reason: Parameters<typeof unreachable>[1];
  readonly start: () => Promise<AsyncDisposable & { readonly address: string }>;
}

/** The name that they are asked for. */
export const UNRESOLVED_HOST = "db.unresolved.test";

export const UNRESOLVED: readonly Unresolved[] = [
  { name: "name unknown", reason: "dns_not_found", start: () => dnsServer() },
  { name: "DNS server dead", hangs: true, reason: "dns_timeout", start: () => deadDns() },
  { name: "DNS port closed", reason: "dns_unavailable", start: () => closedDns() },
  { name: "SERVFAIL", reason: "dns_unavailable", start: () => dnsServer({ [UNRESOLVED_HOST]: "servfail" }) },
  { name: "REFUSED", reason: "dns_unavailable", start: () => dnsServer({ [UNRESOLVED_HOST]: "refused" }) },
];

/** Contents of a secret that are of no use, for a shape of several fields. */
export interface BadSecret {
  readonly name: string;
  readonly expected: Expected;
  readonly text: (fields: readonly string[]) => string | null;
}

/** The fields with values, the last one replaced by `last`; undefined leaves it out. */
function json(fields: readonly string[], last: unknown): string {
  const entries = fields.map((field, index) => [field, index === fields.length - 1 ? last : "a value"]);
  return JSON.stringify(Object.fromEntries(entries));
}

export const BAD_SECRETS: readonly BadSecret[] = [
  { name: "secret absent", expected: ["secret_unreachable", "secret", "secret_not_found"], text: () => null },
  {
    name: "secret unparsable",
    expected: ["secret_invalid", "secret", "secret_unparsable"],
    text: () => '{"user',
  },
  {
    name: "secret empty",
    expected: ["secret_invalid", "secret", "secret_field_empty"],
    text: () => " \n",
  },
  {
    name: "field missing",
    expected: ["secret_invalid", "secret", "secret_field_missing"],
    text: (fields) => json(fields, undefined),
  },
  {
    name: "field empty",
    expected: ["secret_invalid", "secret", "secret_field_empty"],
    text: (fields) => json(fields, ""),
  },
  {
    name: "field not a string",
    expected: ["secret_invalid", "secret", "secret_unparsable"],
    text: (fields) => json(fields, 5),
  },
];
