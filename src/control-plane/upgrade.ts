import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { CONNECT_PATH, UPGRADE_ERRORS, type UpgradeError } from "../protocol/enrolment.ts";
import { SUBPROTOCOL } from "../protocol/envelope.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { Admission } from "./admission.ts";
import { ApiProblem, problemBody } from "./api/problem.ts";
import { authenticate, type CredentialsPlace } from "./credentials.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Origins } from "./origin.ts";
import type { SessionPlace } from "./session-place.ts";
import { runSession } from "./socket.ts";

export interface UpgradePlace {
  readonly session: SessionPlace;
  readonly credentials: CredentialsPlace;
  readonly admission: Admission;
  readonly metrics: Metrics;
  readonly origins: Origins;
  readonly log: Log;
}

const SAYS: Readonly<Record<UpgradeError, string>> = {
  no_subprotocol: `Offer the subprotocol ${SUBPROTOCOL}.`,
  bad_request: "This is no upgrade to a WebSocket that is served here.",
  bad_token: "The bearer token is missing, or is none.",
  expired: "The token is expired. Compare the clocks: this answer has a Date.",
  clock_skew: "The token was issued in the future. Compare the clocks: this answer has a Date.",
  unknown_key: "No connector is known with that key. Enrol it again.",
  bad_audience: "The token is meant for another control plane, or for another name of this one.",
  replayed: "The token was used before. Sign a new one for each attempt.",
  revoked: "The connector was revoked. Enrol it again with a new join token, or register its identity anew.",
  version: "This version of the WebSocket protocol is not spoken here.",
  admission: "Too many connectors come at once.",
  draining: "The control plane stops.",
  rate_limited: "Too many attempts.",
};

/** How long an upgrade may take until it is authenticated. Milliseconds, whatever the time scale. */
const AUTHENTICATE_MS = 10_000;

/** Answers upgrades: to a session, or to a problem that says why not. */
export function upgrader(
  place: UpgradePlace,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const options = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LIMITS.frameBytes,
    maxFragments: 64,
    closeTimeout: 5_000,
    handleProtocols: () => SUBPROTOCOL,
  };
  const server = new WebSocketServer(options);
  return (request, socket, head) => {
    const inTime = endingLate(socket);
    answer(place, request)
      .then((answered) => {
        if (socket.destroyed) return;
        if ("problem" in answered) return refuse(socket, answered.problem);
        inTime();
        server.handleUpgrade(request, socket, head, (ws) =>
          runSession(ws, answered.credential, place.session),
        );
      })
      .catch((error: unknown) => {
        place.log.error({ err: error }, "an upgrade failed");
        refuse(
          socket,
          new ApiProblem(503, "unavailable", "The store does not answer.", { "retry-after": "5" }),
        );
      });
  };
}

/**
 * Ends a socket that breaks, or for which what is given is not called in time. Apart from the rest, because what
 * listens lives as long as the session: here it keeps no request alive.
 */
function endingLate(socket: Duplex): () => void {
  socket.on("error", () => socket.destroy());
  const late = setTimeout(() => socket.destroy(), AUTHENTICATE_MS);
  const inTime = (): void => clearTimeout(late);
  socket.once("close", inTime);
  return inTime;
}

type Answer = { readonly problem: ApiProblem } | Awaited<ReturnType<typeof authenticated>>;

async function answer(place: UpgradePlace, request: IncomingMessage): Promise<Answer> {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  if (pathname !== CONNECT_PATH)
    return { problem: new ApiProblem(404, "not_found", `Upgrade at ${CONNECT_PATH} alone.`) };
  if (!place.origins.isHost(request.headers.host))
    return { problem: new ApiProblem(421, "bad_host", "This host is not served here.") };
  const { origin } = request.headers;
  if (origin !== undefined && !place.origins.isOrigin(origin))
    return { problem: new ApiProblem(403, "bad_origin", "Pages of other origins may not connect.") };
  const wait = place.admission.refuse();
  if (wait !== undefined) {
    place.metrics.admissionRejected();
    const error = place.admission.draining ? "draining" : "admission";
    return { problem: upgradeProblem(error, { "retry-after": String(wait) }) };
  }
  if (request.method !== "GET" || request.headers.upgrade?.toLowerCase() !== "websocket")
    return { problem: upgradeProblem("bad_request") };
  if (request.headers["sec-websocket-version"] !== "13")
    return { problem: upgradeProblem("version", { "sec-websocket-version": "13" }) };
  if (!offers(request.headers["sec-websocket-protocol"]))
    return { problem: upgradeProblem("no_subprotocol") };
  return authenticated(place, request);
}

async function authenticated(place: UpgradePlace, request: IncomingMessage) {
  const outcome = await authenticate(place.credentials, request.headers.authorization);
  if ("credential" in outcome) return outcome;
  place.log.info({ error: outcome.error }, "an upgrade was refused");
  return { problem: upgradeProblem(outcome.error) };
}

function offers(header: string | undefined): boolean {
  return (header ?? "").split(",").some((offered) => offered.trim() === SUBPROTOCOL);
}

function upgradeProblem(error: UpgradeError, headers: Readonly<Record<string, string>> = {}): ApiProblem {
  return new ApiProblem(UPGRADE_ERRORS[error], error, SAYS[error], headers);
}

/** Writes the problem as the answer, and ends the connection. */
function refuse(socket: Duplex, problem: ApiProblem): void {
  const body = problemBody(problem);
  const headers: Record<string, string> = {
    date: new Date().toUTCString(),
    "content-type": "application/problem+json",
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
    ...problem.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ""}`, ...lines].join("\r\n");
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
}
