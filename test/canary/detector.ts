/** A value that may stand nowhere; binary ones too (a key's own bytes). */
export type Canaries = ReadonlyMap<string, string | Uint8Array>;

/** What was found: whose value it is, how it was written, and the view of the bytes in which it stands. */
export interface Hit {
  readonly canary: string;
  readonly form: string;
  readonly view: string;
  /** What stands in front of it: tells where to look. */
  readonly after: string;
}

/** Bytes as Latin-1 text: one character for each byte, so that any bytes can be searched as text. */
type Bytes = string;

interface Needle {
  readonly canary: string;
  readonly form: string;
  readonly text: Bytes;
  readonly anyCase: boolean;
}

const SPACES_AND_QUOTES = /[\s'"]+/g;

/**
 * Finds values in any bytes: as they are, in Base64 (at any alignment, in both alphabets, broken into lines), in
 * hexadecimal digits of either case, percent-encoded, escaped as in JSON, and one of these inside another.
 */
export class Detector {
  readonly #needles: readonly Needle[];

  constructor(canaries: Canaries) {
    this.#needles = [...canaries].flatMap(([canary, value]) => needlesOf(canary, Buffer.from(value)));
  }

  /** Each canary that stands in the bytes, once. The chunks are one stream: what is cut by a border is found. */
  find(chunks: readonly (Uint8Array | string)[]): readonly Hit[] {
    const whole = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))).toString("latin1");
    const hits = new Map<string, Hit>();
    for (const [view, text] of viewsOf(whole)) {
      const lower = text.toLowerCase();
      for (const { canary, form, text: needle, anyCase } of this.#needles) {
        if (hits.has(canary)) continue;
        const at = (anyCase ? lower : text).indexOf(needle);
        if (at !== -1) hits.set(canary, { canary, form, view, after: text.slice(Math.max(0, at - 80), at) });
      }
    }
    return [...hits.values()];
  }
}

function needlesOf(canary: string, value: Buffer): readonly Needle[] {
  const plain = value.toString("latin1");
  const needle = (form: string, text: Bytes, anyCase = false): Needle => ({ canary, form, text, anyCase });
  return [
    needle("as it is", plain),
    // Also with the white space and quotes gone that a view removes.
    needle("as it is", plain.replaceAll(SPACES_AND_QUOTES, "")),
    needle("hexadecimal", value.toString("hex"), true),
    ...[0, 1, 2].flatMap((shift) => {
      const text = aligned(value, shift);
      const inUrls = text.replaceAll("+", "-").replaceAll("/", "_");
      return [needle("Base64", text), needle("Base64 for URLs", inUrls)];
    }),
  ];
}

/** The digits of Base64 that depend on the value alone, where so many bytes of a group of three stand in front. */
function aligned(value: Buffer, shift: number): Bytes {
  const digits = Buffer.concat([Buffer.alloc(shift), value]).toString("base64");
  return digits.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + value.length) * 8) / 6));
}

const DECODERS: readonly (readonly [string, (text: Bytes) => Bytes])[] = [
  ["percent", withoutPercent],
  ["JSON", withoutEscapes],
];

/** How often encodings may be wrapped around each other: a log's JSON around an answer's around a body's. */
const LAYERS = 3;

/** The bytes by what was taken off: every order of encodings around a value. Those that change nothing fall together. */
function viewsOf(whole: Bytes): ReadonlyMap<string, Bytes> {
  const names = new Map([[whole, "as they are"]]);
  for (let layer = 0; layer < LAYERS; layer += 1)
    for (const [text, name] of [...names])
      for (const [encoding, decode] of DECODERS) add(names, decode(text), `${name}, without ${encoding}`);
  for (const [text, name] of [...names])
    add(names, text.replaceAll(SPACES_AND_QUOTES, ""), `${name}, joined`);
  return new Map([...names].map(([text, name]) => [name, text]));
}

function add(names: Map<Bytes, string>, text: Bytes, name: string): void {
  if (!names.has(text)) names.set(text, name);
}

function withoutPercent(text: Bytes): Bytes {
  return text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

function withoutEscapes(text: Bytes): Bytes {
  return text.replaceAll(/(?:\\u[0-9A-Fa-f]{4})+|\\x[0-9A-Fa-f]{2}|\\([^ux])/g, (all, short?: string) => {
    if (short !== undefined) return SHORT_ESCAPES[short] ?? short;
    if (all.startsWith(String.raw`\x`)) return String.fromCharCode(Number.parseInt(all.slice(2), 16));
    const units = all.split(String.raw`\u`).slice(1);
    const letters = units.map((unit) => String.fromCharCode(Number.parseInt(unit, 16))).join("");
    return Buffer.from(letters).toString("latin1");
  });
}
