import { connect as connectSocket, type Socket } from "node:net";
import type { Finding } from "../../protocol/report.ts";
import type { ReasonCode } from "../../protocol/reasons.ts";
import { type Clock, OVER } from "../clock.ts";
import { codeOf, explainSystem, Failure } from "../failure.ts";
import { type AddressPolicy, endpoint } from "./address.ts";

/** The next address is tried this long after the one before, unless that failed earlier. */
const STAGGER_MS = 250;

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  /** Not empty, in the order in which to try them. */
  readonly addresses: readonly string[];
  readonly policy: AddressPolicy;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface Connected {
  readonly socket: Socket;
  readonly ip: string;
  /** One for each address that was looked at, where there were several. */
  readonly findings: readonly Finding[];
}

interface Attempt {
  readonly ip: string;
  failure?: Failure;
}

/** The reasons from the one that says most about the target to the one that says least. */
const TELLING: readonly ReasonCode[] = [
  "connection_refused",
  "connection_reset",
  "connect_timeout",
  "network_unreachable",
  "address_forbidden",
];

function mostTelling(failures: readonly Failure[]): Failure {
  const rank = (failure: Failure): number => {
    const index = TELLING.indexOf(failure.reason);
    return index === -1 ? TELLING.length : index;
  };
  const [best] = failures.toSorted((a, b) => rank(a) - rank(b));
  return best ?? new Failure("connect", "unknown");
}

/**
 * Throws what a read would throw where the peer has ended the connection since it stood, unnoticed because nobody
 * was reading.
 */
export function assertStanding(socket: Socket): void {
  if (!socket.destroyed) return;
  throw (
    socket.errored ??
    Object.assign(new Error("the peer ended the connection"), { code: "ECONNRESET", syscall: "read" })
  );
}

/**
 * Resolves once connected; rejects with a Failure of the stage connect. Aborting ends it at once.
 * A reset that overtakes the news of the connection came from a peer that had taken it: it counts as connected,
 * and the next stage finds the socket ended. So the stage does not depend on who was faster.
 */
function attempt(ip: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Failure("connect", "connect_timeout"));
    const socket = connectSocket({ host: ip, port, autoSelectFamily: false, noDelay: true });
    const stop = (): void => {
      socket.destroy();
      reject(new Failure("connect", "connect_timeout", { ip, address: endpoint(ip, port) }));
    };
    signal.addEventListener("abort", stop, { once: true });
    socket.once("connect", () => {
      signal.removeEventListener("abort", stop);
      resolve(socket);
    });
    // Stays for the socket's life: whoever reads from it has listeners of its own, and none means a crash.
    socket.on("error", (error) => {
      signal.removeEventListener("abort", stop);
      socket.destroy();
      if (codeOf(error) === "ECONNRESET") return resolve(socket);
      const known = explainSystem(error, "connect");
      const evidence = { ip, address: endpoint(ip, port), code: codeOf(error) ?? "" };
      reject(new Failure("connect", known?.reason ?? "unknown", { ...known?.evidence, ...evidence }, error));
    });
  });
}

const IN_WORDS: Partial<Readonly<Record<ReasonCode, string>>> = {
  connection_refused: "refused the connection",
  connect_timeout: "did not answer",
  network_unreachable: "no route",
  connection_reset: "reset the connection",
  address_forbidden: "not dialled: the address is forbidden",
};

/** What was seen at each address, in the order in which they were tried. */
export function attemptFindings(attempts: readonly Attempt[], port: number, connected?: string): Finding[] {
  if (attempts.length < 2) return [];
  return attempts.map(({ ip, failure }) => {
    const subject = endpoint(ip, port);
    if (ip === connected) return { subject, verdict: "passed", text: "connected" };
    if (failure === undefined) return { subject, verdict: "not_checked", text: whyNot(connected) };
    return { subject, verdict: "failed", text: IN_WORDS[failure.reason] ?? failure.reason };
  });
}

function whyNot(connected: string | undefined): string {
  return connected === undefined ? "there was no time left for it" : "another address answered first";
}

/** An address that the policy keeps from being dialled; the host is named where it is more than the address. */
export function forbidden(host: string, ip: string, kind: string): Failure {
  const named = host.replaceAll(/^\[|\]$/g, "") === ip ? {} : { name: host };
  return new Failure("connect", "address_forbidden", { ip, kind, ...named });
}

/**
 * Connects to the first address that answers: in order, 250 ms apart, each outcome kept. A forbidden address
 * is never dialled, and the address that was looked at is the one that is used: no second look-up.
 * Throws Failure("connect", …), with the findings in `onFindings`.
 */
export async function connectFirst(
  options: ConnectOptions,
  onFindings: (findings: readonly Finding[]) => void,
): Promise<Connected> {
  const { addresses, port, policy, signal, clock } = options;
  const attempts: Attempt[] = addresses.map((ip) => {
    const kind = policy(ip);
    return kind === undefined ? { ip } : { ip, failure: forbidden(options.host, ip, kind) };
  });
  const open = attempts.filter((one) => one.failure === undefined);
  const [only] = open;
  try {
    const alone = open.length === 1 && only !== undefined;
    const winner = await (alone ? connectOne(only, port, signal) : race(open, port, clock, signal));
    return { ...winner, findings: attemptFindings(attempts, port, winner.ip) };
  } catch {
    onFindings(attemptFindings(attempts, port));
    throw mostTelling(attempts.flatMap((one) => one.failure ?? []));
  }
}

type Won = Pick<Connected, "socket" | "ip">;

/** Tries several addresses. Rejects once all have failed. */
async function race(open: readonly Attempt[], port: number, clock: Clock, signal: AbortSignal): Promise<Won> {
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  const running: Promise<Won>[] = [];
  let turn = Promise.resolve();
  for (const one of open) {
    const attempted = turn.then(() => connectOne(one, port, ended, stop.signal));
    running.push(attempted);
    if (one !== open.at(-1)) turn = turn.then(() => nextTurn([...running], clock, ended));
  }
  const winner = await Promise.any(running);
  stop.abort(OVER);
  void closeOthers(running, winner.socket);
  return winner;
}

/** One attempt. What it ends in is kept, unless another one has won by then. */
async function connectOne(one: Attempt, port: number, ended: AbortSignal, won?: AbortSignal): Promise<Won> {
  const tried = !ended.aborted;
  try {
    return { socket: await attempt(one.ip, port, ended), ip: one.ip };
  } catch (error) {
    if (tried && won?.aborted !== true && error instanceof Failure) one.failure = error;
    throw error;
  }
}

/** Waits 250 ms after the start of the last attempt, cut short when all that were started have failed. */
async function nextTurn(
  started: readonly Promise<unknown>[],
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  void Promise.allSettled(started).then(() => failed.abort(OVER));
  await clock.sleep(STAGGER_MS, AbortSignal.any([signal, failed.signal]));
}

async function closeOthers(all: readonly Promise<Won>[], winner: Socket): Promise<void> {
  for (const settled of await Promise.allSettled(all)) {
    if (settled.status === "fulfilled" && settled.value.socket !== winner) settled.value.socket.destroy();
  }
}
