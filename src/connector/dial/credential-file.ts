import { readBoundedText, SMALL_FILE, UnfitFile } from "../bounded-file.ts";
import { codeOf, Failure } from "../failure.ts";

const TROUBLES: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  ENOTDIR: "does not exist",
  EACCES: "cannot be read",
  EPERM: "cannot be read",
};

/**
 * The token or secret in a mounted file, read at each use and trimmed. Throws
 * Failure("secret", "store_identity_rejected") that names the file: absent, unreadable, empty, or nothing that fits
 * into a header.
 */
export async function readCredential(file: string): Promise<string> {
  const rejected = (how: string, error?: unknown): Failure => {
    const code = codeOf(error) ?? "";
    const evidence = { credentialFile: file, trouble: `${file} ${how}`, code };
    return new Failure("secret", "store_identity_rejected", evidence, error);
  };
  let text: string;
  try {
    text = (await readBoundedText(file, SMALL_FILE)).trim();
  } catch (error) {
    if (error instanceof UnfitFile) throw rejected(`holds no token: ${error.message}`);
    throw rejected(TROUBLES[codeOf(error) ?? ""] ?? "cannot be read", error);
  }
  if (text === "") throw rejected("is empty");
  if (!/^[\x21-\x7e]+$/.test(text)) throw rejected("holds no token: it has spaces or more than one line");
  return text;
}
