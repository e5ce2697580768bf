import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { expect, test } from "vitest";
import { createAuthority } from "../../../src/demo/certificates.ts";
import { fakeControlPlane, problemAnswer } from "../../fake/control-plane.ts";
import { connectProxy } from "../../fake/proxy.ts";
import { silent } from "../../fake/targets.ts";
import { eventually, folder, type Started, start } from "./harness.ts";

const authority = await createAuthority("Mooring, tests");
const FAST = { intervalMs: 250, answerMs: 500, unreachableMs: 2_250 };
/** Where only the end of a session matters: a busy machine's late answer is not one. */
const CALM = { intervalMs: 2_000, answerMs: 10_000, unreachableMs: 30_000 };

/** The first trouble of the link, and what it says of it: a moment later it may try again. */
async function trouble(started: Started): Promise<{ readonly word: string; readonly says: string }> {
  const found: { word: string; says: string }[] = [];
  await eventually(() => {
    const link = started.connector.link();
    if (link.state === "waiting" || link.state === "stopped")
      found.push({ word: `${link.state} ${link.word}`, says: link.says });
    return found.length > 0;
  });
  return found[0] ?? { word: "", says: "" };
}

async function word(started: Started): Promise<string> {
  return (await trouble(started)).word;
}

test("a fresh token for each attempt, signed by the enrolled key, and nothing secret in the URL", async () => {
  await using plane = await fakeControlPlane({ refuse: (socket) => problemAnswer(socket, 503, "admission") });
  await using started = await start(plane);
  await eventually(() => plane.attempts.length >= 3);
  const tokens = plane.attempts.map(({ headers }) => (headers.authorization ?? "").replace("Bearer ", ""));
  const claims = tokens.map((token) => decodeJwt(token));
  expect(new Set(claims.map(({ jti }) => jti)).size).toBe(tokens.length);
  expect(claims[0]).toMatchObject({ iss: "c-1", sub: "c-1", aud: plane.url });
  expect((claims[0]?.exp ?? 0) - (claims[0]?.iat ?? 0)).toBe(90);
  expect(decodeProtectedHeader(tokens[0] ?? "")).toEqual({ alg: "EdDSA", kid: "k-1", typ: "JWT" });
  expect(new Set(plane.attempts.map(({ url }) => url))).toEqual(new Set(["/v1/connect"]));
  expect(plane.enrolments.length).toBe(1);
  expect(await word(started)).toBe("waiting admission");
});

