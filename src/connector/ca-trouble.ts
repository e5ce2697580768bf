import { codeOf } from "./failure.ts";

/** What is wrong with the file of `--ca`, by the error of reading it: one sentence that says what to do. */
export function caTrouble(file: string, error: unknown): string {
  const code = codeOf(error) ?? "";
  if (code === "ENOENT") return `--ca: there is no file ${file}; name a PEM file of certificates.`;
  if (/^E[A-Z]+$/.test(code))
    return `--ca: the file ${file} cannot be read (${code}); name one that this user can read.`;
  return `--ca: the file ${file} cannot be read as PEM certificates: one begins with -----BEGIN CERTIFICATE-----.`;
}
