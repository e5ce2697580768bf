import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { type Clock, systemClock } from "../../../src/connector/clock.ts";
import { addressPolicy } from "../../../src/connector/dial/address.ts";
import { connectFirst } from "../../../src/connector/dial/connect.ts";
import { Failure } from "../../../src/connector/failure.ts";
import { tcp } from "../../../src/connector/integrations/tcp/tcp.ts";
import type { Finding } from "../../../src/protocol/report.ts";
import { look } from "../../contract/look.ts";
import { OpenSockets } from "../../fake/target.ts";
import { blackHole, refusedPort, silent } from "../../fake/targets.ts";

/** A clock whose sleeps end when they are told to, and which remembers how long they were meant to be. */
class HandClock implements Clock {
  readonly asked: number[] = [];
  readonly #wake: (() => void)[] = [];
  now(): number {
    return systemClock.now();
  }
  tick(): number {
    return systemClock.tick();
  }
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.asked.push(ms);
    return new Promise((resolve) => {
      this.#wake.push(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
  after(ms: number, then: () => void): () => void {
    this.asked.push(ms);
    this.#wake.push(then);
    return () => void this.#wake.splice(this.#wake.indexOf(then), 1);
  }
  wake(): void {
    for (const resolve of this.#wake.splice(0)) resolve();
  }
}

interface Tried {
  readonly ip?: string;
  readonly failure?: Failure;
  readonly findings: readonly Finding[];
}

/** Connects to the first of the addresses that answers, and hangs up. */
async function attempt(
  port: number,
  addresses: readonly string[],
  clock: Clock,
  signal: AbortSignal,
): Promise<Tried> {
  const seen: Finding[] = [];
  const options = { host: "db.test", port, addresses, policy: addressPolicy([]), clock, signal };
  try {
    const { socket, ip, findings } = await connectFirst(options, (failed) => void seen.push(...failed));
    socket.destroy();
    return { ip, findings };
  } catch (error) {
    if (error instanceof Failure) return { failure: error, findings: seen };
    throw error;
  }
}

const NEVER = new AbortController().signal;

describe.concurrent("several addresses", () => {
  test("hosts file: ::1 refuses, 127.0.0.1 is used", async () => {
    await using target = await silent();
    const hosts = new Map([["both.test", ["127.0.0.1", "::1"]]]);
    const { report } = await look(tcp, { host: "both.test", port: target.port }, { dns: { hosts } });
    expect(report.state).toBe("online");
    expect(report.findings).toEqual([
      { subject: `[::1]:${target.port}`, verdict: "failed", text: "refused the connection" },
      { subject: `127.0.0.1:${target.port}`, verdict: "passed", text: "connected" },
    ]);
    await target.idle();
  });

  test("the first answers: the second is not dialled", async () => {
    await using target = await silent();
    const clock = new HandClock();
    const tried = await attempt(target.port, ["127.0.0.1", "127.0.0.2"], clock, NEVER);
    expect(tried.ip).toBe("127.0.0.1");
    expect(tried.findings.map(({ verdict, text }) => [verdict, text])).toEqual([
      ["passed", "connected"],
      ["not_checked", "another address answered first"],
    ]);
    await target.idle();
    expect(target.accepted()).toBe(1);
  });

  test("a black hole first: the second is dialled 250 ms later", async () => {
    await using hole = await blackHole();
    await using target = await twin(hole.port);
    const clock = new HandClock();
    const trying = attempt(hole.port, [hole.host, "::1"], clock, NEVER);
    await vi.waitFor(() => expect(clock.asked[0]).toBe(250));
    expect(target.accepted()).toBe(0);
    clock.wake();
    const { ip, findings } = await trying;
    expect(ip).toBe("::1");
    expect(findings[0]).toMatchObject({ verdict: "not_checked" });
    await target.idle();
  });

  test("the time ends before all were dialled: only what was tried failed", async () => {
    await using hole = await blackHole();
    const hosts = new Map([["far.test", [hole.host, "127.0.0.3", "127.0.0.4", "127.0.0.5"]]]);
    const settings = { dns: { hosts }, timeoutMs: 400 };
    const { report } = await look(tcp, { host: "far.test", port: hole.port }, settings);
    expect([report.stage, report.reason]).toEqual(["connect", "connect_timeout"]);
    expect(report.findings.slice(0, 2).map(({ verdict, text }) => [verdict, text])).toEqual([
      ["failed", "did not answer"],
      ["not_checked", "there was no time left for it"],
    ]);
  });

  test("a refusal says more than a silence, wherever it stands", async () => {
    await using closed = await refusedPort();
    const hosts = new Map([["mixed.test", ["169.254.169.254", "127.0.0.1"]]]);
    const { report } = await look(tcp, { host: "mixed.test", port: closed.port }, { dns: { hosts } });
    expect(report.reason).toBe("connection_refused");
    expect(report.cause).toContain(`127.0.0.1:${closed.port} refused`);
  });

  test("aborted before it began: nothing is dialled", async () => {
    await using target = await silent();
    const tried = await attempt(target.port, ["127.0.0.1"], systemClock, AbortSignal.abort());
    expect(tried.failure?.stage).toBe("connect");
    expect(target.accepted()).toBe(0);
  });
});

interface Twin extends AsyncDisposable {
  accepted(): number;
  idle(): Promise<void>;
}

/** A server on ::1 with the port that another one has on 127.0.0.1. */
async function twin(port: number): Promise<Twin> {
  const sockets = new OpenSockets();
  const server = createServer((socket) => sockets.add(socket.resume()));
  server.listen(port, "::1");
  await once(server, "listening");
  return {
    accepted: () => sockets.added,
    idle: () => sockets.idle(),
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}
