import { CLOSES } from "../protocol/close-codes.ts";
import type { CommandDispatch } from "../protocol/command-frames.ts";
import { connectorSource } from "../protocol/envelope.ts";
import { type Frame, type FrameOf, type FrameType, parseFrame, writeFrame } from "../protocol/frames.ts";
import { SECRETS_CAPABILITY } from "../protocol/secret-frames.ts";
import type { Bye, Heartbeat, Hello, Welcome } from "../protocol/session-frames.ts";
import type { Clock } from "./clock.ts";
import { Heart } from "./heart.ts";
import type { Outbox, Sequenced } from "./outbox.ts";
import { Pace } from "./pace.ts";
import { type Terms, termsOf } from "./terms.ts";

/** One end of a socket that stands: whole text frames, in order. What comes in is handed to the session. */
export interface Line {
  send(text: string): void;
  /** Says goodbye to the socket. */
  close(code: number, reason: string): void;
  /** Ends the socket without a word. */
  terminate(): void;
  /** Bytes that were sent and did not leave this machine. */
  readonly buffered: number;
}

export interface SessionParts {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly newId: () => string;
  readonly connectorId: string;
  readonly outbox: Outbox;
  /** The tick at which an attempt without a welcome is given up. */
  readonly welcomeBy: number;
  /** The time scale: what the bounds of `welcome` are multiplied by. */
  readonly factor: number;
  readonly hello: () => Omit<Hello, "stream" | "wallClock">;
  readonly vitals: () => Pick<
    Heartbeat,
    "lagMs" | "config" | "checks" | "configInvalid" | "samples" | "reads"
  >;
  readonly onCommand: (dispatch: CommandDispatch) => void;
  readonly onCancel: (commandId: string) => void;
  /** Told of what the control plane stores of secrets; null where it does not know them. */
  readonly onSecrets?: (digest: string | null) => void;
  /** Told of what a person or a counter should know. */
  readonly onNotice: (notice: Notice) => void;
}

export type Notice =
  | { readonly kind: "ready"; readonly terms: Terms; readonly name: string; readonly offsetMs: number }
  | { readonly kind: "answered"; readonly rttMs: number }
  /** A frame that is none, or that has no place here; it was counted and survived. */
  | { readonly kind: "strange"; readonly what: string }
  /** The control plane could not take one of our events. */
  | { readonly kind: "rejected"; readonly code: string; readonly refId: string | null };

/** Why a session ended. `code` is the close code, 1006 where there was none. */
export interface SessionEnd {
  readonly code: number;
  readonly by: "peer" | "us";
  /** handshake_timeout, unanswered, bad_welcome, bad_ack, stream_replaced, goaway, bye; else the peer's close. */
  readonly why: string;
  readonly readyMs: number;
  readonly reconnectAfterMs?: number | undefined;
}

type Phase = "greeting" | "ready" | "leaving" | "ended";

/** Snapshots that are asked for are no nearer to one another. Milliseconds. */
const RESYNC_MS = 1_000;

/**
 * One session over one socket, from hello to its end. Never waits: it is told what comes (`frame`, `closed`)
 * and asked what is due (`poll`).
 */
export class Session {
  readonly #parts: SessionParts;
  readonly #line: Line;
  readonly #streamId: string;
  readonly #helloTick: number;
  readonly #helloWall: number;
  #phase: Phase = "greeting";
  /** From welcome on. */
  #heart: Heart | undefined;
  #pace: Pace | undefined;
  #readyTick = 0;
  #confirmed = false;
  /** When a snapshot that the control plane asked for may be told; they are told one a second at most. */
  #resyncAt: number | undefined;
  #resyncedTick = Number.NEGATIVE_INFINITY;
  #epoch = 0;
  #bye: { readonly frame: Bye; readonly flushBy: number } | undefined;
  #byeSent = false;
  #end: SessionEnd | undefined;

