import { z } from "zod";
import { enrolAnswer, enrolRequest, problem } from "./enrolment.ts";
import { envelope } from "./envelope.ts";
import { DATA, isSequenced, type FrameType, wireType } from "./frames.ts";

type Json = Readonly<Record<string, unknown>>;

/** The JSON Schema of every frame by its type on the wire, and of the enrolment's bodies: to be printed. */
export function protocolSchemas(): Readonly<Record<string, Json>> {
  const frames = (Object.keys(DATA) as FrameType[]).map((type) => [
    wireType(type),
    schemaOf(frameSchema(type)),
  ]);
  const bodies = { enrolRequest, enrolAnswer, problem };
  const others = Object.entries(bodies).map(([name, schema]) => [name, schemaOf(schema)]);
  return Object.fromEntries([...frames, ...others]) as Record<string, Json>;
}

function frameSchema(type: FrameType): z.ZodType {
  const { sequence, ...rest } = envelope.shape;
  const numbered = isSequenced(type) ? { sequence: sequence.unwrap() } : {};
  return z.object({ ...rest, ...numbered, type: z.literal(wireType(type)), data: DATA[type] });
}

function schemaOf(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
}
