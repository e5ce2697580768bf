/** One message as a PostgreSQL server sends it: type, length, body. */
export function message(type: string, ...body: readonly (string | Uint8Array)[]): Buffer {
  const bytes = Buffer.concat(body.map((part) => Buffer.from(part)));
  const head = Buffer.alloc(5);
  head.write(type, "latin1");
  head.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}

/** Numbers as they stand in messages, big-endian. */
export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function int16(value: number): Buffer {
  return int32(value).subarray(2);
}

/** An error with a SQLSTATE and a text. */
export function errorMessage(code: string, text = "no reason given"): Buffer {
  return message("E", `SFATAL\0C${code}\0M${text}\0\0`);
}

export const LOGGED_IN = message("R", int32(0));
export const READY = message("Z", "I");

/** One row of one column for each text. */
export function rows(names: readonly string[], values: readonly string[]): Buffer {
  const column = (name: string): Buffer[] => [
    Buffer.from(`${name}\0`),
    int32(0),
    int16(0),
    int32(23),
    int16(4),
    int32(-1),
    int16(0),
  ];
  const cell = (value: string): Buffer[] => [int32(Buffer.byteLength(value)), Buffer.from(value)];
  return Buffer.concat([
    message("T", int16(names.length), ...names.flatMap(column)),
    message("D", int16(values.length), ...values.flatMap(cell)),
    message("C", "SELECT 1\0"),
    READY,
  ]);
}
