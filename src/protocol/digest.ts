import type { Codes } from "./status-frames.ts";

/** SHA-256 of the UTF-8 bytes of a text, as 64 lower-case hexadecimal digits. Handed in: protocol does no I/O. */
export type Sha256 = (text: string) => string;

/** What the digest says of one integration: that it waits for its first look, or the codes of its report. */
export type DigestItem =
  | { readonly name: string; readonly type: string; readonly pending: true }
  | (Readonly<Codes> & {
      readonly name: string;
      readonly type: string;
      readonly pending?: false | undefined;
    });

/**
 * The text that both ends digest: one line of JSON for each integration, sorted by the UTF-16 units of
 * its name, each line ended by a newline:
 * `["orders-db","postgresql","error","integration_unreachable","connect","connection_refused"]`, or
 * `["orders-db","postgresql","pending"]` before the first look. Codes only: words may change, a state does not.
 */
export function canonicalState(items: Iterable<DigestItem>): string {
  const lines = [...items]
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map((item) =>
      item.pending === true
        ? JSON.stringify([item.name, item.type, "pending"])
        : JSON.stringify([item.name, item.type, item.state, item.condition, item.stage, item.reason]),
    );
  return lines.map((line) => `${line}\n`).join("");
}

/** The digest of all that a connector tells: `sha256:` and 64 hexadecimal digits. */
export function stateDigest(items: Iterable<DigestItem>, sha256: Sha256): string {
  return `sha256:${sha256(canonicalState(items))}`;
}
