import { readFile } from "node:fs/promises";
import type https from "node:https";
import tls from "node:tls";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import { StartError } from "./settings.ts";

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Reads both files and tries them. Throws a StartError that names the file, never its content. */
export async function readPair({ certFile, keyFile }: TlsFiles, signal: AbortSignal): Promise<Pair> {
  const cert = await read("--tls-cert", certFile, signal);
  const key = await read("--tls-key", keyFile, signal);
  try {
    // Without a word Node makes a context that has none of what is empty, as a file is while it is written.
    if (cert === "" || key === "") throw new Error("empty");
    tls.createSecureContext({ cert, key });
  } catch (error) {
    throw new StartError(
      `--tls-cert ${certFile} and --tls-key ${keyFile} are no certificate and its key (PEM) that fit each other.`,
      { cause: error },
    );
  }
  return { cert, key };
}

async function read(flag: string, file: string, signal: AbortSignal): Promise<string> {
  try {
    return await readFile(file, { encoding: "utf8", signal });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    throw new StartError(`${flag} ${file} cannot be read (${code}).`, { cause: error });
  }
}

/** Looks at the files again and again until the signal aborts; new connections get the new certificate. */
export async function reloadPair(
  server: https.Server,
  files: TlsFiles,
  place: { clock: Clock; log: Log; everyMs: number; current: Pair; signal: AbortSignal },
): Promise<void> {
  let { current } = place;
  let toldAbout = "";
  for (;;) {
    await place.clock.sleep(place.everyMs, place.signal);
    if (place.signal.aborted) return;
    try {
      const pair = await readPair(files, place.signal);
      toldAbout = "";
      if (pair.cert === current.cert && pair.key === current.key) continue;
      server.setSecureContext(pair);
      current = pair;
      place.log.info({ file: files.certFile }, "the certificate was read anew");
    } catch (error) {
      const message = error instanceof Error ? error.message : "unreadable";
      if (message !== toldAbout && !place.signal.aborted)
        place.log.warn({ why: message }, "the new certificate cannot be used; the old one stays");
      toldAbout = message;
    }
  }
}
