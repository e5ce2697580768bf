import { createSecureContext, type SecureContext } from "node:tls";
import { codeOf, Failure } from "../failure.ts";
import { certificatesOf, readPem, type Trust } from "../dial/trust.ts";
import type { Access, Pem } from "./access.ts";

/** What stands for the API server's own trust where the dialer asks by the name of a file. */
export const API_SERVER = "the API server's authority";

/**
 * Trust for connections to the API server: its own authority and nobody else's, besides those of `extra`. Files are
 * read for each connection, so that a rotated one counts from the next. A proxy is trusted as elsewhere.
 */
export function trustOf(tls: Access["tls"], extra: string | undefined, elsewhere: Trust): Trust {
  return async (file) => {
    if (file !== API_SERVER) return elsewhere(file);
    if (tls.ca === undefined && tls.cert === undefined) return elsewhere(extra);
    const [ca, more, cert, key] = await Promise.all([
      authority(tls.ca),
      authority(extra === undefined ? undefined : { file: extra }),
      login(tls.cert),
      login(tls.key),
    ]);
    return contextOf(tls, { ca, more, cert, key });
  };
}

interface Texts {
  readonly ca?: string | undefined;
  readonly more?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

function contextOf(tls: Access["tls"], { ca, more, cert, key }: Texts): SecureContext {
  const authorities = certificates([ca, more], tls.ca);
  try {
    return createSecureContext({
      ...(authorities.length > 0 && { ca: authorities }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    });
  } catch (error) {
    throw noLogin("its client certificate or its key cannot be used", error);
  }
}

function certificates(texts: readonly (string | undefined)[], from: Pem | undefined): string[] {
  try {
    return texts.flatMap((text) => (text === undefined ? [] : certificatesOf(text)));
  } catch (error) {
    throw noAuthority(from, "holds no certificate that can be read", error);
  }
}

async function authority(from: Pem | undefined): Promise<string | undefined> {
  try {
    return await textOf(from);
  } catch (error) {
    throw noAuthority(from, `cannot be read (${codeOf(error) ?? "unknown"})`, error);
  }
}

async function login(from: Pem | undefined): Promise<string | undefined> {
  try {
    return await textOf(from);
  } catch (error) {
    const file = from !== undefined && "file" in from ? from.file : "";
    throw noLogin(`${file} cannot be read (${codeOf(error) ?? "unknown"})`, error);
  }
}

async function textOf(from: Pem | undefined): Promise<string | undefined> {
  if (from === undefined) return undefined;
  return "text" in from ? from.text : await readPem(from.file);
}

/** Nobody vouches for the API server: so nothing is sent to it. */
function noAuthority(from: Pem | undefined, what: string, cause: unknown): Failure {
  const file = from !== undefined && "file" in from ? from.file : undefined;
  const trouble = `${file ?? "the certificate-authority-data of the kubeconfig"}, which vouches for it, ${what}`;
  const evidence = { dialReason: "certificate_untrusted", trouble, authorityFile: file ?? "" };
  return new Failure("secret", "store_unreachable", evidence, cause);
}

function noLogin(trouble: string, cause: unknown): Failure {
  return new Failure("secret", "store_identity_rejected", { trouble }, cause);
}
