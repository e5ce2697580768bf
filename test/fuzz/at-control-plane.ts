import { randomUUID } from "node:crypto";
import { connectorSource } from "../../src/protocol/envelope.ts";
import { wireFrame } from "../conformance/frames.ts";
import { PlaneSubject } from "../conformance/subjects.ts";
import { bearer, FakeConnector, type FakeIdentity, fakeReport } from "../fake/connector.ts";
import { seeded } from "../fake/random.ts";
import { documentedFrames, type Frame, mutated, onTheWire, pick, type Random } from "./grammar.ts";
import { upgraded } from "./raw-session.ts";
import type { Fuzzed, Tell } from "./run.ts";
import { SMALL_HEAP, Watched } from "./watched.ts";

/** Slow enough that a busy machine is not taken for a silent witness. */
const SCALE = 0.4;
const CONNECTORS = 8;
/** Frames of one session, most of which end sooner. */
const MOST_FRAMES = 60;
/** Frames after which memory counts. */
const WARM = 10_000;

const frames = documentedFrames();
const known = [...frames.keys()];
/** What a connector may send, more often than what only the other end may. */
const OWN = [
  "session.heartbeat",
  "status.changed",
  "status.snapshot",
  "command.accepted",
  "command.progress",
  "command.result",
];

/** Throws so many frames at a real control plane, as connectors with real keys. */
export async function fuzzControlPlane(count: number, seed: number, tell: Tell = () => {}): Promise<Fuzzed> {
  await using plane = await PlaneSubject.start(SCALE, { environment: { NODE_OPTIONS: SMALL_HEAP } });
  if (plane.program === undefined) throw new Error("the control plane did not start");
  const identities = await Promise.all(Array.from({ length: CONNECTORS }, () => plane.identity()));
  const watched = new Watched(plane.program, `${plane.url}/livez`);
  await using witness = await Witness.at(plane);
  const sent = { frames: 0, sessions: 0 };
  const strange: string[] = [];
  const attack = async (identity: FakeIdentity): Promise<void> => {
    while (sent.frames < count && plane.program?.isOver === false) {
      sent.sessions += 1;
      const random = seeded(seed * 1_000_003 + sent.sessions);
      const session = await upgraded(plane.url, await bearer(identity));
      if (session === undefined) continue;
      sent.frames += await throwAt(session, random, identity);
      session.socket.destroy();
      strange.push(...session.strange);
      tell("the control plane", sent.frames);
      if (sent.frames > Math.min(WARM, count / 4)) watched.begin();
    }
  };
  await Promise.all(identities.map(attack));
  const problems = [...(await watched.end()), ...(await witness.problems(plane))];
  if (strange.length > 0) problems.push(`it sent a frame that is none: ${strange[0]}`);
  return { what: "the control plane", ...sent, problems, figures: watched.figures };
}

type Session = NonNullable<Awaited<ReturnType<typeof upgraded>>>;

async function throwAt(session: Session, random: Random, identity: FakeIdentity): Promise<number> {
  const stream = randomUUID();
  const source = connectorSource(identity.answer.connectorId, stream);
  let sequence = 0;
  const own = (type: string): Frame => {
    const frame = frames.get(type) ?? {};
    const isNumbered = "sequence" in frame;
    if (isNumbered && random() < 0.95) sequence += 1;
    return { ...frame, source, ...(isNumbered ? { sequence: String(sequence).padStart(16, "0") } : {}) };
  };
  const hello = withData(own("session.hello"), {
    stream: { id: stream, first: 1, next: 1, acked: 0 },
    instance: { id: "fuzz" },
  });
  session.send(random() < 0.1 ? onTheWire(random, mutated(random, hello), { masked: true }) : text(hello));
  const welcome = await session.until((got) => got.includes("session.welcome"), 500);
  const nonce = /"nonce":"(\w+)"/.exec(welcome ?? "")?.[1] ?? "";
  const ready = withData(own("session.ready"), { nonce });
  session.send(random() < 0.05 ? onTheWire(random, mutated(random, ready), { masked: true }) : text(ready));
  if (welcome !== undefined) await session.until((got) => got.includes("session.ack"), 500);
  let sent = 2;
  for (; sent < MOST_FRAMES && !session.isOver; sent += 1) {
    const frame = own(random() < 0.85 ? pick(random, OWN) : pick(random, known));
    const kept = random() < 0.93 ? ["specversion", "id", "source", "type", "sequence", "time"] : [];
    session.send(
      random() < 0.15 ? text(frame) : onTheWire(random, mutated(random, frame, kept), { masked: true }),
    );
    if (sent % 4 === 0) await session.pause(1);
  }
  return sent;
}

