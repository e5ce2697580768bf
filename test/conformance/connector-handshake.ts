import { createHash } from "node:crypto";
import { STANDARD, TIMINGS } from "../../src/protocol/limits.ts";
import { createAuthority } from "../../src/demo/certificates.ts";
import { type FakeControlPlane, fakeControlPlane, problemAnswer } from "../fake/control-plane.ts";
import { connectProxy } from "../fake/proxy.ts";
import { eventually, pause } from "../process/programs.ts";
import { type Case, holds, same, SLACK_MS, within } from "./case.ts";
import { readySession, timesOf } from "./fake-plane.ts";
import { FaultProxy } from "./proxy.ts";
import type { ConnectorSubject, StartedConnector } from "./subjects.ts";

type ConnectorCase = Case<ConnectorSubject>;

/** Until an attempt to connect has ended in that way, as /metrics tells it. */
function result(started: StartedConnector, word: string): Promise<true> {
  const series = `mooring_control_plane_connect_attempts_total{result="${word}"}`;
  return eventually(
    `a metric ${series}`,
    async () => ((await started.metrics()).includes(series) ? true : undefined),
    {
      ms: 8_000,
      seen: () => `saw ${started.program.output.slice(-1_000)}`,
    },
  );
}

/** So many attempts to connect, as soon as they came. */
function attempts(plane: FakeControlPlane, count: number): Promise<true> {
  return eventually(
    `${count} attempts to connect`,
    () => (plane.attempts.length >= count ? true : undefined),
    {
      seen: () => `saw ${plane.attempts.length}`,
    },
  );
}

const upgrade: ConnectorCase = {
  number: 25,
  says: "The upgrade offers the one subprotocol and no extension, with a token whose jti is new each time and nothing secret in the URL; another subprotocol and a bad certificate are refused and named.",
  scale: 0.01,
  async run(subject) {
    await using plane = await fakeControlPlane({
      refuse: (socket) => problemAnswer(socket, 503, "admission"),
    });
    await using started = await subject.start(plane.url);
    await attempts(plane, 4);
    const ids = plane.attempts.map(({ headers, url }) => {
      same("the path", url, "/v1/connect");
      same("the subprotocols", headers["sec-websocket-protocol"], "mooring.v1.cloudevents.json");
      same("the extensions", headers["sec-websocket-extensions"], undefined);
      const [, token = ""] = (headers.authorization ?? "").split("Bearer ");
      return (JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { jti: string })
        .jti;
    });
    same("distinct jti", new Set(ids).size, ids.length);
    plane.script = {
      refuse: (socket, _attempt, request) =>
        otherSubprotocol(socket, request.headers["sec-websocket-key"] ?? ""),
    };
    await result(started, "wrong_subprotocol");
    same("sessions behind a wrong subprotocol", plane.sessions.length, 0);
    const { certPem, keyPem } = await (await createAuthority("a stranger")).issue({ names: ["localhost"] });
    await using secure = await fakeControlPlane({ tls: { cert: certPem, key: keyPem } });
    await using other = await subject.start(secure.url);
    await result(other, "certificate_untrusted");
    same(
      "what was sent behind a bad certificate",
      [secure.attempts.length, secure.enrolments.length],
      [0, 0],
    );
  },
};

function otherSubprotocol(socket: { write(text: string): unknown }, key: string): true {
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  socket.write(
    `${[...lines, `Sec-WebSocket-Accept: ${accept}`, "Sec-WebSocket-Protocol: graphql-ws"].join("\r\n")}\r\n\r\n`,
  );
  return true;
}

const proxies: ConnectorCase = {
  number: 26,
  says: "HTTPS_PROXY is asked with CONNECT, NO_PROXY is obeyed, and a proxy that wants a login is named.",
  scale: 0.01,
  async run(subject) {
    const authority = await createAuthority("ours");
    const { certPem, keyPem } = await authority.issue({ names: ["localhost"] });
    await using plane = await fakeControlPlane({ ...timesOf(subject), tls: { cert: certPem, key: keyPem } });
    await using proxy = await connectProxy({ mode: "works" });
    await using guarded = await connectProxy({ mode: "wantsLogin" });
    const through = (at: { port: number }, more: Record<string, string> = {}) =>
      subject.start(plane.url, {
        ca: authority.certPem,
        environment: { HTTPS_PROXY: `http://127.0.0.1:${at.port}`, ...more },
      });
    await using asked = await through(proxy);
    await result(asked, "ready");
    const authorities = [...new Set(proxy.connects())];
    same("what the proxy was asked for", authorities, [new URL(plane.url).host]);
    await using bypassed = await connectProxy({ mode: "works" });
    await using direct = await through(bypassed, { NO_PROXY: "localhost" });
    await result(direct, "ready");
    same("what a proxy was asked for with NO_PROXY", bypassed.connects(), []);
    await using refused = await through(guarded);
    await result(refused, "proxy_refused");
    holds(
      "the proxy's 407 is named",
      refused.program.output.includes("407"),
      refused.program.output.slice(-500),
    );
  },
};

