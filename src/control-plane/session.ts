import { CLOSES, type CloseName } from "../protocol/close-codes.ts";
import type { CommandDispatch } from "../protocol/command-frames.ts";
import {
  type Frame,
  type FrameOf,
  isSequenced,
  type Parsed,
  parseFrame,
  type SeenEnvelope,
} from "../protocol/frames.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { Bye, Heartbeat } from "../protocol/session-frames.ts";
import { Beats } from "./beats.ts";
import { iso } from "./clock.ts";
import { Handshake } from "./handshake.ts";
import type { Seated } from "./hub.ts";
import { Outgoing } from "./outgoing.ts";
import { type Claim, takeSeat } from "./seat.ts";
import type { Breach, Credential, SessionPlace, Transport } from "./session-place.ts";
import { Stream } from "./stream.ts";
import { type Rate, TokenBucket } from "./token-bucket.ts";

type Phase = "opened" | "greeted" | "welcomed" | "claimed" | "ready" | "leaving" | "closed";

/** How many frames that cannot be read a session survives. */
const MOST_UNREADABLE = 16;

/** A connector that keeps to the rate may have a window on its way while the network holds it up. */
const EVENTS: Rate = { perSecond: LIMITS.eventsPerSecond, burst: LIMITS.eventsBurst + LIMITS.windowEvents };

/**
 * One connection of a connector, from the upgrade to its end. Everything is handed in; `receive` never throws.
 * Nothing of the connector's is touched before `ready` is committed.
 */
export class Session implements Seated {
  readonly connectorId: string;
  readonly #place: SessionPlace;
  readonly #credential: Credential;
  readonly #transport: Transport;
  readonly #out: Outgoing;
  readonly #events: TokenBucket;
  readonly #beats: Beats;
  readonly #handshake: Handshake;
  readonly openedAt: number;
  readonly #maxAgeMs: number;
  #phase: Phase = "opened";
  /** Ends the wait for the handshake. */
  #waiting: AbortController | undefined;
  #claim: Claim | undefined;
  #stream: Stream | undefined;
  /** Came before `ready` was committed. */
  #goodbye: Bye | undefined;
  #unreadable = 0;