function text(frame: Frame): Buffer {
  return wireFrame(1, Buffer.from(JSON.stringify(frame)), { masked: true });
}

function withData(frame: Frame, data: Frame): Frame {
  return { ...frame, data: { ...(frame["data"] as Frame), ...data } };
}

/** A session that reached its age: its connector comes back with a new one. */
const TOO_OLD = 4430;

/** An honest connector meanwhile: its session must live, and what it told must stay what it told. */
class Witness implements AsyncDisposable {
  readonly #origin: string;
  #connector: FakeConnector;
  readonly #beats: NodeJS.Timeout;
  #slowest = 0;
  #sentAt = 0;

  private constructor(origin: string, connector: FakeConnector) {
    this.#origin = origin;
    this.#connector = connector;
    this.#listen();
    this.#beats = setInterval(
      () => {
        if (this.#connector.socket.readyState !== this.#connector.socket.OPEN) return;
        this.#sentAt = performance.now();
        this.#connector.beat();
      },
      15_000 * SCALE * 0.9,
    );
  }

  static async at(plane: PlaneSubject): Promise<Witness> {
    const connector = await FakeConnector.ready(plane.url, await plane.identity());
    connector.tellAll([connector.snapshotItem(fakeReport("witness"))]);
    await connector.acked(1);
    return new Witness(plane.url, connector);
  }

  #listen(): void {
    const connector = this.#connector;
    connector.socket.on(
      "message",
      () => (this.#slowest = Math.max(this.#slowest, performance.now() - this.#sentAt)),
    );
    connector.socket.once("close", (code) => {
      if (code === TOO_OLD) void this.#comeBack(connector);
    });
  }

  /** A long run outlives sessions. Where it cannot come back the socket stays closed, and is told. */
  async #comeBack(before: FakeConnector): Promise<void> {
    const { identity, streamId, instanceId, next } = before;
    const again = await FakeConnector.ready(this.#origin, identity, { streamId, instanceId, next }).catch(
      () => before,
    );
    if (again === before) return;
    this.#connector = again;
    this.#listen();
  }

  async problems(plane: PlaneSubject): Promise<readonly string[]> {
    const { socket, identity } = this.#connector;
    if (socket.readyState !== socket.OPEN) {
      const { code, reason } = await this.#connector.closed();
      const id = identity.answer.connectorId;
      const told = plane.program?.output.split("\n").filter((line) => line.includes(id)) ?? [];
      return [
        `the session of an honest connector ended with ${code} ${reason}; the log says ${told.slice(-3).join(" ")}`,
      ];
    }
    const name = identity.answer.connector;
    const seen = await plane.get<{ items: { name: string; state: string }[] }>(
      `/integrations?connector=${name}`,
    );
    const items = JSON.stringify(seen?.items.map((item) => [item.name, item.state]));
    const problems =
      items === '[["witness","online"]]' ? [] : [`the honest connector's integrations are ${items}`];
    if (this.#slowest > 2_500)
      problems.push(`the honest connector's beat was answered after ${Math.round(this.#slowest)} ms`);
    return problems;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#beats);
    await this.#connector[Symbol.asyncDispose]();
  }
}
