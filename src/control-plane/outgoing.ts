import { controlPlaneSource, uuidv7 } from "../protocol/envelope.ts";
import { type FrameOf, type FrameType, type SequencedType, writeFrame } from "../protocol/frames.ts";
import { LIMITS } from "../protocol/limits.ts";
import { iso } from "./clock.ts";
import type { SessionPlace, Transport } from "./session-place.ts";

type Sent = Exclude<FrameType, SequencedType>;

/** The frames to one connector, and how long they wait for it to read. */
export class Outgoing {
  readonly #place: SessionPlace;
  readonly #transport: Transport;
  #waiting = 0;
  /** When the oldest frame that waits was written, or the last one left; monotonic milliseconds. */
  #since = 0;
  /** A frame left, or will never: a socket that ended says so by itself. */
  readonly #left = (): void => {
    this.#waiting -= 1;
    this.#since = this.#place.clock.tick();
  };

  constructor(place: SessionPlace, transport: Transport) {
    this.#place = place;
    this.#transport = transport;
  }

  send<T extends Sent>(
    type: T,
    data: FrameOf<T>["data"],
    more: { expirytime?: string; correlationid?: string } = {},
  ): void {
    const { clock, random, controlPlaneId } = this.#place;
    const now = clock.now();
    const frame = {
      id: uuidv7(now, random.bytes),
      source: controlPlaneSource(controlPlaneId),
      type,
      time: iso(now),
      ...more,
      data,
    };
    if (this.#waiting === 0) this.#since = clock.tick();
    this.#waiting += 1;
    this.#transport.send(writeFrame(frame as unknown as Parameters<typeof writeFrame>[0]), this.#left);
  }

  /** Whether the connector does not read. */
  isStuck(): boolean {
    const { clock, timings } = this.#place;
    if (this.#transport.bufferedBytes() > LIMITS.bufferedBytes) return true;
    return this.#waiting > 0 && clock.tick() - this.#since > timings.writeMs;
  }
}
