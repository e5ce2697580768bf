import { createHash, X509Certificate } from "node:crypto";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { readBounded, SMALL_FILE } from "../bounded-file.ts";
import { sharedReading } from "./shared-reading.ts";

/** What certificates are trusted: the system's roots, and on top those of a file. */
export type Trust = (caFile?: string) => Promise<SecureContext>;

/** The text of a PEM file, at most 1 MiB. What stands between its blocks is of any encoding. */
export async function readPem(file: string): Promise<string> {
  return (await readBounded(file, SMALL_FILE)).toString("utf8");
}

/** The certificates of a PEM text. Throws where it holds none or a broken one. */
export function certificatesOf(pem: string): string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error("it holds no PEM certificate");
  return blocks.map((block) => {
    try {
      return new X509Certificate(block).toString();
    } catch (error) {
      throw new Error("it holds a certificate that cannot be read", { cause: error });
    }
  });
}

function systemRoots(): string[] {
  return [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
}

/**
 * Trust that reads a CA file again when it is used, at most once a second, and builds one context for each content:
 * a rotated file counts from then on. Where the file cannot be read any more, the last good content stands.
 */
export function createTrust(): Trust {
  const contexts = new Map<string, SecureContext>();
  const lastGood = new Map<string, string>();
  const readings = new Map<string, () => Promise<SecureContext>>();
  let roots: string[] | undefined;
  const contextOf = (pem: string): SecureContext => {
    const key = createHash("sha256").update(pem).digest("hex");
    let context = contexts.get(key);
    if (context === undefined) {
      roots ??= systemRoots();
      context = createSecureContext({ ca: pem === "" ? roots : [...roots, ...certificatesOf(pem)] });
      contexts.set(key, context);
    }
    return context;
  };
  const read = async (caFile: string): Promise<SecureContext> => {
    try {
      const pem = await readPem(caFile);
      const context = contextOf(pem);
      lastGood.set(caFile, pem);
      return context;
    } catch (error) {
      const pem = lastGood.get(caFile);
      if (pem === undefined) throw error;
      return contextOf(pem);
    }
  };
  return async (caFile) => {
    if (caFile === undefined) return contextOf("");
    const reading = readings.get(caFile) ?? sharedReading(() => read(caFile));
    readings.set(caFile, reading);
    return reading();
  };
}
