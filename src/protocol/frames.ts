import type { z } from "zod";
import {
  commandAccepted,
  commandCancel,
  commandDispatch,
  commandProgress,
  commandResult,
} from "./command-frames.ts";
import { type Envelope, envelope, TYPE_PREFIX, TYPE_SUFFIX, writeSequence } from "./envelope.ts";
import { LIMITS } from "./limits.ts";
import { ack, bye, goaway, heartbeat, hello, ready, sessionError, welcome } from "./session-frames.ts";
import { secretsChanged } from "./secret-frames.ts";
import { statusChanged, statusResync, statusSnapshot } from "./status-frames.ts";

/** The schema of `data` for each type, by the type's short name: `dev.mooring.` + name + `.v1` on the wire. */
export const DATA = {
  "session.hello": hello,
  "session.welcome": welcome,
  "session.ready": ready,
  "session.heartbeat": heartbeat,
  "session.ack": ack,
  "session.goaway": goaway,
  "session.bye": bye,
  "session.error": sessionError,
  "status.changed": statusChanged,
  "status.snapshot": statusSnapshot,
  "status.resync": statusResync,
  "secrets.changed": secretsChanged,
  "command.dispatch": commandDispatch,
  "command.cancel": commandCancel,
  "command.accepted": commandAccepted,
  "command.progress": commandProgress,
  "command.result": commandResult,
} as const;
export type FrameType = keyof typeof DATA;

/** Types that carry a sequence, ordered per source from 1 without a gap. */
export const SEQUENCED = [
  "status.changed",
  "status.snapshot",
  "secrets.changed",
  "command.accepted",
  "command.progress",
  "command.result",
] as const satisfies readonly FrameType[];
export type SequencedType = (typeof SEQUENCED)[number];

export function isSequenced(type: string): type is SequencedType {
  return (SEQUENCED as readonly string[]).includes(type);
}

interface Attributes {
  readonly id: string;
  readonly source: string;
  /** RFC 3339. For people: nothing is decided by it. */
  readonly time: string;
  readonly subject?: string | undefined;
  readonly correlationid?: string | undefined;
  readonly causationid?: string | undefined;
  readonly recordedtime?: string | undefined;
  readonly expirytime?: string | undefined;
}

/** One frame: a CloudEvent with the short name of its type, and its sequence as a number. */
export type FrameOf<T extends FrameType> = Attributes & {
  readonly type: T;
  readonly data: z.infer<(typeof DATA)[T]>;
} & (T extends SequencedType ? { readonly sequence: number } : { readonly sequence?: undefined });
export type Frame = { [T in FrameType]: FrameOf<T> }[FrameType];

/** What a text is. `invalid` with an envelope still knows its sequence, so that one bad event is no poison. */
export type Parsed =
  | { readonly kind: "frame"; readonly frame: Frame; readonly ignoredAttributes: number }
  /** A type of a newer peer: counted, its sequence counted as applied, nothing else. */
  | { readonly kind: "ignored"; readonly type: string; readonly envelope: SeenEnvelope }
  | { readonly kind: "invalid"; readonly code: "json" | "envelope"; readonly message: string }
  | {
      readonly kind: "invalid";
      readonly code: "data" | "tooLarge";
      readonly message: string;
      readonly envelope: SeenEnvelope;
    };

export interface SeenEnvelope {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly sequence: number | undefined;
}

/** Reads one text frame. Never throws; the message names places and types, never values. */
export function parseFrame(text: string): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "invalid", code: "json", message: "the text is not JSON" };
  }
  const seen = envelope.safeParse(value);
  if (!seen.success) return { kind: "invalid", code: "envelope", message: placesOf(seen.error) };
  const type = shortType(seen.data.type);
  const known = knownEnvelope(seen.data);
  // A UTF-16 unit is three bytes at most: short texts need no counting.
  if (3 * text.length > LIMITS.eventBytes && utf8Length(text) > LIMITS.eventBytes)
    return {
      kind: "invalid",
      code: "tooLarge",
      message: `an event is at most ${LIMITS.eventBytes} bytes`,
      envelope: known,
    };
  if (type === undefined) return { kind: "ignored", type: seen.data.type, envelope: known };
  return parseData(seen.data, type, { known, ignoredAttributes: unknownAttributes(value) });
}

function parseData(
  event: Envelope,
  type: FrameType,
  { known, ignoredAttributes }: { known: SeenEnvelope; ignoredAttributes: number },
): Parsed {
  if (isSequenced(type) !== (known.sequence !== undefined)) {
    const message = isSequenced(type) ? `${type} has no sequence` : `${type} has a sequence`;
    return { kind: "invalid", code: "envelope", message };
  }
  const data = DATA[type].safeParse(event.data);
  if (!data.success)
    return { kind: "invalid", code: "data", message: `${type}: ${placesOf(data.error)}`, envelope: known };
  const { id, source, time, subject, correlationid, causationid, recordedtime, expirytime } = event;
  const attributes = { id, source, time, subject, correlationid, causationid, recordedtime, expirytime };
  const frame = { ...attributes, type, data: data.data, sequence: known.sequence } as Frame;
  return { kind: "frame", frame, ignoredAttributes };
}

/** The frame as its text. Throws a RangeError for a sequence that is none. */
export function writeFrame(frame: Frame): string {
  const { type, data, sequence, ...attributes } = frame;
  return JSON.stringify({
    specversion: "1.0",
    ...attributes,
    type: wireType(type),
    datacontenttype: "application/json",
    ...(sequence === undefined ? {} : { sequence: writeSequence(sequence) }),
    data,
  });
}

/** `dev.mooring.session.hello.v1` for `session.hello`. */
export function wireType(type: FrameType): string {
  return `${TYPE_PREFIX}${type}${TYPE_SUFFIX}`;
}

/** `session.hello` for `dev.mooring.session.hello.v1`, or undefined for a type that is not known here. */
export function shortType(type: string): FrameType | undefined {
  return SHORT_TYPES.get(type);
}

const SHORT_TYPES: ReadonlyMap<string, FrameType> = new Map(
  (Object.keys(DATA) as FrameType[]).map((type) => [wireType(type), type]),
);

/** Bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

function knownEnvelope({ id, source, type, sequence }: Envelope): SeenEnvelope {
  const number = sequence === undefined ? undefined : Number(sequence);
  return { id, source, type, sequence: number };
}

function unknownAttributes(value: unknown): number {
  let count = 0;
  for (const name of Object.keys(value as object)) if (!ATTRIBUTES.has(name)) count += 1;
  return count;
}

const ATTRIBUTES: ReadonlySet<string> = new Set(Object.keys(envelope.shape));

/** Where a schema refused, at most three places: `data.stream.first: invalid_type`. */
function placesOf(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map(({ path, code }) => `${path.join(".") || "(whole)"}: ${code}`)
    .join("; ")
    .slice(0, 500);
}
