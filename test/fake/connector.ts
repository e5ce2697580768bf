import { createHash, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  SignJWT,
  CompactSign,
  exportJWK,
  generateKeyPair,
  calculateJwkThumbprint,
  type CryptoKey,
} from "jose";
import { WebSocket } from "ws";
import { stateDigest } from "../../src/protocol/digest.ts";
import type { EnrolAnswer, PublicKeyJwk } from "../../src/protocol/enrolment.ts";
import { connectorSource, integrationSubject, SUBPROTOCOL, uuidv7 } from "../../src/protocol/envelope.ts";
import {
  type Frame,
  type FrameOf,
  type FrameType,
  parseFrame,
  writeFrame,
} from "../../src/protocol/frames.ts";
import type { Report } from "../../src/protocol/report.ts";
import type { Heartbeat, Hello } from "../../src/protocol/session-frames.ts";
import type { SnapshotItem, StatusChanged } from "../../src/protocol/status-frames.ts";

/** A connector's key, and what its enrolment gave. */
export interface FakeIdentity {
  readonly privateKey: CryptoKey;
  readonly jwk: PublicKeyJwk;
  readonly keyId: string;
  readonly answer: EnrolAnswer;
}

export async function newKey(): Promise<Omit<FakeIdentity, "answer">> {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const jwk = (await exportJWK(publicKey)) as PublicKeyJwk;
  return { privateKey, jwk, keyId: await calculateJwkThumbprint(jwk) };
}

/** The body of an enrolment, with a proof by that key. */
export async function enrolBody(
  key: Omit<FakeIdentity, "answer">,
  { token, aud }: { token: string; aud: string },
): Promise<object> {
  const payload = new TextEncoder().encode(JSON.stringify({ token, aud }));
  const proof = await new CompactSign(payload).setProtectedHeader({ alg: "EdDSA" }).sign(key.privateKey);
  return { token, publicKeyJwk: { kty: key.jwk.kty, crv: key.jwk.crv, x: key.jwk.x }, proof };
}

/** Enrols with a fresh key. */
export async function enrolWith(origin: string, token: string): Promise<FakeIdentity> {
  const key = await newKey();
  const response = await fetch(`${origin}/v1/enroll`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(await enrolBody(key, { token, aud: origin })),
  });
  if (!response.ok) throw new Error(`enrolment: ${response.status} ${await response.text()}`);
  return { ...key, answer: (await response.json()) as EnrolAnswer };
}

/** A token for one upgrade. `claims` replaces what a good one says; times in seconds. */
export async function bearer(identity: FakeIdentity, claims: Record<string, unknown> = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const { connectorId, audience, keyId } = identity.answer;
  const good = {
    iss: connectorId,
    sub: connectorId,
    aud: audience,
    iat: now - 30,
    exp: now + 60,
    jti: randomUUID(),
  };
  return new SignJWT({ ...good, ...claims })
    .setProtectedHeader({ alg: "EdDSA", kid: keyId })
    .sign(identity.privateKey);
}

/** A report that is true enough. */
export function fakeReport(name: string, changes: Partial<Report> = {}): Report {
  return {
    name,
    type: "tcp",
    state: "online",
    condition: null,
    stage: null,
    reason: null,
    message: `Integration ${name} is online.`,
    cause: null,
    remedy: [],
    coverage: [],
    address: "127.0.0.1:5432",
    blockedBy: null,
    findings: [],
    path: ["resolve", "connect"],
    stages: [{ stage: "resolve", ok: true, ms: 0.1 }],
    ...changes,
  };
}

