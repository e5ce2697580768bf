/**
 * The messages that a server may send during a check, by their type (PostgreSQL documentation, "Message
 * Formats"). The driver's parser trusts them: a body that ends before its text does keeps it reading for ever,
 * so nothing reaches the driver that does not have the form of its type.
 */
const FORMS: Readonly<Record<string, (body: Buffer) => boolean>> = {
  R: isAuthentication,
  E: (body) => hasFields(body) && fieldOf(body, "C").length === 5,
  N: hasFields,
  S: (body) => textsEnd(body, 0, 2) === body.length,
  K: (body) => body.length >= 8,
  Z: (body) => body.length === 1,
  C: (body) => textsEnd(body, 0, 1) === body.length,
  A: (body) => textsEnd(body, 4, 2) === body.length,
  T: isRowDescription,
  D: isDataRow,
};

/** Whether a message is one that a PostgreSQL server sends. */
export function isWellFormed(type: string, body: Buffer): boolean {
  return FORMS[type]?.(body) === true;
}

/** Whether a server may send a message of this type at all during a check. */
export function isKnownType(type: string): boolean {
  return Object.hasOwn(FORMS, type);
}

/** Where so many zero-ended texts end, or -1 where there are fewer. */
function textsEnd(body: Buffer, from: number, count: number): number {
  let at = from;
  for (let left = count; left > 0; left -= 1) {
    const end = at > body.length ? -1 : body.indexOf(0, at);
    if (end === -1) return -1;
    at = end + 1;
  }
  return at;
}

/** Texts, each behind a letter that names it, and a zero after the last. */
function hasFields(body: Buffer): boolean {
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    at = textsEnd(body, at + 1, 1);
    if (at === -1) return false;
  }
  return at === body.length - 1;
}

function fieldOf(body: Buffer, letter: string): string {
  for (const field of body.toString("latin1").split("\0")) {
    if (field.startsWith(letter)) return field.slice(1);
  }
  return "";
}

/** Lengths of the bodies whose form is fixed, by the code of the login request. */
const AUTHENTICATION_BYTES: Readonly<Record<number, number>> = { 0: 4, 3: 4, 5: 8 };
const SASL = 10;

function isAuthentication(body: Buffer): boolean {
  if (body.length < 4) return false;
  const code = body.readUInt32BE(0);
  const wanted = AUTHENTICATION_BYTES[code];
  if (wanted !== undefined) return body.length === wanted;
  return code !== SASL || endsWithEmptyText(body.subarray(4));
}

/** Names of mechanisms, then an empty one. */
function endsWithEmptyText(list: Buffer): boolean {
  if (list.length === 1) return list[0] === 0;
  return list.length > 1 && list.indexOf("\0\0") === list.length - 2;
}

/** After each column's name: table, column, type, size, modifier, format. */
const COLUMN_BYTES = 18;

function isRowDescription(body: Buffer): boolean {
  if (body.length < 2) return false;
  let at = 2;
  for (let left = body.readInt16BE(0); left > 0; left -= 1) {
    const end = textsEnd(body, at, 1);
    if (end === -1) return false;
    at = end + COLUMN_BYTES;
  }
  return at === body.length;
}

const NULL = -1;

function isDataRow(body: Buffer): boolean {
  if (body.length < 2 || body.readInt16BE(0) < 0) return false;
  let at = 2;
  for (let left = body.readInt16BE(0); left > 0; left -= 1) {
    if (at + 4 > body.length) return false;
    const length = body.readInt32BE(at);
    if (length < NULL) return false;
    at += 4 + Math.max(0, length);
  }
  return at === body.length;
}
