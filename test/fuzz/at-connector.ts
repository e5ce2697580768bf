import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { SUBPROTOCOL } from "../../src/protocol/envelope.ts";
import { wireFrame } from "../conformance/frames.ts";
import { ConnectorSubject } from "../conformance/subjects.ts";
import { seeded } from "../fake/random.ts";
import { silent } from "../fake/targets.ts";
import { eventually, folder, tcp } from "../process/programs.ts";
import {
  anything,
  documentedFrames,
  type Frame,
  type Json,
  mutated,
  onTheWire,
  pick,
  type Random,
} from "./grammar.ts";
import { RawSession } from "./raw-session.ts";
import type { Fuzzed, Tell } from "./run.ts";
import { SMALL_HEAP, Watched } from "./watched.ts";

const SCALE = 0.01;
const MOST_FRAMES = 120;
const WARM = 10_000;

const frames = documentedFrames();
/** What a control plane may send, more often than what only the other end may. */
const OWN = [
  "session.ack",
  "command.dispatch",
  "command.dispatch",
  "command.dispatch",
  "command.cancel",
  "status.resync",
  "session.error",
];

/** Where the connector may go, where it may not, and what it may not read. */
interface Doors {
  readonly allowed: number;
  readonly forbidden: number;
  readonly secretFile: string;
}

/** Throws so many frames at a real connector, as its control plane. `targets`: what its policy allows beside one place. */
export async function fuzzConnector(
  count: number,
  seed: number,
  { targets = [], tell = () => {} }: { targets?: readonly string[]; tell?: Tell } = {},
): Promise<Fuzzed> {
  await using parts = new AsyncDisposableStack();
  const dir = parts.use(await folder()).path;
  const [own, allowed, canary] = [
    parts.use(await silent()),
    parts.use(await silent()),
    parts.use(await silent()),
  ];
  const doors = { allowed: allowed.port, forbidden: canary.port, secretFile: join(dir, "canary") };
  await writeFile(doors.secretFile, "a canary that nobody may read");
  const seen = join(dir, "doors");
  await writeFile(seen, "");
  const server = createServer((request, response) => answerEnrolment(request, response));
  parts.defer(() => server.closeAllConnections());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const preload = fileURLToPath(new URL("watch-doors.ts", import.meta.url));
  const environment = {
    NODE_OPTIONS: `${SMALL_HEAP} --import=${preload}`,
    TEST_DOORS_FILE: seen,
    MOORING_SECRET_CANARY: "a canary in a variable",
  };
  const remote = {
    targets: [`127.0.0.1:${allowed.port}`, ...targets],
    secrets: [{ store: "file", name: doors.secretFile, targets: ["*:*"] }],
  };
  const subject = new ConnectorSubject(SCALE);
  const configuration = { integrations: [tcp("orders-db", own.port)], policy: { remote } };
  const attack = attackOn(server, { seed, doors, count, tell });
  await using started = await subject.start(`http://127.0.0.1:${port}`, { configuration, environment });
  const watched = new Watched(started.program, `${started.health}/livez`);
  attack.onWarm = () => watched.begin();
  await eventually(
    `${count} frames`,
    () => (attack.sent.frames >= count || started.program.isOver ? true : undefined),
    { ms: 60_000 + count * 20 },
  );
  const problems = [...(await watched.end())];
  if (attack.strange.length > 0) problems.push(`it sent a frame that is none: ${attack.strange[0]}`);
  if (canary.accepted() > 0)
    problems.push(`it dialled 127.0.0.1:${canary.port}, which its policy does not allow`);
  const used = new Set((await readFile(seen, "utf8")).split("\n").filter(Boolean));
  const places = new Set([port, own.port, allowed.port].map((place) => `dial 127.0.0.1:${place}`));
  problems.push(
    ...[...used]
      .filter((door) => door.startsWith("dial ") && !places.has(door))
      .map((door) => `it did ${door}`),
  );
  problems.push(
    ...[...used]
      .filter((door) => door.startsWith("open ") && !door.includes("mooring-process-"))
      .filter((door) => !SYSTEM.test(door))
      .map((door) => `it did ${door}`),
  );
  if (used.has(`open ${doors.secretFile}`)) problems.push("it read a file that only the local file may name");
  if (!used.has(`dial 127.0.0.1:${allowed.port}`))
    problems.push("nothing that the policy allows was dialled: these frames prove nothing");
  return { what: "the connector", ...attack.sent, problems, figures: watched.figures };
}

/** Files of the machine that a resolver reads. */
const SYSTEM = /^open \/etc\/(resolv\.conf|hosts|nsswitch\.conf)$/;

function answerEnrolment(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  const audience = `http://${request.headers.host}`;
  const answer = { connectorId: "c-1", connector: "prod", keyId: "k-1", audience, cpTrust: null };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
}

