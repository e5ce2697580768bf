import { CLOSES, closeRow } from "../protocol/close-codes.ts";
import { connectorSource } from "../protocol/envelope.ts";
import { parseFrame, writeFrame } from "../protocol/frames.ts";
import type { Welcome } from "../protocol/session-frames.ts";
import type { Clock } from "./clock.ts";
import { Refusal } from "./refusal.ts";
import type { Line } from "./session.ts";
import type { Credential, Dial } from "./sessions.ts";

export interface GreetingParts {
  readonly dial: Dial;
  readonly clock: Clock;
  /** A UUIDv7. */
  readonly newId: () => string;
  readonly version: string;
}

/** What a look at the control plane brought. */
export interface Greeted {
  readonly welcome: Welcome;
  /** By how much the control plane's clock is ahead, milliseconds, give or take half the way there and back. */
  readonly offsetMs: number;
}

/**
 * Says hello, takes the welcome, and leaves without `ready`: so nothing is displaced, and a connector that runs
 * with this identity does not notice. Rejects with a Refusal.
 */
export async function greet(
  parts: GreetingParts,
  credential: Credential,
  signal: AbortSignal,
): Promise<Greeted> {
  const { dial, clock, newId, version } = parts;
  const answer = Promise.withResolvers<Greeted>();
  answer.promise.catch(() => {}); // Whoever waits for it below is told; a socket that never opens leaves it alone.
  const streamId = newId();
  let line: Line | undefined;
  let sentAt = 0;
  const greeting = {
    open: (opened: Line): void => {
      line = opened;
      sentAt = clock.now();
      opened.send(helloText(credential.connectorId, streamId, { newId, version, now: sentAt }));
    },
    frame: (text: string): void => {
      const parsed = parseFrame(text);
      if (parsed.kind !== "frame" || parsed.frame.type !== "session.welcome") return;
      const welcome = parsed.frame.data;
      answer.resolve({ welcome, offsetMs: Date.parse(welcome.serverTime) - (sentAt + clock.now()) / 2 });
    },
    closed: (code: number): void => {
      const says = `The control plane ended the session before its welcome: ${closeRow(code).says}.`;
      answer.reject(new Refusal("connection_reset", says));
    },
  };
  const late = (): void =>
    answer.reject(new Refusal("timeout", "The control plane did not answer hello in time."));
  signal.addEventListener("abort", late, { once: true });
  try {
    await dial(credential, greeting, signal);
    return await answer.promise;
  } finally {
    signal.removeEventListener("abort", late);
    line?.close(CLOSES.bye.code, "doctor");
  }
}

function helloText(
  connectorId: string,
  streamId: string,
  { newId, version, now }: { newId: () => string; version: string; now: number },
): string {
  const time = new Date(now).toISOString();
  return writeFrame({
    id: newId(),
    source: connectorSource(connectorId, streamId),
    type: "session.hello",
    time,
    data: {
      version,
      capabilities: [],
      instance: { id: newId(), podUid: null, podName: null, leaseUid: null, leaseTransitions: null },
      install: null,
      stream: { id: streamId, first: 1, next: 1, acked: 0 },
      stateDigest: null,
      config: { generation: 0, digest: "" },
      wallClock: time,
    },
  });
}
