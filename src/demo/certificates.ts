import "reflect-metadata";
import { webcrypto } from "node:crypto";
import net from "node:net";
import * as x509 from "@peculiar/x509";

/** A certificate and its private key (PKCS #8), both PEM. */
export interface KeyedCertificate {
  certPem: string;
  keyPem: string;
}

/** What a certificate says. */
export interface Wanted {
  /** DNS names and IP addresses; the first is the subject's common name too */
  names: string[];
  /** default an hour ago, or a day before a `notAfter` that is past */
  notBefore?: Date;
  /** default thirty days after now */
  notAfter?: Date;
  /** for a client rather than a server; default false */
  client?: boolean;
}

/** A certificate authority of our own. */
export interface Authority {
  /** the authority's own certificate, PEM */
  certPem: string;
  issue(wanted: Wanted): Promise<KeyedCertificate>;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };

/** Makes an authority with a fresh P-256 key; its certificate holds from yesterday for ten years. */
export async function createAuthority(name: string): Promise<Authority> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [name] }],
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 3650 * DAY_MS),
    keys,
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    certPem: certificate.toString("pem"),
    issue: (wanted) => issue(wanted, { subject: certificate.subjectName, keys }),
  };
}

/** Makes a server certificate that nobody but its own key vouches for. */
export async function selfSigned(wanted: Wanted): Promise<KeyedCertificate> {
  const keys = await newKeys();
  return issue(wanted, { subject: commonName(wanted), keys }, keys);
}

async function issue(
  wanted: Wanted,
  issuer: { subject: x509.Name; keys: webcrypto.CryptoKeyPair },
  given?: webcrypto.CryptoKeyPair,
): Promise<KeyedCertificate> {
  const keys = given ?? (await newKeys());
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: commonName(wanted),
    issuer: issuer.subject,
    ...validity(wanted),
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: SIGNING,
    extensions: await extensions(wanted, keys.publicKey, issuer.keys.publicKey),
  });
  return { certPem: certificate.toString("pem"), keyPem: await keyPem(keys.privateKey) };
}

async function extensions(
  wanted: Wanted,
  subjectKey: webcrypto.CryptoKey,
  issuerKey: webcrypto.CryptoKey,
): Promise<x509.Extension[]> {
  const use = wanted.client === true ? "clientAuth" : "serverAuth";
  const names = wanted.names.map((name): x509.JsonGeneralName => {
    return { type: net.isIP(name) === 0 ? "dns" : "ip", value: name };
  });
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[use]]),
    new x509.SubjectAlternativeNameExtension(names),
    await x509.SubjectKeyIdentifierExtension.create(subjectKey),
    await x509.AuthorityKeyIdentifierExtension.create(issuerKey),
  ];
}

function validity(wanted: Wanted): { notBefore: Date; notAfter: Date } {
  const notAfter = wanted.notAfter ?? new Date(Date.now() + 30 * DAY_MS);
  const usual = Math.min(Date.now() - HOUR_MS, notAfter.getTime() - DAY_MS);
  return { notBefore: wanted.notBefore ?? new Date(usual), notAfter };
}

function commonName(wanted: Wanted): x509.Name {
  return new x509.Name([{ CN: [wanted.names[0] ?? "nobody"] }]);
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
}

/** Sixteen random bytes as hexadecimal digits; the top bit is clear, so the number is positive. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(Buffer.alloc(16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f || 1;
  return bytes.toString("hex");
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}