interface Attack {
  readonly sent: { frames: number; sessions: number };
  readonly strange: string[];
  onWarm: () => void;
}

function attackOn(
  server: Server,
  { seed, doors, count, tell }: { seed: number; doors: Doors; count: number; tell: Tell },
): Attack {
  const attack: Attack = { sent: { frames: 0, sessions: 0 }, strange: [], onWarm: () => {} };
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    accept(request, socket);
    const session = new RawSession(socket, "up");
    attack.sent.sessions += 1;
    const random = seeded(seed * 1_000_003 + attack.sent.sessions);
    void throwAt(session, random, doors).then((frames) => {
      attack.sent.frames += frames;
      attack.strange.push(...session.strange);
      tell("the connector", attack.sent.frames);
      if (attack.sent.frames > Math.min(WARM, count / 4)) attack.onWarm();
      socket.destroy();
    });
  });
  return attack;
}

function accept(request: IncomingMessage, socket: Duplex): void {
  const key = request.headers["sec-websocket-key"] ?? "";
  const answer = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${answer}`,
  ];
  socket.write(`${[...lines, `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`].join("\r\n")}\r\n\r\n`);
}

async function throwAt(session: RawSession, random: Random, doors: Doors): Promise<number> {
  const hello = await session.until((got) => got.includes("session.hello"), 1_000);
  const welcome = welcomeTo(hello ?? "{}");
  session.send(
    random() < 0.1 ? onTheWire(random, mutated(random, welcome), { masked: false }) : text(welcome),
  );
  await session.until((got) => got.includes("session.ready"), 300);
  let sent = 1;
  for (; sent < MOST_FRAMES && !session.isOver; sent += 1) {
    const type = random() < 0.9 ? pick(random, OWN) : pick(random, [...frames.keys()]);
    const frame = withArgs(frames.get(type) ?? {}, random, doors);
    const kept = random() < 0.85 ? ["specversion", "id", "source", "type", "time"] : [];
    session.send(
      random() < 0.3 ? text(frame) : onTheWire(random, mutated(random, frame, kept), { masked: false }),
    );
    if (sent % 8 === 0) await session.pause(2);
  }
  return sent;
}

function welcomeTo(hello: string): Frame {
  const { data } = JSON.parse(hello) as { data?: { stream?: { first: number } } };
  const scaled = { intervalMs: 150, answerMs: 10_000 * SCALE * 3, unreachableMs: 450 };
  const frame = frames.get("session.welcome") ?? {};
  const last = (data?.stream?.first ?? 1) - 1;
  return {
    ...frame,
    data: { ...(frame["data"] as Frame), resume: { mode: "snapshot", last }, heartbeat: scaled },
  };
}

/** A dispatch for a place at the edge of the policy, each under an id of its own; any other frame as it is. */
function withArgs(frame: Frame, random: Random, doors: Doors): Frame {
  const data = frame["data"] as Frame;
  if (!("commandId" in data)) return frame;
  const commandId = random() < 0.8 ? `c-${random()}` : "c-again";
  if (!("args" in data)) return { ...frame, data: { ...data, commandId } };
  const kind = pick(random, [
    "refresh",
    "integration.test",
    "integration.test",
    "integration.test",
    "access.grant",
  ]);
  const args = random() < 0.3 ? (data["args"] ?? null) : { item: itemAt(random, doors) };
  return { ...frame, data: { ...data, commandId, kind, args, timeoutMs: 300 } };
}

/** An integration that leads where it may, or where it may not, written in one of many ways. */
function itemAt(random: Random, { allowed, forbidden, secretFile }: Doors): Json {
  const loopback = [
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "127.1",
    "[::ffff:127.0.0.1]",
    "localhost",
    "①②⑦.0.0.1",
  ];
  const place =
    random() < 0.2 ? { host: "127.0.0.1", port: allowed } : { host: pick(random, loopback), port: forbidden };
  const type = pick(random, ["tcp", "tls", "http", "postgresql", "__proto__"]);
  const url = `http://${place.host}:${place.port}/@127.0.0.1:${allowed}/`;
  const tls = random() < 0.2 ? { tls: { ca: secretFile } } : {};
  const proxy = random() < 0.1 ? { proxy: `http://127.0.0.1:${forbidden}` } : {};
  const config =
    type === "http"
      ? { url, ...tls, ...proxy }
      : { ...place, ...(type === "postgresql" ? { database: "d" } : {}), ...tls, ...proxy };
  const secrets = [
    { store: "file", path: secretFile },
    { store: "env", variable: "MOORING_SECRET_CANARY" },
    anything(random),
  ];
  return { name: "x", type, config, ...(random() < 0.4 ? { secret: pick(random, secrets) } : {}) };
}

function text(frame: Frame): Buffer {
  return wireFrame(1, Buffer.from(JSON.stringify(frame)));
}