  /** Sends hello at once. */
  constructor(parts: SessionParts, line: Line) {
    this.#parts = parts;
    this.#line = line;
    const { clock, outbox } = parts;
    this.#streamId = outbox.stream.id;
    this.#helloTick = clock.tick();
    this.#helloWall = clock.now();
    const wallClock = new Date(this.#helloWall).toISOString();
    this.#send("session.hello", { ...parts.hello(), stream: outbox.stream, wallClock });
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** True once the control plane has answered `ready`, or anything after it. */
  get isConfirmed(): boolean {
    return this.#confirmed;
  }

  get end(): SessionEnd | undefined {
    return this.#end;
  }

  /** A text frame came. */
  frame(text: string): void {
    if (this.#phase === "ended") return;
    const parsed = parseFrame(text);
    if (parsed.kind === "invalid") return this.#strange(`${parsed.code}: ${parsed.message}`);
    if (parsed.kind === "ignored") return this.#strange(`type ${parsed.type.slice(0, 64)}`);
    if (this.#phase === "greeting") {
      if (parsed.frame.type === "session.welcome") return this.#welcome(parsed.frame.data);
      if (parsed.frame.type === "session.goaway") return this.#goaway(parsed.frame.data.reconnectAfterMs);
      return this.#strange(`${parsed.frame.type} before welcome`);
    }
    this.#heart?.heard();
    this.#confirmed = true;
    this.#take(parsed.frame);
  }

  /** The socket ended; 1006 where no close frame came. */
  closed(code: number): void {
    const why = this.#byeSent ? "bye" : "closed";
    this.#finish({ code: this.#byeSent ? CLOSES.bye.code : code, by: "peer", why });
  }

  /** The process ends: what waits is sent for as long as `flushMs` allows, then goodbye. */
  leave(frame: Bye, flushMs: number): void {
    if (this.#phase === "ended" || this.#bye !== undefined) return;
    if (this.#phase === "greeting") return this.#shut(CLOSES.bye.code, "bye");
    this.#bye = { frame, flushBy: this.#parts.clock.tick() + flushMs };
    this.#phase = "leaving";
  }

  /** Nobody waits for this session any more: its socket ends now. */
  abandon(): void {
    if (this.#phase !== "ended") this.#cut("bye");
  }

  /** Does what is due. Gives the tick at which to ask again. */
  poll(): number {
    const { clock, welcomeBy, outbox } = this.#parts;
    const tick = clock.tick();
    if (this.#phase === "ended") return Number.POSITIVE_INFINITY;
    if (this.#heart === undefined) {
      if (tick >= welcomeBy) this.#cut("handshake_timeout");
      return welcomeBy;
    }
    if (this.#heart.isUnanswered(tick)) this.#cut("unanswered");
    else if (outbox.stream.id !== this.#streamId) this.#shut(CLOSES.goingAway.code, "stream_replaced");
    else return this.#work(this.#heart, tick);
    return Number.POSITIVE_INFINITY;
  }

  #work(heart: Heart, tick: number): number {
    const { outbox } = this.#parts;
    const beatsOn = this.#phase === "ready";
    if (beatsOn && heart.isDue(tick)) this.#beat(heart, tick);
    const resyncAt = this.#resync(tick);
    const place = { tick, buffered: () => this.#line.buffered };
    const pumpAt = this.#pace?.pump(outbox, place, (event) => this.#sendEvent(event));
    const leaveAt = this.#farewell(tick);
    const dueAt = Math.min(heart.next(beatsOn), resyncAt, pumpAt ?? Number.POSITIVE_INFINITY, leaveAt);
    heart.expect(dueAt);
    return dueAt;
  }

  #welcome(welcome: Welcome): void {
    const { clock, outbox, random, factor } = this.#parts;
    const terms = termsOf(welcome, factor);
    const { mode, last } = welcome.resume;
    if (!outbox.resume(mode, last, { pageItems: terms.snapshotPageItems, eventBytes: terms.eventBytes })) {
      outbox.restart();
      return this.#cut("bad_welcome");
    }
    const tick = clock.tick();
    this.#phase = "ready";
    this.#readyTick = tick;
    this.#heart = new Heart(terms, random, { tick, factor });
    this.#pace = new Pace(terms, tick);
    this.#send("session.ready", { nonce: welcome.nonce });
    const knowsSecrets = welcome.capabilities.includes(SECRETS_CAPABILITY);
    this.#parts.onSecrets?.(knowsSecrets ? (welcome.secretsDigest ?? "") : null);
    const offsetMs = this.#offset(welcome, tick);
    this.#parts.onNotice({ kind: "ready", terms, name: welcome.connector.name, offsetMs });
  }

  /** By how much the control plane's clock is ahead, as NTP reckons it. */
  #offset({ receivedTime, serverTime }: Welcome, tick: number): number {
    const back = this.#helloWall + (tick - this.#helloTick);
    const there = Date.parse(receivedTime ?? serverTime) - this.#helloWall;
    return Math.round((there + (Date.parse(serverTime) - back)) / 2);
  }

  #take(frame: Frame): void {
    const { onNotice, onCommand, onCancel, factor } = this.#parts;
    if (frame.type === "session.ack") return this.#acked(frame.data);
    if (frame.type === "session.goaway") return this.#goaway(frame.data.reconnectAfterMs);
    if (frame.type === "session.error")
      return onNotice({ kind: "rejected", code: frame.data.code, refId: frame.data.refId });
    if (frame.type === "command.dispatch") return onCommand(frame.data);
    if (frame.type === "command.cancel") return onCancel(frame.data.commandId);
    if (frame.type !== "status.resync") return this.#strange(`${frame.type} has no place here`);
    this.#resyncAt ??= this.#resyncedTick + RESYNC_MS * factor;
  }

  #acked({ epoch, n, applied }: FrameOf<"session.ack">["data"]): void {
    if (this.#epoch !== 0 && epoch !== this.#epoch) return this.#strange("an ack of another epoch");
    this.#epoch = epoch;
    const rttMs = this.#heart?.answered(n, this.#parts.clock.tick());
    if (rttMs !== undefined) this.#parts.onNotice({ kind: "answered", rttMs });
    if (this.#parts.outbox.stream.id !== this.#streamId) return;
    if (this.#parts.outbox.ack(applied)) return;
    this.#strange("an ack of what was never sent");
    this.#shut(CLOSES.protocolError.code, "bad_ack");
  }

  #goaway(reconnectAfterMs: number): void {
    this.#shut(CLOSES.goingAway.code, "goaway", reconnectAfterMs);
  }

  #beat(heart: Heart, tick: number): void {
    const { outbox, vitals } = this.#parts;
    const { rttMs } = heart;
    const queue = { events: outbox.events, bytes: outbox.bytes };
    const known = { n: heart.beat(tick), epoch: this.#epoch, outbox: queue, rttMs };
    this.#send("session.heartbeat", { ...known, ...vitals() });
  }

  #resync(tick: number): number {
    if (this.#resyncAt === undefined) return Number.POSITIVE_INFINITY;
    if (tick < this.#resyncAt) return this.#resyncAt;
    this.#resyncAt = undefined;
    this.#resyncedTick = tick;
    this.#parts.outbox.tellSnapshot();
    return Number.POSITIVE_INFINITY;
  }

  #farewell(tick: number): number {
    if (this.#bye === undefined || this.#byeSent) return Number.POSITIVE_INFINITY;
    if (this.#parts.outbox.events > 0 && tick < this.#bye.flushBy) return this.#bye.flushBy;
    this.#byeSent = true;
    this.#send("session.bye", this.#bye.frame);
    this.#heart?.heard();
    this.#line.close(CLOSES.bye.code, "bye");
    return Number.POSITIVE_INFINITY;
  }

  #send<T extends Exclude<FrameType, Sequenced["type"]>>(type: T, data: FrameOf<T>["data"]): void {
    const { newId, clock } = this.#parts;
    const time = new Date(clock.now()).toISOString();
    const frame = { id: newId(), source: this.#source(), type, time, data };
    this.#line.send(writeFrame(frame as unknown as Frame));
  }

  #sendEvent({ id, type, time, subject, correlationid, sequence, data }: Sequenced): void {
    const frame = { id, source: this.#source(), type, time, subject, correlationid, sequence, data };
    this.#line.send(writeFrame(frame as Frame));
  }

  #source(): string {
    return connectorSource(this.#parts.connectorId, this.#streamId);
  }

  #strange(what: string): void {
    this.#parts.onNotice({ kind: "strange", what });
  }

  /** Ends a socket that is dead or lies: no step of it may wait for the peer. */
  #cut(why: string): void {
    this.#line.terminate();
    this.#finish({ code: CLOSES.abnormal.code, by: "us", why });
  }

  #shut(code: number, why: string, reconnectAfterMs?: number): void {
    this.#line.close(code, why);
    this.#finish({ code, by: "us", why, reconnectAfterMs });
  }

  #finish(end: Omit<SessionEnd, "readyMs">): void {
    if (this.#phase === "ended") return;
    const readyMs = this.#confirmed ? this.#parts.clock.tick() - this.#readyTick : 0;
    this.#phase = "ended";
    this.#end = { ...end, readyMs };
  }
}
