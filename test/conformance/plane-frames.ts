import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { connectorSource, SUBPROTOCOL } from "../../src/protocol/envelope.ts";
import { LIMITS, TIMINGS } from "../../src/protocol/limits.ts";
import { bearer, fakeReport } from "../fake/connector.ts";
import { type Case, holds, same, SLACK_MS, within } from "./case.ts";
import {
  endOf,
  expectAlive,
  guestAt,
  keepBeating,
  nameOf,
  nthReport,
  rawFrame,
  sequenceText,
} from "./guest.ts";
import type { PlaneSubject } from "./subjects.ts";

type PlaneCase = Case<PlaneSubject>;

const badFrames: PlaneCase = {
  number: 5,
  says: "Binary ends with 1003, bad UTF-8 with 1007, 257 KiB with 1009; an event of 65 KiB is answered tooLarge and the session lives; what is unknown is ignored.",
  scale: 0.01,
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const ends: readonly (readonly [string, Buffer, boolean, number])[] = [
      ["binary", Buffer.from("{}"), true, 1003],
      ["bad UTF-8", Buffer.from([0x22, 0xff, 0xfe, 0x22]), false, 1007],
      ["257 KiB", Buffer.alloc(257 * 1024, "x"), false, 1009],
    ];
    for (const [what, bytes, binary, code] of ends) {
      const guest = await guestAt(plane, parts);
      guest.socket.send(bytes, { binary });
      same(what, await endOf(what, guest), code);
    }
    const guest = await guestAt(plane, parts);
    const report = {
      ...fakeReport("a"),
      source: "file",
      observedAt: new Date().toISOString(),
      previous: null,
      coalesced: 0,
    };
    const next = (data: unknown, type: string, more: object = {}): void => {
      guest.socket.send(rawFrame(guest, type, data, { sequence: sequenceText(guest.next), ...more }));
      guest.next += 1;
    };
    next({ ...report, cause: "x".repeat(LIMITS.eventBytes) }, "status.changed", { id: "too-large" });
    await guest.until(
      "session.error",
      ({ data }) => data.code === "tooLarge" && data.refId === "too-large",
      2_000,
    );
    next({ anything: 1 }, "status.of-tomorrow");
    guest.socket.send(rawFrame(guest, "session.of-tomorrow", { anything: 1 }));
    next({ ...report, memberOfTomorrow: 1 }, "status.changed", { attributeoftomorrow: "x" });
    await guest.acked(guest.next - 1);
    await expectAlive("the session, after all that", guest);
    const shown = await plane.get<{ state: string }>(`/integrations/${nameOf(guest)}/a`);
    same("the event with unknown members", shown?.state, "online");
  },
};

const beats: PlaneCase = {
  number: 6,
  says: "Each heartbeat is answered with its number within a second; a frame of a foreign source ends the session with 4400 and has no effect.",
  scale: 0.01,
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const guest = await guestAt(plane, parts);
    for (let beat = 0; beat < 5; beat += 1) {
      const n = guest.beat();
      await guest.until("session.ack", ({ data }) => data.n === n, 1_000);
      await new Promise((resolve) => setTimeout(resolve, 1_000 * 15 * plane.scale));
    }
    const other = await guestAt(plane, parts, { items: [fakeReport("theirs")] });
    const foreign = connectorSource(other.identity.answer.connectorId, other.streamId);
    const data = {
      ...nthReport("theirs", 1),
      source: "file",
      observedAt: new Date().toISOString(),
      previous: null,
      coalesced: 0,
    };
    guest.socket.send(
      rawFrame(guest, "status.changed", data, { source: foreign, sequence: sequenceText(2) }),
    );
    same("a frame of another connector", await endOf("a foreign source", guest), 4400);
    const shown = await plane.get<{ state: string }>(`/integrations/${nameOf(other)}/theirs`);
    same("the other connector's integration", shown?.state, "online");
    await expectAlive("the other connector", other);
  },
};

const tooMuch: PlaneCase = {
  number: 16,
  says: "Who never reads is closed within 10 s, with the control plane's memory bounded; who sends beyond the window or the rate is closed with 4429.",
  looksAt: "memory",
  scale: 0.01,
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const guest = await guestAt(plane, parts);
    let told = 0;
    const flood = (count: number): void => {
      for (const most = told + count; told < most; told += 1) guest.tell(nthReport("flood", told));
    };
    flood(LIMITS.eventsBurst + 200);
    // At this scale the allowance comes back quickly: where TLS made the first ones slow, more follow.
    const more = setInterval(() => {
      if (guest.socket.readyState === guest.socket.OPEN) flood(200);
    }, 20);
    parts.defer(() => clearInterval(more));
    same("700 events at once", await endOf("700 events at once", guest, 5_000), 4429);
    clearInterval(more);
    await neverReads(plane, parts);
  },
};

