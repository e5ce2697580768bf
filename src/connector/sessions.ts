import { closeRow } from "../protocol/close-codes.ts";
import type { Timings } from "../protocol/limits.ts";
import type { Bye } from "../protocol/session-frames.ts";
import { type Ended, Reconnect } from "./reconnect.ts";
import { Refusal } from "./refusal.ts";
import { type Line, type Notice, Session, type SessionEnd, type SessionParts } from "./session.ts";
import { firstTerms, type Terms } from "./terms.ts";

/** What an attempt shows to the control plane. */
export interface Credential {
  readonly connectorId: string;
  /** A token that lives 90 s. */
  readonly token: string;
}

/** What a socket tells. `open` comes first, `closed` last. */
export interface LineEvents {
  readonly open: (line: Line) => void;
  readonly frame: (text: string) => void;
  readonly closed: (code: number) => void;
}

/** Opens a socket: resolves once it is open, and rejects with a Refusal where it does not come to that. */
export type Dial = (credential: Credential, events: LineEvents, signal: AbortSignal) => Promise<void>;

/** Where the connector stands with its control plane. Times are epoch milliseconds. */
export type LinkState =
  | { readonly state: "connecting" }
  | { readonly state: "ready"; readonly name: string; readonly offsetMs: number }
  /** `stopped`: the control plane does not want this connector; it is asked again about once an hour. */
  | {
      readonly state: "waiting" | "stopped";
      /** A word of a refusal, of a close, or of how a session ended. */
      readonly word: string;
      readonly says: string;
      readonly retryAt: number;
    }
  | { readonly state: "over" };

type OwnParts =
  | "outbox"
  | "clock"
  | "random"
  | "newId"
  | "factor"
  | "hello"
  | "vitals"
  | "onCommand"
  | "onSecrets"
  | "onCancel";

export interface SessionsParts extends Pick<SessionParts, OwnParts> {
  readonly timings: Timings;
  readonly dial: Dial;
  /** For the next attempt, by the control plane's clock. Rejects with a Refusal. */
  readonly credential: (offsetMs: number, signal: AbortSignal) => Promise<Credential>;
  /** Whether there is a join token that was not used yet: a reason to try sooner than was said. */
  readonly hasNewToken: (signal: AbortSignal) => Promise<boolean>;
  /** The control plane does not know this connector's key, or has revoked it. */
  readonly onKeyRefused: () => void;
  readonly onState: (state: LinkState) => void;
  readonly onNotice: (notice: Exclude<Notice, { kind: "ready" }>) => void;
  readonly onEnd: (end: SessionEnd) => void;
}

const ON_TOKEN_POLL_MS = 10_000;
const FLUSH_MS = 3_000;
const GOODBYE_MS = 1_000;

