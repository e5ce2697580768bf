import { readFileSync } from "node:fs";
import { wireFrame } from "../conformance/frames.ts";

/** In [0, 1), the same for the same seed. */
export type Random = () => number;
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type Frame = { readonly [name: string]: Json };

/** Every frame that docs/protocol.md shows, by its short type. */
export function documentedFrames(): ReadonlyMap<string, Frame> {
  const text = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  const blocks = [...text.matchAll(/```json\n(.*?)```/gs)].map(([, json = ""]) => JSON.parse(json) as Frame);
  return new Map(
    blocks.map((frame) => [(frame["type"] as string).replace(/^dev\.mooring\.|\.v1$/g, ""), frame]),
  );
}

export const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random() * from.length)] as T;
const chance = (random: Random, share: number): boolean => random() < share;

const NUMBERS = [
  0,
  -0,
  -1,
  1,
  0.5,
  1e21,
  1e308,
  -1e308,
  2 ** 31,
  2 ** 53,
  2 ** 53 + 2,
  5e-324,
  65_536,
  262_145,
];
const TEXTS = [
  "",
  " ",
  "\u0000",
  "\ud800",
  "\udfff\ud800",
  "\u202e\u2066",
  "\ufeff",
  "İıſK",
  "💥".repeat(40),
  "a\u0301".repeat(300),
  "__proto__",
  "constructor",
  "../../etc/passwd",
  "%00%0d%0aX: y",
  "\r\nX: y",
  "' or 1=1 --",
  "<script>alert(1)</script>",
  "{{7*7}}${7*7}",
  "9".repeat(400),
  "x".repeat(70_000),
  "2026-13-45T99:99:99Z",
  "null",
];

/** Any value; never deeper than `depth`. */
export function anything(random: Random, depth = 3): Json {
  const kind = Math.floor(random() * (depth > 0 ? 7 : 5));
  if (kind === 0) return null;
  if (kind === 1) return chance(random, 0.5);
  if (kind === 2) return pick(random, NUMBERS);
  if (kind <= 4) return pick(random, TEXTS);
  const parts = Array.from({ length: Math.floor(random() * 5) }, () => anything(random, depth - 1));
  return kind === 5
    ? parts
    : Object.fromEntries(parts.map((part, index) => [pick(random, [...TEXTS, `k${index}`]), part]));
}

/** Nested so deep that whoever recurses runs out of stack. */
function deep(random: Random): string {
  const depth = pick(random, [200, 5_000, 60_000]);
  return chance(random, 0.5)
    ? "[".repeat(depth) + "]".repeat(depth)
    : '{"a":'.repeat(depth / 5) + "1" + "}".repeat(depth / 5);
}

/** A place for raw JSON: it stands in the text as a string, and is put in at the end. */
const DEEP = "\u0001deep\u0001";

/** Changes one thing somewhere in the value. */
function changed(random: Random, value: Json): Json {
  if (Array.isArray(value)) return changedList(random, value as readonly Json[]);
  if (typeof value === "object" && value !== null) return changedMap(random, value as Frame);
  return chance(random, 0.05)
    ? DEEP
    : typeof value === "number" && chance(random, 0.5)
      ? value * pick(random, [-1, 2, 1e9, 0])
      : anything(random);
}

function changedList(random: Random, list: readonly Json[]): Json {
  const how = Math.floor(random() * 4);
  if (how === 0 || list.length === 0) return [...list, anything(random)];
  if (how === 1 && list.length < 40)
    return Array.from(
      { length: pick(random, [0, 2, 40, typeof list[0] === "object" ? 100 : 5_000]) },
      () => list[0] ?? null,
    );
  if (how === 2) return anything(random);
  const at = Math.floor(random() * list.length);
  return list.map((part, index) => (index === at ? changed(random, part) : part));
}

function changedMap(random: Random, map: Frame): Json {
  const names = Object.keys(map);
  const name = pick(random, names);
  const how = Math.floor(random() * 8);
  if (how === 0 || names.length === 0) return { ...map, [pick(random, TEXTS)]: anything(random) };
  if (how === 1) return Object.fromEntries(Object.entries(map).filter(([key]) => key !== name));
  if (how === 2) return { ...map, [name]: anything(random) };
  if (how === 3 && chance(random, 0.2)) return anything(random);
  return { ...map, [name]: changed(random, map[name] ?? null) };
}

