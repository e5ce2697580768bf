import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { SUBPROTOCOL } from "../../src/protocol/envelope.ts";
import {
  type Frame,
  type FrameOf,
  type FrameType,
  parseFrame,
  writeFrame,
} from "../../src/protocol/frames.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import type { Welcome } from "../../src/protocol/session-frames.ts";

/** One accepted upgrade. */
export interface FakeSession {
  readonly request: IncomingMessage;
  readonly socket: WebSocket;
  /** All that came, in order. */
  readonly frames: Frame[];
  readonly at: number;
  send<T extends FrameType>(type: T, data: FrameOf<T>["data"]): void;
  /** Waits for a frame of a type, among those that came too. Rejects after 5 s. */
  wait<T extends FrameType>(type: T, which?: (frame: FrameOf<T>) => boolean): Promise<FrameOf<T>>;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
}

export interface Script {
  /** Durations of `welcome`, in real milliseconds. */
  readonly intervalMs?: number;
  readonly answerMs?: number;
  readonly unreachableMs?: number;
  readonly spreadMs?: number;
  readonly mode?: "resume" | "snapshot";
  readonly limits?: Partial<Welcome["limits"]>;
  /** Answers hello, beats and events as a control plane does. Default true. */
  readonly answers?: boolean;
  readonly acks?: boolean;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Answers an upgrade in another way: true where it did. */
  readonly refuse?: (socket: Socket, attempt: number, request: IncomingMessage) => boolean;
  readonly enrol?: (body: unknown, response: ServerResponse) => void;
  readonly onFrame?: (frame: Frame, session: FakeSession) => void;
  /** Marks of streams that this control plane knows already. */
  readonly marks?: Map<string, number>;
}

export interface FakeControlPlane {
  readonly url: string;
  readonly port: number;
  readonly sessions: FakeSession[];
  readonly attempts: {
    readonly at: number;
    readonly headers: IncomingMessage["headers"];
    readonly url: string;
  }[];
  readonly enrolments: unknown[];
  /** The mark of each stream: the last sequence that was stored. */
  readonly marks: Map<string, number>;
  /** Every sequenced event that was applied, once each. */
  readonly applied: Frame[];
  script: Script;
  session(index: number): Promise<FakeSession>;
  [Symbol.asyncDispose](): Promise<void>;
}

const LIMITS_SENT: Welcome["limits"] = { ...LIMITS };

/** A control plane that does what a test tells it, over real sockets on loopback. */
export async function fakeControlPlane(script: Script = {}): Promise<FakeControlPlane> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LIMITS.frameBytes });
  const server: Server = script.tls === undefined ? createServer() : createTlsServer({ ...script.tls });
  const waiting: (() => void)[] = [];
  const raw = new Set<Socket>();
  const plane: FakeControlPlane = {
    url: "",
    port: 0,
    sessions: [],
    attempts: [],
    enrolments: [],
    marks: script.marks ?? new Map(),
    applied: [],
    script,
    async session(index) {
      const deadline = AbortSignal.timeout(10_000);
      while (plane.sessions[index] === undefined) {
        deadline.throwIfAborted();
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          setTimeout(resolve, 20);
        });
      }
      return plane.sessions[index];
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of plane.sessions) socket.terminate();
      server.closeAllConnections();
      for (const socket of raw) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
  server.on("request", (request, response) => void answer(plane, request, response));
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on("error", () => {});
    raw.add(socket);
    socket.on("close", () => raw.delete(socket));
    plane.attempts.push({ at: performance.now(), headers: request.headers, url: request.url ?? "" });
    if (plane.script.refuse?.(socket, plane.attempts.length, request) === true) return;
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      plane.sessions.push(accept(plane, webSocket, request));
      for (const wake of waiting.splice(0)) wake();
    });
  });
  sockets.options.handleProtocols = (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const scheme = script.tls === undefined ? "http" : "https";
  return Object.assign(plane, {
    port,
    url: `${scheme}://${script.tls === undefined ? "127.0.0.1" : "localhost"}:${port}`,
  });
}

async function answer(
  plane: FakeControlPlane,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body: unknown = JSON.parse(Buffer.concat(chunks).toString() || "null");
  plane.enrolments.push(body);
  if (plane.script.enrol !== undefined) return plane.script.enrol(body, response);
  const answered = {
    connectorId: "c-1",
    connector: "prod-eu",
    keyId: "k-1",
    audience: plane.url,
    cpTrust: null,
  };
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(answered));
}

