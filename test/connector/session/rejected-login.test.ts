import { expect, test } from "vitest";
import { check } from "../../../src/connector/check.ts";
import { boundSecret } from "../../fake/secret.ts";
import { systemClock } from "../../../src/connector/clock.ts";
import { addressPolicy } from "../../../src/connector/dial/address.ts";
import type { Network } from "../../../src/connector/dial/network.ts";
import { createTrust } from "../../../src/connector/dial/trust.ts";
import { createMarks } from "../../../src/connector/secret-watch.ts";
import { RejectedLogins } from "../../../src/connector/rejected-login.ts";
import type { Report } from "../../../src/protocol/report.ts";
import { FakeClock } from "../../fake/clock.ts";
import { httpServer } from "../../fake/targets.ts";
import { httpItem } from "./harness.ts";

const network: Network = {
  resolver: () => Promise.resolve({ servers: [], search: [], ndots: 1, hosts: new Map() }),
  policy: addressPolicy([]),
  trust: createTrust(),
  environment: {},
};

interface Bench extends AsyncDisposable {
  readonly url: string;
  readonly guard: RejectedLogins;
  readonly clock: FakeClock;
  token: string;
  accepted: string;
  logins: number;
  connections(): number;
  look(asked?: boolean): Promise<Report>;
}

async function bench(): Promise<Bench> {
  const clock = new FakeClock();
  let logins = 0;
  const server = await httpServer((request, response) => {
    logins += 1;
    const good = request.headers.authorization === `Bearer ${b.accepted}`;
    response.writeHead(good ? 200 : 401).end();
  });
  const secret = boundSecret({
    read: () => Promise.resolve({ text: b.token }),
  });
  const item = httpItem("api", `http://127.0.0.1:${server.port}/`, secret);
  const guard = new RejectedLogins({ clock, markOf: createMarks() });
  const b: Bench = {
    clock,
    url: `http://127.0.0.1:${server.port}/`,
    guard,
    token: "canary-first",
    accepted: "none",
    get logins() {
      return logins;
    },
    connections: () => server.accepted(),
    async look(asked = false) {
      const guarded = guard.guard(item, asked);
      return guarded.conclude(await check(guarded.check, { clock: systemClock, network }));
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return b;
}

const shown = ({ stages }: Report): string[] => stages.map(({ stage, ok }) => `${stage} ${ok}`);

test("the same rejected login is not tried again for 15 minutes, while the network's stages go on", async () => {
  await using b = await bench();
  const rejectedAt = b.clock.now();
  const at = (ms: number): string => `${new Date(ms).toISOString().slice(11, 19)} UTC`;
  const first = await b.look();
  expect(first).toMatchObject({
    stage: "authenticate",
    reason: "credentials_rejected",
    condition: "secret_invalid",
  });
  expect(first.findings.map(({ subject }) => subject)).not.toContain("login");
  for (let minute = 0; minute < 14; minute += 1) {
    await b.clock.advance(60_000);
    const again = await b.look();
    expect(again).toMatchObject({ reason: first.reason, cause: first.cause, message: first.message });
    expect(shown(again)).toEqual(shown(first));
    expect(again.findings.at(-1)).toEqual({
      subject: "login",
      verdict: "not_checked",
      text: `not tried again: rejected at ${at(rejectedAt)}, and left alone until ${at(rejectedAt + 900_000)} so that the account is not locked; another version of the secret is tried at once`,
    });
  }
  expect(b.logins).toBe(1);
  expect(b.connections()).toBe(15);
  await b.clock.advance(60_000);
  await b.look();
  expect(b.logins).toBe(2);
});

test("a new version is tried at once, and so is one that came back right", async () => {
  await using b = await bench();
  await b.look();
  b.token = "canary-second";
  b.accepted = "canary-second";
  expect((await b.look()).state).toBe("online");
  expect((await b.look()).state).toBe("online");
  expect(b.logins).toBe(3);
});

test("who asks is served at once, three times an hour", async () => {
  await using b = await bench();
  await b.look();
  for (let times = 0; times < 5; times += 1) await b.look(true);
  expect(b.logins).toBe(4);
  await b.clock.advance(3_600_001);
  await b.look(true);
  await b.look(true);
  expect(b.logins).toBe(6);
});

test("trouble of the network is told as such meanwhile", async () => {
  const b = await bench();
  await b.look();
  await b[Symbol.asyncDispose]();
  expect(await b.look()).toMatchObject({ stage: "connect", reason: "connection_refused" });
});

test("other fields of the same secret are another login: neither keeps the other from being tried, nor from resting", async () => {
  await using b = await bench();
  b.accepted = "canary-good";
  const text = JSON.stringify({ good: "canary-good", bad: "canary-bad" });
  const lookWith = async (field: string): Promise<Report> => {
    const secret = boundSecret({ mapping: { token: field }, read: () => Promise.resolve({ text }) });
    const guarded = b.guard.guard(httpItem(field, b.url, secret), false);
    return guarded.conclude(await check(guarded.check, { clock: systemClock, network }));
  };
  for (let look = 0; look < 5; look += 1) {
    expect((await lookWith("bad")).reason).toBe("credentials_rejected");
    expect((await lookWith("good")).state).toBe("online");
  }
  expect(b.logins).toBe(1 + 5);
});

test("two versions that a store gives by turns are tried once each", async () => {
  await using b = await bench();
  for (let look = 0; look < 10; look += 1) {
    b.token = look % 2 === 0 ? "canary-old" : "canary-older";
    expect((await b.look()).reason).toBe("credentials_rejected");
    await b.clock.advance(1_000);
  }
  expect(b.logins).toBe(2);
});