  constructor(place: SessionPlace, credential: Credential, transport: Transport) {
    const tick = (): number => place.clock.tick();
    this.connectorId = credential.connectorId;
    this.#place = place;
    this.#credential = credential;
    this.#transport = transport;
    this.#out = new Outgoing(place, transport);
    this.#events = new TokenBucket(EVENTS, tick);
    this.#beats = new Beats(place, credential.connectorId, tick);
    this.openedAt = tick();
    this.#maxAgeMs = place.timings.maxAgeMs * (0.9 + 0.2 * place.random.number());
    const parts = { credential, out: this.#out, maxAgeMs: this.#maxAgeMs, openedAt: this.openedAt };
    this.#handshake = new Handshake(place, parts);
  }

  get instanceId(): string {
    return this.#handshake.instanceId;
  }

  get isOver(): boolean {
    return this.#phase === "closed";
  }

  /** Ends it where `hello`, or after `welcome` `ready`, does not come in time. */
  async expectHandshake(): Promise<void> {
    const waiting = new AbortController();
    this.#waiting = waiting;
    await this.#endLate(waiting.signal);
    this.#waiting = undefined;
  }

  async #endLate(signal: AbortSignal): Promise<void> {
    for (const late of ["opened", "welcomed"] as const) {
      await this.#place.clock.sleep(this.#place.timings.handshakeMs, signal);
      if (this.#phase === late || this.#phase === "opened") return this.close("handshakeTimeout");
      if (this.#phase === "ready" || this.#phase === "closed") return;
    }
  }

  /** One text frame of `bytes` UTF-8 bytes. */
  receive(text: string, bytes: number): void {
    if (this.#phase === "closed" || this.#phase === "leaving") return;
    const parsed = parseFrame(text);
    if (parsed.kind === "invalid" && (parsed.code === "json" || parsed.code === "envelope"))
      return this.#refuse(parsed.code, parsed.message);
    if (!this.#handshake.isOwn(sourceOf(parsed))) return this.#refuse("foreign_source");
    this.#place.hub.seen(this);
    if (parsed.kind !== "frame") return this.#unread(parsed, bytes);
    if (parsed.ignoredAttributes > 0) this.#place.counters.ignored("attribute");
    this.#take(parsed.frame, bytes);
  }

  /** The socket ended, or ended by us. */
  ended(): void {
    if (this.#phase === "closed") return;
    this.#end();
    this.#place.hub.leave(this);
  }

  close(why: CloseName): void {
    if (this.#phase === "closed") return;
    this.#end();
    const { code, says } = CLOSES[why];
    this.#transport.close(code, says);
    this.#place.hub.leave(this);
  }

  terminate(): void {
    this.#end();
    this.#transport.terminate();
    this.#place.hub.leave(this);
  }

  dispatch(data: CommandDispatch, expiresAt: number): void {
    const more = { correlationid: data.commandId, expirytime: iso(expiresAt) };
    this.#out.send("command.dispatch", data, more);
  }

  goaway(reason: string, reconnectAfterMs: number): void {
    this.#out.send("session.goaway", { reason, reconnectAfterMs, makeBeforeBreak: false });
  }

  inspect(): void {
    if (this.#out.isStuck()) return this.close("slow");
    if (this.#place.clock.tick() - this.openedAt < this.#maxAgeMs) return;
    this.goaway("max-age", 0);
    this.close("maxAge");
  }

  #end(): void {
    this.#phase = "closed";
    this.#waiting?.abort();
  }

  #refuse(what: Breach, why?: string): void {
    const { counters, log } = this.#place;
    counters.refused(what);
    log.warn({ connector: this.#credential.connector, what, why }, "a session broke the protocol");
    this.close("protocolError");
  }

  /** An event of a newer type, too large or malformed: its number counts, and a bad one is told. */
  #unread(parsed: Exclude<Parsed, { kind: "frame" }>, bytes: number): void {
    if (this.#phase === "opened" || !("envelope" in parsed)) return this.#refuse("before_hello");
    const { envelope } = parsed;
    if (parsed.kind === "ignored") this.#place.counters.ignored("type");
    else this.#tellUnreadable(envelope, parsed);
    if (envelope.sequence !== undefined) this.#sequenced({ ...envelope, sequence: envelope.sequence }, bytes);
    else if (!this.#events.take()) this.close("rate");
  }

  #tellUnreadable({ id }: SeenEnvelope, problem: { code: string; message: string }): void {
    this.#unreadable += 1;
    this.#place.counters.refused(problem.code === "tooLarge" ? "too_large" : "data");
    if (this.#unreadable > MOST_UNREADABLE) return this.#refuse("too_many_unreadable");
    const code = problem.code === "tooLarge" ? "tooLarge" : "invalid";
    this.#out.send("session.error", { code, refId: id, message: problem.message });
  }

  #take(frame: Frame, bytes: number): void {
    if (isSequenced(frame.type)) return this.#sequenced(frame as Extract<Frame, { sequence: number }>, bytes);
    if (frame.type === "session.hello") return this.#greet(frame);
    if (this.#phase === "opened") return this.#refuse("before_hello");
    if (frame.type === "session.ready") return this.#takeReady(frame.data.nonce);
    if (frame.type === "session.heartbeat") return this.#beat(frame.data);
    if (frame.type === "session.bye") return this.#bye(frame.data);
    if (!this.#events.take()) return this.close("rate");
    if (frame.type === "session.error")
      return this.#place.log.warn(
        { connector: this.#credential.connector, ...frame.data },
        "a connector objects",
      );
    return this.#refuse("not_from_a_connector", frame.type);
  }

  #greet(frame: FrameOf<"session.hello">): void {
    const why = this.#handshake.take(frame);
    if (why !== undefined) return this.#refuse("hello", why);
    this.#phase = "greeted";
    const welcome = async (): Promise<void> => {
      this.#claim = await this.#handshake.welcome(frame.data, () => this.isOver);
      if (this.#phase === "greeted") this.#phase = "welcomed";
    };
    this.#follow(welcome());
  }

  #takeReady(nonce: string): void {
    const claim = this.#claim;
    if (this.#phase !== "welcomed" || claim === undefined) return this.#refuse("ready", "out of turn");
    if (!this.#handshake.isAnswer(nonce)) return this.#refuse("ready", "another session's nonce");
    this.#phase = "claimed";
    this.#claim = undefined;
    const of = { connectorId: this.connectorId, streamId: claim.hello.stream.id };
    this.#stream = new Stream(this.#place, { session: this, of, out: this.#out });
    this.#follow(this.#sit(claim, this.#stream));
  }

  async #sit(claim: Claim, stream: Stream): Promise<void> {
    const { store, hub, notify, commands } = this.#place;
    const seat = await store.transact((tx) => takeSeat(tx, this.#place, claim));
    if ("close" in seat) {
      this.close(seat.close);
      return notify.connector(this.connectorId);
    }
    hub.seat(this);
    // It ended meanwhile: the connector's all the same, as it is stored.
    if (this.#phase !== "claimed") return hub.leave(this, this.#goodbye);
    this.#phase = "ready";
    stream.open(seat);
    this.#out.send("session.ack", { epoch: seat.epoch, applied: seat.mark });
    if (seat.resync) stream.resync("another instance took its turn");
    if (seat.wasSilent) notify.integrations(this.connectorId, null);
    commands.connected(this.connectorId);
    if (this.#goodbye !== undefined) this.#bye(this.#goodbye);
  }

  #sequenced(event: SeenEnvelope | Extract<Frame, { sequence: number }>, bytes: number): void {
    if (this.#stream === undefined) return this.#refuse("before_ready");
    if (!this.#events.take()) return this.close("rate");
    const frame = "data" in event ? event : undefined;
    const at = this.#place.clock.tick();
    const received = { sequence: event.sequence ?? 0, id: event.id, bytes, at, frame };
    if (!this.#stream.push(received)) this.close("rate");
  }

  #beat(data: Heartbeat): void {
    if (!this.#beats.mayCome()) return this.close("rate");
    if (this.#stream === undefined || this.#phase !== "ready") return;
    this.#stream.acknowledge(data.n);
    this.#follow(this.#beats.told(data));
  }

  /** A goodbye counts as it comes, and is answered after what came before it is stored: who left may not wait. */
  #bye(data: Bye): void {
    if (this.#phase === "claimed") {
      this.#goodbye = data;
      return;
    }
    if (this.#phase !== "ready" || this.#stream === undefined) return this.close("bye");
    this.#phase = "leaving";
    this.#place.hub.leave(this, data);
    const answer = async (stream: Stream): Promise<void> => {
      await stream.idle();
      this.close("bye");
    };
    this.#follow(answer(this.#stream));
  }

  /** Work of this session that nobody awaits: where it fails, the session ends and the connector comes back. */
  #follow(work: Promise<void> | undefined): void {
    work?.catch((error: unknown) => this.fail(error));
  }

  fail(error: unknown): void {
    this.#place.log.error({ err: error, connector: this.#credential.connector }, "a session failed");
    this.close("tryLater");
  }
}

function sourceOf(parsed: Parsed): string {
  if (parsed.kind === "frame") return parsed.frame.source;
  return "envelope" in parsed ? parsed.envelope.source : "";
}
