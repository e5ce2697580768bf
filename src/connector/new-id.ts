import { randomBytes } from "node:crypto";
import { uuidv7 } from "../protocol/envelope.ts";

/** The id of an event or a frame: UUID version 7. */
export function newId(): string {
  return uuidv7(Date.now(), randomBytes);
}
