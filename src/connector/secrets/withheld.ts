/** Base64 in either alphabet; shorter runs are words. */
const BASE64_RUN = /[A-Za-z0-9+/_-]{8,}/g;

/** How often an encoding may be wrapped in another and is still seen through. */
const LAYERS = 3;

/**
 * Whether a text repeats one of the values, as it is or encoded: in a URL, as Base64 (also of a longer text, such
 * as Basic's `user:password`) or as hexadecimal digits, in letters of whatever case.
 */
export function holdsValue(text: string, values: readonly string[]): boolean {
  const layers = [text];
  for (let last = text; layers.length <= LAYERS; layers.push(last)) last = decoded(last);
  const seen = layers.flatMap((layer) => [layer, ...unwrapped(layer)]).map((layer) => layer.toLowerCase());
  return values.some((value) =>
    encodings(value).some((form) => seen.some((layer) => layer.includes(form.toLowerCase()))),
  );
}

function encodings(value: string): string[] {
  const bytes = Buffer.from(value);
  const base64 = [bytes.toString("base64").replace(/=+$/, ""), bytes.toString("base64url")];
  return [value, encodeURIComponent(value.toWellFormed()), ...base64, bytes.toString("hex")];
}

/** What a text is as Base64. A run may begin in the middle of a group of four: a slash before it is in it too. */
function unwrapped(text: string): string[] {
  const runs = text.match(BASE64_RUN) ?? [];
  return runs.flatMap((run) => [0, 1, 2, 3].map((skip) => Buffer.from(run.slice(skip), "base64").toString()));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