/** The same, failing. */
export function failingReport(name: string): Report {
  return fakeReport(name, {
    state: "error",
    condition: "integration_unreachable",
    stage: "connect",
    reason: "connection_refused",
    message: `Integration ${name} is unreachable.`,
    cause: "127.0.0.1:5432 refused the connection.",
  });
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A scripted connector over a real socket: it sends what it is told to, and keeps what it is sent. */
export class FakeConnector implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly identity: FakeIdentity;
  readonly received: Frame[] = [];
  streamId = uuidv7(Date.now(), randomBytes);
  instanceId: string = randomUUID();
  next = 1;
  #beats = 0;
  #closed: Promise<{ code: number; reason: string }>;
  #waiting = new Set<() => void>();

  constructor(origin: string, identity: FakeIdentity, token: string, protocols: string[] = [SUBPROTOCOL]) {
    this.identity = identity;
    const url = `${origin.replace(/^http/, "ws")}/v1/connect`;
    this.socket = new WebSocket(url, protocols, {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    this.socket.on("error", () => {});
    this.socket.on("message", (data: Buffer) => {
      const parsed = parseFrame(data.toString());
      if (parsed.kind !== "frame") throw new Error(`the control plane sent ${data.toString().slice(0, 300)}`);
      this.received.push(parsed.frame);
      for (const wake of this.#waiting) wake();
    });
    this.#closed = once(this.socket, "close").then((ended) => {
      const [code, reason] = ended as [number, Buffer];
      for (const wake of this.#waiting) wake();
      return { code, reason: reason.toString() };
    });
  }

  /** Upgrades; the session is not greeted yet. */
  static async open(origin: string, identity: FakeIdentity): Promise<FakeConnector> {
    const connector = new FakeConnector(origin, identity, await bearer(identity));
    await once(connector.socket, "open");
    return connector;
  }

  /** Upgrades, greets, and is ready. `like` goes on with that one's stream and instance. */
  static async ready(
    origin: string,
    identity: FakeIdentity,
    like: Partial<Pick<FakeConnector, "streamId" | "instanceId" | "next">> & { hello?: Partial<Hello> } = {},
  ): Promise<FakeConnector> {
    const connector = await FakeConnector.open(origin, identity);
    const { hello, ...same } = like;
    Object.assign(connector, same);
    await connector.greet(hello);
    await connector.becomeReady();
    return connector;
  }

  get source(): string {
    return connectorSource(this.identity.answer.connectorId, this.streamId);
  }

  helloData(changes: Partial<Hello> = {}): Hello {
    return {
      version: "0.0.1-test",
      capabilities: ["refresh"],
      instance: { id: this.instanceId, podUid: null, podName: null, leaseUid: null, leaseTransitions: null },
      install: { kind: "helm", namespace: "mooring", name: "mooring-connector", release: "one" },
      stream: { id: this.streamId, first: this.next, next: this.next, acked: this.next - 1 },
      stateDigest: null,
      config: { generation: 0, digest: "" },
      wallClock: new Date().toISOString(),
      ...changes,
    };
  }

  /** hello; gives the welcome. */
  async greet(changes: Partial<Hello> = {}): Promise<FrameOf<"session.welcome">> {
    this.send("session.hello", this.helloData(changes));
    return this.until("session.welcome");
  }

  /** ready; gives the first ack. */
  async becomeReady(): Promise<FrameOf<"session.ack">> {
    const welcome = this.received.findLast((frame) => frame.type === "session.welcome");
    this.send("session.ready", { nonce: welcome?.data.nonce ?? "" });
    return this.until("session.ack");
  }

  send<T extends FrameType>(type: T, data: FrameOf<T>["data"], changes: Record<string, unknown> = {}): void {
    const frame = {
      id: randomUUID(),
      source: this.source,
      type,
      time: new Date().toISOString(),
      data,
      ...changes,
    };
    this.socket.send(writeFrame(frame as never));
  }

  /** Sends with the next sequence; gives it. */
  sendNext<T extends FrameType>(
    type: T,
    data: FrameOf<T>["data"],
    changes: Record<string, unknown> = {},
  ): number {
    const sequence = this.next;
    this.next += 1;
    this.send(type, data, { sequence, ...changes });
    return sequence;
  }

  /** Tells a change; gives its sequence. */
  tell(report: Report, changes: Partial<StatusChanged> = {}): number {
    const observedAt = new Date().toISOString();
    const data = { ...report, source: "file" as const, observedAt, previous: null, coalesced: 0, ...changes };
    return this.sendNext("status.changed", data, { subject: integrationSubject(report.name) });
  }

  /** Tells a whole snapshot, in pages of so many items. */
  tellAll(items: readonly SnapshotItem[], { perPage = 200, digest = "" } = {}): void {
    const pages = Math.max(1, Math.ceil(items.length / perPage));
    const right = stateDigest(items, sha256);
    const snapshotId = randomUUID();
    for (let page = 1; page <= pages; page += 1) {
      const part = items.slice((page - 1) * perPage, page * perPage);
      this.sendNext("status.snapshot", { snapshotId, page, pages, items: part, digest: digest || right });
    }
  }

  snapshotItem(report: Report): SnapshotItem {
    return { ...report, source: "file", observedAt: new Date().toISOString() };
  }

  beat(changes: Partial<Heartbeat> = {}): number {
    this.#beats += 1;
    this.send("session.heartbeat", {
      n: this.#beats,
      epoch: 0,
      outbox: { events: 0, bytes: 0 },
      lagMs: 0,
      rttMs: 1,
      config: { generation: 0, digest: "" },
      checks: { online: 0, warning: 0, error: 0, unknown: 0 },
      configInvalid: null,
      samples: [],
      ...changes,
    });
    return this.#beats;
  }

  /** The first frame of that type that fits and was not waited for before. Throws when the socket ends or after `ms`. */
  async until<T extends FrameType>(
    type: T,
    fits: (frame: FrameOf<T>) => boolean = () => true,
    ms = 5_000,
  ): Promise<FrameOf<T>> {
    const late = AbortSignal.timeout(ms);
    for (;;) {
      const index = this.received.findIndex((frame) => frame.type === type && fits(frame as FrameOf<T>));
      if (index >= 0) return this.received.at(index) as FrameOf<T>;
      if (late.aborted)
        throw new Error(
          `no ${type} within ${ms} ms; got ${this.received.map((frame) => frame.type).join(", ")}`,
        );
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`the socket ended before ${type}`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          late.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiting.add(wake);
        late.addEventListener("abort", wake);
      });
    }
  }

  /** Acked up to there. */
  acked(sequence: number): Promise<FrameOf<"session.ack">> {
    return this.until("session.ack", ({ data }) => data.applied >= sequence);
  }

  /** How the socket ended. */
  closed(): Promise<{ code: number; reason: string }> {
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    if (this.socket.readyState !== WebSocket.CLOSED) await this.#closed;
  }
}
