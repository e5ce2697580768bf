import http from "node:http";
import https from "node:https";
import { once } from "node:events";
import { connectorSource, SUBPROTOCOL } from "../../src/protocol/envelope.ts";
import { STANDARD } from "../../src/protocol/limits.ts";
import { bearer, FakeConnector, type FakeIdentity, fakeReport } from "../fake/connector.ts";
import { holds } from "./case.ts";
import type { PlaneSubject } from "./subjects.ts";

/** Reasons that follow one another, so that each change is a transition. */
const REASONS = ["connection_refused", "connect_timeout", "network_unreachable", "connection_reset"] as const;

/** The n-th report of an integration: never like the one before it. */
export function nthReport(name: string, n: number): ReturnType<typeof fakeReport> {
  const reason = REASONS[n % REASONS.length] ?? REASONS[0];
  const error = { state: "error", condition: "integration_unreachable", stage: "connect", reason } as const;
  return fakeReport(name, { ...error, message: `Integration ${name} is unreachable.`, cause: `look ${n}` });
}

/** Keeps a session alive, as a connector does. Undone by the stack. */
export function keepBeating(
  guest: FakeConnector,
  plane: PlaneSubject,
  parts: AsyncDisposableStack,
): () => void {
  const timer = setInterval(
    () => {
      if (guest.socket.readyState === guest.socket.OPEN) guest.beat();
    },
    STANDARD.heartbeatMs * plane.scale * 0.9,
  );
  const stop = (): void => clearInterval(timer);
  parts.defer(stop);
  return stop;
}

type Like = Parameters<typeof FakeConnector.ready>[2];

/** A connector of ours that is ready, beats, and has told what is true: nothing, unless items are given. */
export async function guestAt(
  plane: PlaneSubject,
  parts: AsyncDisposableStack,
  {
    identity,
    like,
    items = [],
  }: { identity?: FakeIdentity; like?: Like; items?: readonly ReturnType<typeof fakeReport>[] } = {},
): Promise<FakeConnector> {
  const guest = parts.use(await FakeConnector.ready(plane.url, identity ?? (await plane.identity()), like));
  keepBeating(guest, plane, parts);
  if (like === undefined) {
    guest.tellAll(items.map((report) => guest.snapshotItem(report)));
    await guest.acked(1);
  }
  return guest;
}

export function nameOf(guest: FakeConnector): string {
  return guest.identity.answer.connector;
}

/** The session lives: a beat is answered. */
export async function expectAlive(what: string, guest: FakeConnector): Promise<void> {
  const n = guest.beat();
  await guest
    .until("session.ack", ({ data }) => data.n === n, 2_000)
    .catch((error: unknown) => {
      throw new Error(`${what}: its beat was not answered: ${String(error)}`);
    });
}

/** How the session ended; throws where it did not within the time. */
export async function endOf(what: string, guest: FakeConnector, ms = 3_000): Promise<number> {
  const late = new Promise<undefined>((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref();
  });
  const ended = await Promise.race([guest.closed(), late]);
  holds(`${what}: wanted an end within ${ms} ms`, ended !== undefined, "none");
  return ended?.code ?? 0;
}

/** Opens a socket for that identity; nothing is said yet. */
export async function openAt(
  plane: PlaneSubject,
  parts: AsyncDisposableStack,
  given?: FakeIdentity,
): Promise<FakeConnector> {
  return parts.use(await FakeConnector.open(plane.url, given ?? (await plane.identity())));
}

/** A frame as text, with anything in it. */
export function rawFrame(guest: FakeConnector, type: string, data: unknown, more: object = {}): string {
  return JSON.stringify({
    specversion: "1.0",
    id: `raw-${performance.now()}`,
    source: guest.source,
    time: new Date().toISOString(),
    type: `dev.mooring.${type}.v1`,
    datacontenttype: "application/json",
    ...more,
    data,
  });
}

export const sequenceText = (sequence: number): string => String(sequence).padStart(16, "0");

export interface Answered {
  readonly status: number;
  readonly protocol: string | undefined;
  readonly headers: http.IncomingHttpHeaders;
  /** The member `error` of a problem. */
  readonly error: string | undefined;
}

/** One upgrade, by hand. `token` undefined: without one. */
export async function upgrade(
  url: string,
  { token, protocols = [SUBPROTOCOL] }: { token?: string; protocols?: readonly string[] },
): Promise<Answered> {
  const headers: Record<string, string> = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": Buffer.alloc(16, "k").toString("base64"),
    ...(protocols.length === 0 ? {} : { "sec-websocket-protocol": protocols.join(", ") }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const { get } = url.startsWith("https:") ? https : http;
  const request = get(`${url}/v1/connect`, { headers, agent: false, timeout: 10_000 });
  const upgraded = once(request, "upgrade").then(([response, socket]) => {
    (socket as { destroy(): void }).destroy();
    return { response: response as http.IncomingMessage, body: "" };
  });
  const answered = once(request, "response").then(async ([response]) => {
    const chunks = await (response as http.IncomingMessage).toArray();
    return { response: response as http.IncomingMessage, body: Buffer.concat(chunks as Buffer[]).toString() };
  });
  const { response, body } = await Promise.any([upgraded, answered]);
  const problem = body.startsWith("{") ? (JSON.parse(body) as { error?: string }) : {};
  const protocol = response.headers["sec-websocket-protocol"];
  return { status: response.statusCode ?? 0, protocol, headers: response.headers, error: problem.error };
}

/** A good token, with other claims. */
export { bearer, connectorSource };