test("a clock that is ahead is reckoned with: the second attempt signs by the control plane's", async () => {
  const ahead = 600_000;
  await using plane = await fakeControlPlane({
    refuse: (socket, attempt) =>
      attempt === 1 &&
      problemAnswer(socket, 401, "clock_skew", { date: new Date(Date.now() - ahead).toUTCString() }),
  });
  await using started = await start(plane);
  await plane.session(0);
  const [first, second] = plane.attempts.map(
    ({ headers }) => decodeJwt((headers.authorization ?? "").replace("Bearer ", "")).iat ?? 0,
  );
  expect((first ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(598);
  expect((first ?? 0) - (second ?? 0)).toBeLessThanOrEqual(601);
  await eventually(() => started.connector.link().state === "ready");
});

test.each([
  ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "waiting captive_proxy"],
  ["HTTP/1.1 302 Found\r\nlocation: http://login/\r\ncontent-length: 0\r\n\r\n", "waiting captive_proxy"],
  ["HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "waiting not_a_control_plane"],
  ["HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", "waiting unexpected_status"],
  ["SSH-2.0-OpenSSH_9.2\r\n", "waiting not_a_control_plane"],
  ["", "waiting connection_reset"],
])("an answer that is no upgrade, %j, is %s", async (answer, expected) => {
  await using plane = await fakeControlPlane({
    refuse: (socket) => {
      socket.end(answer);
      return true;
    },
  });
  await using started = await start(plane);
  expect(await word(started)).toBe(expected);
});

test.each([
  [401, "unknown_key", "stopped"],
  [401, "bad_audience", "waiting"],
  [403, "revoked", "stopped"],
  [426, "version", "stopped"],
  [400, "no_subprotocol", "stopped"],
  [429, "rate_limited", "waiting"],
])("a refusal %i %s leaves it %s, not ready and alive", async (status, error, state) => {
  await using plane = await fakeControlPlane({ refuse: (socket) => problemAnswer(socket, status, error) });
  await using started = await start(plane);
  const { word: told, says } = await trouble(started);
  expect(told).toBe(`${state} ${error}`);
  expect((await started.get("/readyz")).status).toBe(503);
  expect((await started.get("/livez")).status).toBe(200);
  expect(says).toMatch(/^The control plane at 127\.0\.0\.1:\d+ .*\.$/);
});

test("another subprotocol than ours is refused", async () => {
  await using plane = await fakeControlPlane({
    refuse: (socket, _, { headers }) => {
      void import("node:crypto").then(({ createHash }) => {
        const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
        const accept = createHash("sha1").update(`${headers["sec-websocket-key"]}${magic}`).digest("base64");
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\nsec-websocket-protocol: other\r\n\r\n`,
        );
      });
      return true;
    },
  });
  await using started = await start(plane);
  expect(await word(started)).toBe("waiting wrong_subprotocol");
});

test("Retry-After is kept", async () => {
  await using plane = await fakeControlPlane({
    refuse: (socket, attempt) =>
      attempt === 1 && problemAnswer(socket, 503, "draining", { "retry-after": "1" }),
  });
  await using _ = await start(plane);
  await plane.session(0);
  const [first, second] = plane.attempts;
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
});

test.each([4503, 4504, 4507, 4500])(
  "close %i after ready: no more attempts, not ready, alive",
  async (code) => {
    await using plane = await fakeControlPlane(CALM);
    await using started = await start(plane, { timeScale: 0.01 });
    const session = await plane.session(0);
    await eventually(() => started.connector.link().state === "ready");
    session.socket.close(code);
    await eventually(() => started.connector.link().state === "stopped");
    await new Promise((resolve) => {
      setTimeout(resolve, 500);
    });
    expect(plane.attempts.length).toBe(1);
    expect((await started.get("/readyz")).status).toBe(503);
    expect((await started.get("/livez")).status).toBe(200);
  },
);

test("who is stopped enrols again as soon as there is a new join token", async () => {
  await using place = await folder();
  const joinTokenFile = join(place.path, "token");
  await writeFile(joinTokenFile, "first-token-0123456789");
  let revoked = true;
  await using plane = await fakeControlPlane({
    refuse: (socket) => revoked && problemAnswer(socket, 403, "revoked"),
  });
  await using started = await start(plane, { joinTokenFile, timeScale: 0.01 });
  expect(await word(started)).toBe("stopped revoked");
  revoked = false;
  await writeFile(joinTokenFile, "second-token-0123456789");
  await plane.session(0);
  expect(plane.enrolments).toMatchObject([
    { token: "first-token-0123456789" },
    { token: "second-token-0123456789" },
  ]);
});

test("a control plane that takes the connection and never answers is given up and tried again", async () => {
  await using plane = await silent();
  await using started = await start({ url: `http://127.0.0.1:${plane.port}` }, { timeScale: 0.02 });
  expect(await word(started)).toBe("waiting timeout");
  await eventually(() => plane.accepted() >= 2);
});

test("one that upgrades and never answers, and one that never acks a beat, are left", async () => {
  await using mute = await fakeControlPlane({ answers: false });
  await using started = await start(mute, { timeScale: 0.02 });
  expect(await word(started)).toBe("waiting handshake_timeout");
  await mute.session(1);
  await using deaf = await fakeControlPlane({
    ...FAST,
    answers: false,
    onFrame: (frame, session) => {
      if (frame.type !== "session.hello") return;
      const now = new Date().toISOString();
      session.send("session.welcome", {
        connector: { id: "c-1", name: "x" },
        capabilities: [],
        nonce: "n",
        resume: { mode: "snapshot", last: 0 },
        heartbeat: { intervalMs: 100, answerMs: 200, unreachableMs: 900 },
        reconnect: { initialSpreadMs: 0, capMs: 60_000 },
        limits: {
          frameBytes: 1,
          eventBytes: 1,
          windowEvents: 10,
          windowBytes: 100_000,
          eventsPerSecond: 10,
          eventsBurst: 10,
          snapshotPageItems: 10,
          snapshotItems: 10,
          commandsInFlight: 1,
        },
        maxAgeMs: 1,
        serverTime: now,
        receivedTime: now,
        config: { generation: 0, digest: "" },
      });
    },
  });
  await using other = await start(deaf, { timeScale: 0.02 });
  const session = await deaf.session(0);
  const pings = setInterval(() => session.socket.ping(), 20);
  expect(await word(other)).toBe("waiting unanswered");
  clearInterval(pings);
  await deaf.session(1);
});

test("frames that are binary, too large or no text end the session, which comes back", async () => {
  await using plane = await fakeControlPlane(FAST);
  await using started = await start(plane, { timeScale: 0.02 });
  const codes: number[] = [];
  const bad: ((socket: Awaited<ReturnType<typeof plane.session>>["socket"]) => void)[] = [
    (socket) => socket.send(Buffer.from([1, 2, 3])),
    (socket) => socket.send("x".repeat(262_145)),
    (socket) => socket.send("x".repeat(262_144)),
  ];
  for (const [index, send] of bad.entries()) {
    const session = await plane.session(index);
    await session.wait("session.ready");
    send(session.socket);
    if (index < 2) codes.push(await session.closed);
  }
  expect(codes).toEqual([1003, 1009]);
  await eventually(() => started.connector.link().state === "ready");
});

test("TLS: a CA of our own is trusted where it is named, a stranger's certificate is refused", async () => {
  await using place = await folder();
  const ca = join(place.path, "ca.pem");
  await writeFile(ca, authority.certPem);
  const { certPem: cert, keyPem: key } = await authority.issue({ names: ["localhost"] });
  await using plane = await fakeControlPlane({ ...FAST, tls: { cert, key } });
  await using trusting = await start(plane, { ca });
  await eventually(() => trusting.connector.link().state === "ready");
  await using stranger = await start(plane);
  expect(await word(stranger)).toBe("waiting certificate_untrusted");
  const other = await authority.issue({ names: ["other.example"] });
  await using misnamed = await fakeControlPlane({ tls: { cert: other.certPem, key: other.keyPem } });
  await using careful = await start(misnamed, { ca });
  expect(await word(careful)).toBe("waiting certificate_name_mismatch");
});

test("HTTPS_PROXY is used, NO_PROXY obeyed, and a proxy that refuses is told as one", async () => {
  await using place = await folder();
  const ca = join(place.path, "ca.pem");
  await writeFile(ca, authority.certPem);
  const { certPem: cert, keyPem: key } = await authority.issue({ names: ["localhost"] });
  await using plane = await fakeControlPlane({ ...FAST, tls: { cert, key } });
  await using proxy = await connectProxy({ mode: "works" });
  const environment = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
  await using through = await start(plane, { ca, environment });
  await eventually(() => through.connector.link().state === "ready");
  expect(new Set(proxy.connects())).toEqual(new Set([`localhost:${plane.port}`]));
  const before = proxy.connects().length;
  await using around = await start(plane, { ca, environment: { ...environment, NO_PROXY: "localhost" } });
  await eventually(() => around.connector.link().state === "ready");
  expect(proxy.connects().length).toBe(before);
  for (const [mode, answer] of [
    ["wantsLogin", "The proxy wants a login that it was not given (407) for the control plane at"],
    ["badGateway", "The proxy answered 502 and did not open the way to the control plane at"],
  ] as const) {
    await using closed = await connectProxy({ mode });
    const other = { HTTPS_PROXY: `http://127.0.0.1:${closed.port}` };
    await using refused = await start(plane, { ca, environment: other });
    const told = await trouble(refused);
    expect(told.word).toBe("waiting proxy_refused");
    expect(told.says).toContain(answer);
  }
});
