import { randomUUID } from "node:crypto";
import { SUBPROTOCOL } from "../../src/protocol/envelope.ts";
import { TIMINGS } from "../../src/protocol/limits.ts";
import { enrolBody, type FakeConnector, newKey } from "../fake/connector.ts";
import { type Case, holds, same, SLACK_MS, within } from "./case.ts";
import { bearer, endOf, expectAlive, guestAt, nameOf, openAt, upgrade } from "./guest.ts";
import type { PlaneSubject } from "./subjects.ts";

type PlaneCase = Case<PlaneSubject>;

const subprotocols: PlaneCase = {
  number: 1,
  says: "Without a subprotocol that it knows the upgrade is answered 400, never 101; of several it takes version 1.",
  scale: 0.01,
  async run(plane) {
    const identity = await plane.identity();
    for (const protocols of [[], ["graphql-ws"], ["mooring.v2.cloudevents.json"]]) {
      const { status } = await upgrade(plane.url, { token: await bearer(identity), protocols });
      same(`offered ${JSON.stringify(protocols)}`, status, 400);
    }
    const offered = ["mooring.v2.cloudevents.json", SUBPROTOCOL];
    const { status, protocol } = await upgrade(plane.url, {
      token: await bearer(identity),
      protocols: offered,
    });
    same("offered versions 2 and 1", [status, protocol], [101, SUBPROTOCOL]);
  },
};

const credentials: PlaneCase = {
  number: 2,
  says: "A token that is missing, expired, for others, of an unknown key or used before is 401 with its word, a revoked key 403; a join token takes one key.",
  scale: 0.01,
  async run(plane) {
    const identity = await plane.identity();
    const stranger = { ...(await newKey()), answer: { ...identity.answer, keyId: "unknown" } };
    const now = Math.floor(Date.now() / 1000);
    const used = await bearer(identity);
    same("a good token", (await upgrade(plane.url, { token: used })).status, 101);
    const wrong: readonly (readonly [string, string | undefined, string])[] = [
      ["none", undefined, "bad_token"],
      ["an expired one", await bearer(identity, { iat: now - 300, exp: now - 120 }), "expired"],
      ["another audience's", await bearer(identity, { aud: "https://elsewhere.example" }), "bad_audience"],
      ["an unknown key's", await bearer(stranger), "unknown_key"],
      ["one that was used", used, "replayed"],
    ];
    for (const [what, token, word] of wrong) {
      const { status, error } = await upgrade(plane.url, token === undefined ? {} : { token });
      same(`token: ${what}`, [status, error], [401, word]);
    }
    await using parts = new AsyncDisposableStack();
    await guestAt(plane, parts, { identity });
    same("revoking", (await plane.api("POST", `/connectors/${identity.name}/revoke`)).status, 204);
    const { status, error } = await upgrade(plane.url, { token: await bearer(identity) });
    same("a revoked key", [status, error], [403, "revoked"]);
    await joinTokenOnce(plane);
  },
};