const manners: ConnectorCase = {
  number: 27,
  says: "Nothing but hello comes before welcome; beats come every interval × U(0.9, 1) as welcome set it, the first one at random within it.",
  scale: 0.01,
  async run(subject) {
    await using plane = await fakeControlPlane({ ...timesOf(subject), answers: false });
    await using started = await subject.start(plane.url);
    await eventually("a hello", () => plane.sessions.find(({ frames }) => frames.length > 0));
    await pause(SLACK_MS);
    const came = new Set(plane.sessions.flatMap(({ frames }) => frames.map(({ type }) => type)));
    same("frames before welcome", [...came], ["session.hello"]);
    const intervalMs = 300;
    plane.script = { ...timesOf(subject), intervalMs };
    const times: number[] = [];
    const firsts: number[] = [];
    let readyAt = 0;
    plane.script = {
      ...plane.script,
      onFrame: ({ type }, session) => {
        if (type === "session.ready") [readyAt, times.length] = [performance.now(), 0];
        if (type !== "session.heartbeat") return;
        if (times.length === 0) firsts.push(performance.now() - readyAt);
        times.push(performance.now());
        if (times.length === 4 && firsts.length < 8) session.socket.close(4430, "enough");
      },
    };
    await eventually(
      "8 sessions of 4 beats",
      () => (firsts.length >= 8 && times.length >= 6 ? true : undefined),
      { ms: 30_000 },
    );
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    within("mean ms between beats", mean, [0.88 * intervalMs, 1.1 * intervalMs]);
    for (const first of firsts) within("ms until the first beat", first, [0, intervalMs + 100]);
    const spread = Math.max(...firsts) - Math.min(...firsts);
    holds(
      "first beats at random: they differ by a fifth of the interval at least",
      spread > intervalMs / 5,
      firsts.map(Math.round),
    );
    holds("the connector lives", !started.program.isOver, started.program.output);
  },
};

const deadPeers: ConnectorCase = {
  number: 28,
  says: "Where the control plane never answers beats, freezes, is a black hole, half closed or reset, a new connection comes within interval + 10 s + spread, and the old socket is ended.",
  scale: 0.01,
  async run(subject) {
    const { intervalMs, answerMs } = timesOf(subject);
    const longest =
      intervalMs + answerMs + (STANDARD.spreadMs + STANDARD.connectBudgetMs) * subject.scale + SLACK_MS;
    await using plane = await fakeControlPlane(timesOf(subject));
    await using proxy = await FaultProxy.start(plane.port);
    await using started = await subject.start(proxy.url);
    const faults: readonly (readonly [string, () => void])[] = [
      ["beats that nobody answers", () => (plane.script = { ...timesOf(subject), answers: false })],
      ["a frozen peer", () => freezeThose(proxy)],
      ["a black hole", () => proxy.blackhole()],
      ["a half-closed socket", () => proxy.halfClose("down")],
      ["a reset", () => proxy.reset()],
    ];
    for (const [what, act] of faults) {
      await (await readySession(plane)).wait("session.heartbeat");
      const before = plane.attempts.length;
      act();
      const since = performance.now();
      await attempts(plane, before + 1);
      within(`ms until a new connection after ${what}`, performance.now() - since, [0, longest]);
      plane.script = timesOf(subject);
    }
    proxy.weather.newcomers = "hang";
    proxy.blackhole();
    const tries = proxy.accepted;
    await eventually("it goes on trying in a black hole", () =>
      proxy.accepted >= tries + 3 ? true : undefined,
    );
    proxy.weather.newcomers = "pass";
    await attempts(plane, plane.attempts.length + 1);
    holds("the connector lives", !started.program.isOver, started.program.output);
  },
};

/** Freezes what is there and lets newcomers pass. */
function freezeThose(proxy: FaultProxy): void {
  proxy.freeze();
  proxy.weather.frozen = false;
}

const told: ConnectorCase = {
  number: 30,
  says: "Nothing comes before Retry-After, and what comes is spread behind it; 4409 is at least 30 s; 4503 is an hour, not ready and alive.",
  scale: 0.01,
  async run(subject) {
    const refuse: NonNullable<Parameters<typeof fakeControlPlane>[0]>["refuse"] = (socket, attempt) =>
      attempt <= 4 && problemAnswer(socket, 503, "admission", { "retry-after": "1" });
    await using plane = await fakeControlPlane({ ...timesOf(subject), refuse });
    await using started = await subject.start(plane.url);
    await attempts(plane, 5);
    const at = plane.attempts.map((attempt) => attempt.at);
    const waits = at.slice(1, 5).map((time, index) => time - (at[index] ?? 0));
    for (const wait of waits) within("ms of Retry-After: 1", wait, [999, 1_200 + SLACK_MS]);
    holds(
      "each a little later than the last word",
      new Set(waits.map(Math.round)).size >= 3,
      waits.map(Math.round),
    );
    const superseded = await readySession(plane);
    await superseded.wait("session.heartbeat");
    superseded.socket.close(4409, "superseded");
    const closedAt = performance.now();
    const behind = plane.sessions.length;
    await attempts(plane, plane.attempts.length + 1);
    const { refusedWaitMs } = TIMINGS;
    within("ms after 4409", performance.now() - closedAt, [
      refusedWaitMs * subject.scale,
      2 * refusedWaitMs * subject.scale + SLACK_MS,
    ]);
    const revoked = await readySession(plane, behind);
    const before = plane.attempts.length;
    revoked.socket.close(4503, "revoked");
    await revoked.closed;
    await pause(3_000);
    same("attempts within 5 min of 4503", plane.attempts.length, before);
    const status = async (path: string): Promise<number> => (await fetch(`${started.health}${path}`)).status;
    same("/livez and /readyz", [await status("/livez"), await status("/readyz")], [200, 503]);
  },
};

export const CONNECTOR_HANDSHAKE_CASES = [upgrade, proxies, manners, deadPeers, told];
