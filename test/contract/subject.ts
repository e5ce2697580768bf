import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IntegrationType } from "../../src/connector/integrations/integration.ts";
import { type Authority, createAuthority, type KeyedCertificate } from "../../src/demo/certificates.ts";
import { HOST } from "./look.ts";

/** An authority that the subjects trust, and a certificate of it that is in order. */
export interface Fixtures extends AsyncDisposable {
  readonly authority: Authority;
  readonly certificate: KeyedCertificate;
  /** Path of the authority's certificate. */
  readonly ca: string;
}

/** A server that works, and texts of secrets for it. */
export interface Healthy extends AsyncDisposable {
  readonly port: number;
  /** Only where the type takes a secret. */
  readonly secrets?: {
    readonly right: string;
    /** A login that is not accepted. */
    readonly rejected: string;
    /** A login that is accepted, and that may not do what the check does. */
    readonly powerless: string;
  };
}

/** How one integration type is put through the contract. */
export interface Subject {
  /** The configuration for a place; `ca` is the path of the authority to trust. */
  config(at: { readonly host: string; readonly port: number }, ca: string): unknown;
  /** Whether it encrypts at once, after asking (PostgreSQL's SSLRequest), or not. */
  readonly encryption: "none" | "first" | "asked";
  /** Starts a server that works, encrypted as the configuration wants it. */
  healthy(fixtures: Fixtures): Promise<Healthy>;
  /** How an answer of its own protocol begins that never ends; absent where it waits for no answer. */
  readonly endless?: { readonly prefix: string | Uint8Array; readonly chunk: string | Uint8Array };
}

/** What a subject waits for first once it is connected. */
export type FirstWord = "nothing" | "serverHello" | "sslAnswer" | "answer";

export function firstWord(subject: Subject): FirstWord {
  if (subject.encryption === "first") return "serverHello";
  if (subject.encryption === "asked") return "sslAnswer";
  return subject.endless === undefined ? "nothing" : "answer";
}

/** Whether the type logs in somewhere. */
export function takesSecret(type: IntegrationType): boolean {
  return type.secret !== undefined;
}

export async function fixtures(): Promise<Fixtures> {
  const authority = await createAuthority("contract");
  const certificate = await authority.issue({ names: [HOST, "127.0.0.1"] });
  const directory = await mkdtemp(join(tmpdir(), "mooring-contract-"));
  const ca = join(directory, "ca.pem");
  await writeFile(ca, authority.certPem);
  return {
    authority,
    certificate,
    ca,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