async function joinTokenOnce(plane: PlaneSubject): Promise<void> {
  const token = await plane.joinToken(`guest-${randomUUID().slice(0, 8)}`);
  const enrol = async (
    key: Awaited<ReturnType<typeof newKey>>,
  ): Promise<readonly [number, string | undefined]> => {
    const body = JSON.stringify(await enrolBody(key, { token, aud: plane.url }));
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${plane.url}/v1/enroll`, { method: "POST", headers, body });
    const answer = (await response.json()) as { connectorId?: string; error?: string };
    return [response.status, answer.connectorId ?? answer.error];
  };
  const [first, second] = [await newKey(), await newKey()];
  const got = await enrol(first);
  same("the join token's first use", got[0], 200);
  same("the same key again", await enrol(first), got);
  same("another key", await enrol(second), [401, "token_used"]);
}

const clocks: PlaneCase = {
  number: 3,
  says: "A token from 45 s ahead passes; from 10 min ahead it is clock_skew with a Date, and one made by that Date passes.",
  scale: 0.01,
  async run(plane) {
    const identity = await plane.identity();
    const now = Math.floor(Date.now() / 1000);
    const near = await upgrade(plane.url, {
      token: await bearer(identity, { iat: now + 45, exp: now + 135 }),
    });
    same("45 s ahead", near.status, 101);
    const far = await upgrade(plane.url, {
      token: await bearer(identity, { iat: now + 600, exp: now + 690 }),
    });
    same("10 min ahead", [far.status, far.error], [401, "clock_skew"]);
    const theirs = Date.parse(far.headers.date ?? "") / 1000;
    holds("the answer has a Date", Number.isFinite(theirs), far.headers.date);
    const again = await bearer(identity, { iat: theirs - 30, exp: theirs + 60 });
    same("signed by that Date", (await upgrade(plane.url, { token: again })).status, 101);
  },
};

const firstFrames: PlaneCase = {
  number: 4,
  says: "Silence after the upgrade ends with 4408 in time; a frame before hello, and a second hello, with 4400.",
  scale: 0.01,
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const silent = await openAt(plane, parts);
    const opened = performance.now();
    const handshakeMs = TIMINGS.handshakeMs * plane.scale;
    same("silence", await endOf("silence after the upgrade", silent, handshakeMs + SLACK_MS), 4408);
    within("ms until 4408", performance.now() - opened, [handshakeMs * 0.9 - 5, handshakeMs + SLACK_MS]);
    const early = await openAt(plane, parts);
    early.beat();
    same("a beat before hello", await endOf("a beat before hello", early), 4400);
    const twice = await openAt(plane, parts);
    await twice.greet();
    twice.send("session.hello", twice.helloData());
    same("a second hello", await endOf("a second hello", twice), 4400);
  },
};

const takeover: PlaneCase = {
  number: 9,
  says: "A first connection serves until a second one is ready, then ends with 4409; its late end changes nothing.",
  scale: 0.01,
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const first = await guestAt(plane, parts);
    const second = await openAt(plane, parts, first.identity);
    const { streamId, instanceId, next } = first;
    Object.assign(second, { streamId, instanceId, next });
    await second.greet();
    await expectAlive("the first, while the second is welcomed", first);
    await second.becomeReady();
    same("the first's end", await endOf("the first", first), 4409);
    first.socket.terminate();
    await expectAlive("the second, after the first's end", second);
    const shown = await plane.get<{ state: string }>(`/connectors/${nameOf(first)}`);
    same("the connector's state", shown?.state, "connected");
  },
};

const onlyHello: PlaneCase = {
  number: 10,
  says: "Greetings that no ready follows displace nobody, end with 4408, and leave nothing open.",
  looksAt: "open sockets",
  scale: 0.01,
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const sitting = await guestAt(plane, parts);
    const before = plane.program?.descriptors;
    const attempts = await Promise.all(
      Array.from({ length: 20 }, () => openAt(plane, parts, sitting.identity)),
    );
    await Promise.all(attempts.map((attempt) => attempt.greet()));
    await expectAlive("the sitting one, beside 20 greetings", sitting);
    for (const attempt of attempts) same("the end of a greeting", await endOf("a greeting", attempt), 4408);
    await expectAlive("the sitting one, after them", sitting);
    const after = plane.program?.descriptors ?? 0;
    if (before !== undefined) within("open descriptors", after, [0, before + 2]);
  },
};

const twins: PlaneCase = {
  number: 11,
  says: "Of two instances that take turns the newcomer is refused with 4504 and told as duplicate_identity; the sitting one stays.",
  scale: 0.01,
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const identity = await plane.identity();
    const as = (instanceId: string): Promise<FakeConnector> =>
      guestAt(plane, parts, { identity, like: { instanceId } });
    const ends: number[] = [];
    let sitting = await as("one");
    for (const instanceId of ["two", "one"]) {
      const displaced = sitting;
      sitting = await as(instanceId);
      ends.push(await endOf("the displaced instance", displaced));
    }
    same("the first turns", ends, [4409, 4409]);
    const late = await openAt(plane, parts, identity);
    Object.assign(late, { instanceId: "two" });
    await late.greet();
    const welcome = await late.until("session.welcome");
    late.send("session.ready", { nonce: welcome.data.nonce });
    same("the second time", await endOf("the newcomer", late), 4504);
    await expectAlive("the sitting one", sitting);
    await plane.until<{ reason: string | null }>(
      `/connectors/${identity.name}`,
      ({ reason }) => reason === "duplicate_identity",
      3_000,
    );
  },
};

export const HANDSHAKE_CASES = [subprotocols, credentials, clocks, firstFrames, takeover, onlyHello, twins];