/** A problem+json instead of an upgrade. */
export function problemAnswer(
  socket: Socket,
  status: number,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): true {
  const body = JSON.stringify({ title: error, status, error });
  const lines = Object.entries({ date: new Date().toUTCString(), ...headers }).map(([k, v]) => `${k}: ${v}`);
  socket.end(
    [
      `HTTP/1.1 ${status} No`,
      "content-type: application/problem+json",
      `content-length: ${Buffer.byteLength(body)}`,
      "connection: close",
      ...lines,
      "",
      body,
    ].join("\r\n"),
  );
  return true;
}

/** A frame as a control plane writes it. */
export function written<T extends FrameType>(type: T, data: FrameOf<T>["data"], sequence?: number): string {
  const frame = {
    id: randomUUID(),
    source: "/control-planes/cp-1",
    type,
    time: new Date().toISOString(),
    data,
    ...(sequence === undefined ? {} : { sequence }),
  };
  return writeFrame(frame as unknown as Frame);
}

function accept(plane: FakeControlPlane, socket: WebSocket, request: IncomingMessage): FakeSession {
  const waits: (() => void)[] = [];
  const session: FakeSession = {
    request,
    socket,
    frames: [],
    at: performance.now(),
    send: (type, data) => socket.send(written(type, data)),
    async wait(type, which = () => true) {
      const deadline = AbortSignal.timeout(5_000);
      for (;;) {
        const found = session.frames.find(
          (frame) => frame.type === type && which(frame as unknown as FrameOf<typeof type>),
        );
        if (found !== undefined) return found as unknown as FrameOf<typeof type>;
        if (deadline.aborted)
          throw new Error(`no ${type} came; came: ${session.frames.map(({ type }) => type).join(" ")}`);
        await new Promise<void>((resolve) => {
          waits.push(resolve);
          setTimeout(resolve, 50);
        });
      }
    },
    closed: new Promise((resolve) => {
      socket.on("close", resolve);
    }),
  };
  socket.on("error", () => {});
  socket.on("message", (data) => {
    const parsed = parseFrame(Buffer.isBuffer(data) ? data.toString() : "");
    if (parsed.kind !== "frame") throw new Error(`the connector sent ${JSON.stringify(parsed)}`);
    session.frames.push(parsed.frame);
    plane.script.onFrame?.(parsed.frame, session);
    if (plane.script.answers !== false) react(plane, session, parsed.frame);
    for (const wake of waits.splice(0)) wake();
  });
  return session;
}

function react(plane: FakeControlPlane, session: FakeSession, frame: Frame): void {
  const stream = frame.source;
  const { script, marks } = plane;
  const ack = (n?: number): void =>
    session.send("session.ack", {
      epoch: 1,
      applied: marks.get(stream) ?? 0,
      ...(n === undefined ? {} : { n }),
    });
  if (frame.type === "session.hello") return session.send("session.welcome", welcomeOf(plane, frame));
  if (frame.type === "session.ready") return ack();
  if (frame.type === "session.heartbeat") return ack(frame.data.n);
  if (frame.type === "session.bye") return session.socket.close(1000, "bye");
  if (frame.sequence === undefined || script.acks === false) return;
  const mark = marks.get(stream) ?? 0;
  if (frame.sequence > mark + 1) return session.socket.close(4410, "gap");
  if (frame.sequence === mark + 1) {
    marks.set(stream, frame.sequence);
    plane.applied.push(frame);
  }
  ack();
}

function welcomeOf({ script, marks }: FakeControlPlane, { data, source }: FrameOf<"session.hello">): Welcome {
  const known = marks.has(source);
  const last = marks.get(source) ?? data.stream.first - 1;
  marks.set(source, last);
  const now = new Date().toISOString();
  return {
    connector: { id: "c-1", name: "prod-eu" },
    capabilities: [],
    nonce: randomUUID(),
    resume: { mode: script.mode ?? (known ? "resume" : "snapshot"), last },
    heartbeat: {
      intervalMs: script.intervalMs ?? 15_000,
      answerMs: script.answerMs ?? 10_000,
      unreachableMs: script.unreachableMs ?? 45_000,
    },
    reconnect: { initialSpreadMs: script.spreadMs ?? 0, capMs: 60_000 },
    limits: { ...LIMITS_SENT, ...script.limits },
    maxAgeMs: 1_800_000,
    serverTime: now,
    receivedTime: now,
    config: { generation: 0, digest: "" },
  };
}