const MOST_CHARACTERS = 300_000;

/** The frame with one to three changes; `kept` members of the frame stay, so that it gets past the door. */
export function mutated(random: Random, frame: Frame, kept: readonly string[] = []): string {
  let now: Json = frame;
  const changes = 1 + Math.floor(random() * 3);
  for (let done = 0; done < changes; done += 1) {
    const next = changed(random, now);
    // More than a frame can hold says nothing new, and copies of copies take the fuzzer's own time.
    if (JSON.stringify(next).length < MOST_CHARACTERS) now = next;
  }
  if (typeof now === "object" && now !== null && !Array.isArray(now))
    now = {
      ...(now as Frame),
      ...Object.fromEntries(kept.flatMap((name) => (name in frame ? [[name, frame[name] ?? null]] : []))),
    };
  const [first = "", ...rest] = JSON.stringify(now).split(JSON.stringify(DEEP));
  const text = rest.length === 0 ? first : `${first}${deep(random)}${rest.join("[]")}`;
  return chance(random, 0.1) ? mangled(random, text) : text;
}

/** What no writer of JSON writes. */
function mangled(random: Random, text: string): string {
  const at = Math.floor(random() * text.length);
  return pick(random, [
    () => text.slice(0, at),
    () => text + text,
    () => `\ufeff${text}`,
    () => text.replace("{", '{"specversion":"0.3","__proto__":{"polluted":1},'),
    () => text.replace(/"data":/, '"data":{},"data":'),
    () => text.replace(/:(\d+)/, ":01"),
    () => text.replace(/:(\d+)/, ":1e999"),
    () => text.replace(/:(\d+)/, ":NaN"),
    () =>
      text.slice(0, at) + pick(random, ["\u0000", "\u0007", '"', "\\", "\\ud8", ",", "}"]) + text.slice(at),
    () => " ".repeat(3_000) + text,
  ])();
}

const TEXT = 1;
const BINARY = 2;

/** A text as frames on the wire (RFC 6455), mostly as it should be. */
export function onTheWire(random: Random, text: string, { masked }: { readonly masked: boolean }): Buffer {
  const bytes = Buffer.from(text);
  if (!chance(random, 0.04)) return wireFrame(TEXT, bytes, { masked });
  return pick(random, [
    () => wireFrame(BINARY, bytes, { masked }),
    () => wireFrame(TEXT, withBadUtf8(random, bytes), { masked }),
    () => fragments(bytes, pick(random, [2, 10, 200]), masked),
    () => wireFrame(pick(random, [3, 7, 11, 15]), bytes.subarray(0, 100), { masked }),
    () => wireFrame(TEXT, bytes, { masked: !masked }),
    () => wireFrame(TEXT, Buffer.alloc(263_000, "x"), { masked }),
    () => Buffer.concat(Array.from({ length: 100 }, () => wireFrame(9, Buffer.alloc(100), { masked }))),
    () => wireFrame(8, Buffer.from([0x0f]), { masked }),
    () => wireFrame(8, Buffer.from([0x03, 0xed, 0xff]), { masked }),
    () => Buffer.from([0x81, masked ? 0xff : 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  ])();
}

function withBadUtf8(random: Random, bytes: Buffer): Buffer {
  const bad = Buffer.from(bytes);
  if (bad.length > 0) bad[Math.floor(random() * bad.length)] = pick(random, [0xff, 0xc0, 0xed, 0x80]);
  return bad;
}

/** One message in so many fragments, the last of which may be missing its end. */
function fragments(bytes: Buffer, count: number, masked: boolean): Buffer {
  const size = Math.max(1, Math.ceil(bytes.length / count));
  const parts = Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
  return Buffer.concat(
    parts.map((part, index) => wireFrame(index === 0 ? TEXT : 0, part, { masked, fin: index === count - 1 })),
  );
}
