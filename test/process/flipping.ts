import http from "node:http";
import { listening, type Target } from "../fake/target.ts";
import type { Transition } from "./programs.ts";

/** The answers of the target, in turn: no two in a row are told alike. */
const TURNS = [
  { status: 200, reason: null },
  { status: 500, reason: "server_error" },
  { status: 503, reason: "server_overloaded" },
  { status: 429, reason: "rate_limited" },
  { status: 404, reason: "unexpected_status" },
] as const;

/** What was answered once. */
export interface Answered {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly reason: string | null;
}

/** A target whose answer is another one at every look, and that knows what it answered. */
export interface Flipping extends Target {
  /** Integrations that look at it; each has a sequence of its own. */
  readonly integrations: readonly object[];
  readonly names: readonly string[];
  /** What an integration was answered, oldest first. */
  truthOf(name: string): readonly Answered[];
}

/** So many integrations that change at every look. */
export async function flipping(count: number, interval = "5s"): Promise<Flipping> {
  const truth = new Map<string, Answered[]>();
  const server = http.createServer((request, response) => {
    const name = request.url?.slice(1) ?? "";
    const before = truth.get(name) ?? [];
    truth.set(name, before);
    const turn = TURNS[before.length % TURNS.length] ?? TURNS[0];
    before.push({ at: Date.now(), reason: turn.reason });
    response.writeHead(turn.status, { connection: "close" }).end();
  });
  const target = await listening(server);
  const names = Array.from({ length: count }, (_, index) => `flips-${index}`);
  const integrations = names.map((name) => ({
    name,
    type: "http",
    interval,
    failureThreshold: 1,
    config: { url: `http://127.0.0.1:${target.port}/${name}` },
  }));
  return { ...target, names, integrations, truthOf: (name) => truth.get(name) ?? [] };
}

/** How long after the answer its transition may be dated at most. */
const LATE_MS = 3_000;

/** The place in the truth of each transition, in order; undefined for one that never was. */
export function placesOf(
  history: readonly Transition[],
  truth: readonly Answered[],
): readonly (number | undefined)[] {
  return history.map(({ at, reason }) => {
    const told = Date.parse(at);
    const place = truth.findLastIndex(
      (answered) => answered.reason === reason && answered.at <= told && told - answered.at < LATE_MS,
    );
    return place === -1 ? undefined : place;
  });
}
