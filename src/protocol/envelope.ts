import { z } from "zod";

/** Offered and accepted at the upgrade. */
export const SUBPROTOCOL = "mooring.v1.cloudevents.json";

/** In front of every type of this protocol. */
export const TYPE_PREFIX = "dev.mooring.";
export const TYPE_SUFFIX = ".v1";

/** An id of a connector, a stream, a control plane, a command or a key: base64url may begin with `-` or `_`. */
export const idText = z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/);

/** RFC 3339, UTC or with an offset. */
export const timeText = z.iso.datetime({ offset: true });

/** A DNS label, or `name.namespace` for an integration that comes from a custom resource. */
export const integrationName = z
  .string()
  .max(127)
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$/);

/** 16 decimal digits, so that the order of the texts is the order of the numbers. From 1. */
export const sequenceText = z.string().regex(/^0[0-9]{15}$/, "16 digits");

/** The CloudEvents attributes that every frame has, and those of the published extensions that we use. */
export const envelope = z.object({
  specversion: z.literal("1.0"),
  id: z.string().min(1).max(128),
  source: z.string().min(1).max(400),
  type: z.string().min(1).max(200),
  time: timeText,
  datacontenttype: z.literal("application/json"),
  subject: z.string().max(200).optional(),
  sequence: sequenceText.optional(),
  correlationid: idText.optional(),
  causationid: idText.optional(),
  recordedtime: timeText.optional(),
  expirytime: timeText.optional(),
  data: z.unknown(),
});
export type Envelope = z.infer<typeof envelope>;

/** `source` of all that one process of a connector sends. */
export function connectorSource(connectorId: string, streamId: string): string {
  return `/connectors/${connectorId}/streams/${streamId}`;
}

/** The ids in a connector's source, or undefined where it is not one. */
export function parseConnectorSource(
  source: string,
): { readonly connectorId: string; readonly streamId: string } | undefined {
  const [, connectorId, streamId] = /^\/connectors\/([^/]+)\/streams\/([^/]+)$/.exec(source) ?? [];
  if (connectorId === undefined || streamId === undefined) return undefined;
  return { connectorId, streamId };
}

/** `source` of all that a control plane sends. */
export function controlPlaneSource(controlPlaneId: string): string {
  return `/control-planes/${controlPlaneId}`;
}

/** `subject` of an event about an integration. */
export function integrationSubject(name: string): string {
  return `integrations/${name}`;
}

/** The sequence as the wire has it. Throws a RangeError for what is no positive safe integer. */
export function writeSequence(sequence: number): string {
  if (!Number.isSafeInteger(sequence) || sequence < 1 || sequence >= 1e15)
    throw new RangeError(`${sequence} is no sequence number`);
  return String(sequence).padStart(16, "0");
}

/** This many random bytes. */
export type RandomBytes = (count: number) => Uint8Array;

/** A version 7 UUID (RFC 9562): 48 bits of epoch milliseconds, 74 random bits. */
export function uuidv7(nowMs: number, randomBytes: RandomBytes): string {
  const bytes = Uint8Array.from(randomBytes(16));
  let time = Math.floor(nowMs);
  for (let index = 5; index >= 0; index -= 1) {
    bytes[index] = time % 256;
    time = Math.floor(time / 256);
  }
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  let text = "";
  for (let index = 0; index < 16; index += 1) {
    if (index === 4 || index === 6 || index === 8 || index === 10) text += "-";
    text += HEX[bytes[index] ?? 0];
  }
  return text;
}

/** Each byte as two hexadecimal digits. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