/** Keeps one session with the control plane, one after the other, until it is told to leave. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #reconnect: Reconnect;
  readonly #over = new AbortController();
  #wake = new AbortController();
  #terms: Terms;
  #session: Session | undefined;
  /** By how much the control plane's clock is ahead, as far as signing needs to know. */
  #offsetMs = 0;
  #welcomed: (Notice & { kind: "ready" }) | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#reconnect = new Reconnect(parts.timings, parts.random);
    this.#terms = firstTerms(parts.factor);
  }

  /** Begins. The first attempt comes within `spreadMs`. */
  start(spreadMs = this.#parts.timings.firstSpreadMs): void {
    this.#running = this.#run(spreadMs);
  }

  /** The outbox has something new. */
  kick(): void {
    this.#wake.abort();
  }

  /** Sends what waits, says goodbye, and ends. Takes some seconds at most. */
  async drain(bye: Bye): Promise<void> {
    const { clock, factor } = this.#parts;
    const session = this.#session;
    if (session === undefined) this.#over.abort();
    else {
      session.leave(bye, FLUSH_MS * factor);
      this.kick();
      const ended = new AbortController();
      void this.#running.then(() => ended.abort());
      await clock.sleep((FLUSH_MS + GOODBYE_MS) * factor, ended.signal);
      this.#over.abort();
    }
    this.kick();
    await this.#running;
  }

  async #run(spreadMs: number): Promise<void> {
    const { clock, random, onState } = this.#parts;
    await clock.sleep(random() * spreadMs, this.#over.signal);
    while (!this.#over.signal.aborted) {
      onState({ state: "connecting" });
      const ended = await this.#attempt();
      if (this.#over.signal.aborted) break;
      const moment = { tick: clock.tick(), spreadMs: this.#terms.spreadMs };
      const delay = this.#reconnect.after(ended.how, moment);
      const state = ended.stopped ? "stopped" : "waiting";
      onState({ state, word: ended.word, says: ended.says, retryAt: clock.now() + delay });
      await this.#pause(delay, ended.stopped);
    }
    onState({ state: "over" });
  }

  async #pause(ms: number, stopped: boolean): Promise<void> {
    const { clock, hasNewToken, factor } = this.#parts;
    const { signal } = this.#over;
    const until = clock.tick() + ms;
    while (!signal.aborted && clock.tick() < until) {
      const left = until - clock.tick();
      await clock.sleep(stopped ? Math.min(left, ON_TOKEN_POLL_MS * factor) : left, signal);
      if (stopped && (await hasNewToken(signal))) return;
    }
  }

  async #attempt(): Promise<Over> {
    const { clock, credential, dial } = this.#parts;
    const late = new AbortController();
    const done = new AbortController();
    const signal = AbortSignal.any([this.#over.signal, late.signal]);
    void clock.sleep(this.#terms.connectMs, done.signal).then(() => late.abort());
    const welcomeBy = clock.tick() + this.#terms.connectMs;
    try {
      const shown = await credential(this.#offsetMs, signal);
      await dial(shown, this.#events(shown.connectorId, welcomeBy), signal);
      done.abort();
      return this.#overOf(await this.#hold());
    } catch (error) {
      return this.#refusedBy(error);
    } finally {
      done.abort();
      this.#session = undefined;
    }
  }

  #events(connectorId: string, welcomeBy: number): LineEvents {
    const parts: SessionParts = {
      ...this.#parts,
      connectorId,
      welcomeBy,
      onNotice: (notice) => this.#noticed(notice),
    };
    let session: Session | undefined;
    return {
      open: (line) => {
        session = new Session(parts, line);
        this.#session = session;
      },
      frame: (text) => {
        session?.frame(text);
        this.kick();
      },
      closed: (code) => {
        session?.closed(code);
        this.kick();
      },
    };
  }

  /** Drives the session: asks it what is due, and sleeps until then or until something comes. */
  async #hold(): Promise<SessionEnd> {
    const { clock } = this.#parts;
    const session = this.#session;
    if (session === undefined) throw new Refusal("timeout", "The socket opened and was gone.");
    let wasConfirmed = false;
    for (;;) {
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
      const due = session.poll();
      if (this.#over.signal.aborted) session.abandon();
      if (session.isConfirmed && !wasConfirmed) this.#ready();
      wasConfirmed = session.isConfirmed;
      if (session.end !== undefined) return session.end;
      const wait = Math.max(0, Math.min(due - clock.tick(), 60_000));
      await clock.sleep(wait, this.#wake.signal);
    }
  }

  #noticed(notice: Notice): void {
    if (notice.kind !== "ready") return this.#parts.onNotice(notice);
    this.#terms = notice.terms;
    this.#welcomed = notice;
  }

  #ready(): void {
    const { name = "", offsetMs = 0 } = this.#welcomed ?? {};
    this.#parts.onState({ state: "ready", name, offsetMs });
  }

  #overOf(end: SessionEnd): Over {
    const { clock, outbox, onEnd } = this.#parts;
    onEnd(end);
    if (this.#reconnect.needsNewStream(end.code, clock.tick())) outbox.restart();
    if (end.why === "bye") this.#over.abort();
    const row = closeRow(end.code);
    if (row.name === "mustEnrol" || row.name === "revoked") this.#parts.onKeyRefused();
    const word = end.why === "closed" ? row.name : end.why;
    const says = end.why === "closed" ? `The control plane ended the session: ${row.says}.` : saysOf(end.why);
    return { how: { kind: "closed", ...end }, stopped: row.after === "stop", word, says };
  }

  #refusedBy(error: unknown): Over {
    const refusal = error instanceof Refusal ? error : unforeseen(error);
    const { word, message, serverTime, retryAfterMs } = refusal;
    if (word === "unknown_key" || word === "revoked") this.#parts.onKeyRefused();
    const skewed = serverTime !== undefined && (word === "clock_skew" || word === "expired");
    if (skewed) this.#offsetMs = serverTime - this.#parts.clock.now();
    const after = skewed ? "once" : refusal.after;
    return { how: { kind: "refused", after, retryAfterMs }, stopped: after === "stop", word, says: message };
  }
}

interface Over {
  readonly how: Ended;
  readonly stopped: boolean;
  readonly word: string;
  readonly says: string;
}

function unforeseen(error: unknown): Refusal {
  return new Refusal("timeout", "The attempt to connect was given up.", { cause: error });
}

function saysOf(why: string): string {
  switch (why) {
    case "unanswered":
      return "The control plane did not answer a heartbeat in time.";
    case "handshake_timeout":
      return "The control plane did not answer hello in time.";
    case "bad_welcome":
      return "The control plane wants to go on from a place that this stream does not have.";
    case "bad_ack":
      return "The control plane acknowledged events that were never sent.";
    case "stream_replaced":
      return "The outbox overflowed and began a new stream.";
    case "goaway":
      return "The control plane asked the connector to connect again.";
    default:
      return "The session ended with a goodbye.";
  }
}