/** Pings are what makes a control plane write most; what it cannot write it must not keep. */
async function neverReads(plane: PlaneSubject, parts: AsyncDisposableStack): Promise<void> {
  const other = await guestAt(plane, parts);
  const guest = await guestAt(plane, parts);
  const before = plane.program?.rss ?? 0;
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, plane.program?.rss ?? 0)), 20);
  parts.defer(() => clearInterval(watch));
  guest.socket.pause();
  const pings = setInterval(() => {
    for (let count = 0; count < 2_000; count += 1) guest.socket.ping(Buffer.alloc(125));
  }, 10);
  parts.defer(() => clearInterval(pings));
  const longest = TIMINGS.writeMs * plane.scale + 5 * SLACK_MS;
  await plane.until<{ state: string }>(
    `/connectors/${nameOf(guest)}`,
    ({ state }) => state === "disconnected",
    longest,
  );
  clearInterval(pings);
  if (plane.program !== undefined) within("MiB more memory", (peak - before) / 1_048_576, [-1_000, 64]);
  await expectAlive("another connector meanwhile", other);
}

const admission: PlaneCase = {
  number: 22,
  says: "Twice the admission rate is answered with 503 alone, each with another Retry-After; the API answers within 500 ms meanwhile.",
  scale: 0.01,
  async run(plane) {
    const offered = Array.from({ length: 600 }, () => rawUpgrade(plane.url));
    const asked = performance.now();
    await plane.api("GET", "/connectors");
    const apiMs = performance.now() - asked;
    const answers = await Promise.all(offered);
    const seconds = (performance.now() - asked) / 1_000;
    const refused = answers.filter(({ status }) => status === 503);
    const others = new Set(answers.map(({ status }) => status));
    same(
      "the answers",
      [...others].toSorted((a, b) => a - b),
      [401, 503],
    );
    // 200 at once and 200 a second are let through.
    within(`of 600 in ${seconds.toFixed(1)} s, refused`, refused.length, [
      Math.max(1, 390 - 220 * seconds),
      400,
    ]);
    const waits = refused.map(({ retryAfter }) => retryAfter);
    holds(
      "each refusal has a Retry-After of at least 1 s",
      waits.every((wait) => wait >= 1),
      waits.slice(0, 20),
    );
    if (waits.length >= 20)
      holds("the Retry-After are spread", new Set(waits).size >= 3, [...new Set(waits)]);
    within("the API's ms", apiMs, [0, 500 + SLACK_MS]);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
  },
};

/** An upgrade without a token, over a socket of its own: cheap enough for a crowd. */
function rawUpgrade(url: string): Promise<{ status: number; retryAfter: number }> {
  const { hostname, port, host, protocol } = new URL(url);
  const isTls = protocol === "https:";
  return new Promise((resolve, reject) => {
    const at = { host: hostname, port: Number(port || (isTls ? 443 : 80)) };
    const socket = isTls ? connectTls({ ...at, servername: hostname }) : connect(at);
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.once("error", reject);
    socket.once("close", () => {
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
      resolve({ status, retryAfter: Number(/^retry-after: (\d+)/im.exec(text)?.[1]) });
    });
    const head = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"];
    const key = `Sec-WebSocket-Key: ${Buffer.from(randomUUID().slice(0, 16)).toString("base64")}`;
    const lines = [
      "GET /v1/connect HTTP/1.1",
      `Host: ${host}`,
      ...head,
      key,
      `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`,
    ];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  });
}

const manySessions: PlaneCase = {
  number: 38,
  says: "After many reconnects sockets and memory of the control plane are what they were.",
  looksAt: "sockets and memory",
  scale: 0.01,
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const identity = await plane.identity();
    const like = { instanceId: "one" };
    const once = async (): Promise<void> => {
      await using round = new AsyncDisposableStack();
      const guest = await guestAt(plane, round, { identity, like });
      keepBeating(guest, plane, round);
    };
    for (let warm = 0; warm < 20 + plane.rounds.reconnects / 4; warm += 1) await once();
    const before = { rss: plane.program?.rss ?? 0, descriptors: plane.program?.descriptors ?? 0 };
    for (let count = 0; count < plane.rounds.reconnects; count += 1) await once();
    await expectAlive("a session after all that", await guestAt(plane, parts, { identity, like }));
    if (plane.program === undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 300));
    within("open descriptors more", plane.program.descriptors - before.descriptors, [-100, 5]);
    within("MiB more memory", (plane.program.rss - before.rss) / 1_048_576, [-1_000, 32]);
  },
};

export const FRAME_CASES = [badFrames, beats, tooMuch, admission, manySessions];
export { bearer };
