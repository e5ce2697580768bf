import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { folderState } from "../../../src/connector/state-dir.ts";
import { join } from "node:path";
import { compactVerify, decodeJwt, importJWK } from "jose";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Enrol, Identity } from "../../../src/connector/identity.ts";
import type { KubernetesApi } from "../../../src/connector/kubernetes/api.ts";
import { Refusal } from "../../../src/connector/refusal.ts";
import { secretState } from "../../../src/connector/state-secret.ts";
import { afterRefusal, enrolWords } from "../../../src/connector/enrol-words.ts";
import { ENROL_ERRORS, type EnrolError, type EnrolRequest } from "../../../src/protocol/enrolment.ts";
import { FakeClock } from "../../fake/clock.ts";
import { refusal } from "../crd/parts.ts";
import { folder } from "./harness.ts";

const ORIGIN = "https://mooring.example";
const signal = new AbortController().signal;
const ANSWER = {
  connectorId: "c-1",
  connector: "prod-eu",
  keyId: "k-1",
  audience: ORIGIN,
  cpTrust: null,
};

interface Bench extends AsyncDisposable {
  readonly state: string;
  readonly tokenFile: string;
  readonly asked: EnrolRequest[];
  answer: Enrol;
  make(audience?: string): Identity;
}

async function bench(token: string | undefined = "token-canary-0123456789"): Promise<Bench> {
  const place = await folder();
  const tokenFile = join(place.path, "token");
  if (token !== undefined) await writeFile(tokenFile, `${token}\n`);
  const asked: EnrolRequest[] = [];
  const b: Bench = {
    state: join(place.path, "deep", "state"),
    tokenFile,
    asked,
    answer: () => Promise.resolve(ANSWER),
    make: (audience = ORIGIN) =>
      new Identity({
        state: folderState(b.state),
        joinTokenFile: tokenFile,
        audience,
        clock: new FakeClock(),
        onToken: () => {},
        enrol: (request, given) => {
          asked.push(request);
          return b.answer(request, given);
        },
      }),
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
  return b;
}

test("the key is on the disk, mode 0600, before it is sent; the proof is by it", async () => {
  await using b = await bench();
  let modes: string[] = [];
  b.answer = async () => {
    const file = join(b.state, "key.json");
    modes = [(await stat(file)).mode.toString(8), (await stat(b.state)).mode.toString(8)];
    return ANSWER;
  };
  await b.make().credential(0, signal);
  expect(modes).toEqual(["100600", "40700"]);
  const [request] = b.asked;
  const key = await importJWK({ ...request?.publicKeyJwk }, "EdDSA");
  const { payload } = await compactVerify(request?.proof ?? "", key);
  expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({
    token: "token-canary-0123456789",
    aud: ORIGIN,
  });
  expect(await readdir(b.state)).toEqual(["enrolment.json", "key.json"]);
  for (const file of await readdir(b.state))
    expect(await readFile(join(b.state, file), "utf8")).not.toContain("token-canary");
});

test("two that begin at once, a connector and its doctor, have one key", async () => {
  await using b = await bench();
  await Promise.all([b.make().credential(0, signal), b.make().credential(0, signal)]);
  const kept = JSON.parse(await readFile(join(b.state, "key.json"), "utf8")) as { x: string };
  expect(new Set(b.asked.map(({ publicKeyJwk }) => publicKeyJwk.x))).toEqual(new Set([kept.x]));
  expect(await readdir(b.state)).toEqual(["enrolment.json", "key.json"]);
});

test("the same of a Secret, which refuses what was not read last", async () => {
  let [version, data]: [number, Record<string, string>] = [1, {}];
  const api = {
    get: async () => ({ metadata: { resourceVersion: String(version) }, data }),
    apply: async (_kind: unknown, _which: unknown, object: unknown) => {
      const wish = object as { metadata: { resourceVersion: string }; data: Record<string, string> };
      if (wish.metadata.resourceVersion !== String(version)) throw refusal(409);
      [version, data] = [version + 1, wish.data];
      return object;
    },
  } as unknown as Pick<KubernetesApi, "get" | "apply">;
  const state = secretState(api, { namespace: "mooring", name: "identity" }, signal);
  await Promise.all([state.writeNew("key.json", 1), state.writeNew("key.json", 2)]);
  expect(await state.read("key.json", z.number())).toBe(1);
  await state.write("key.json", 3);
  expect(await state.read("key.json", z.number())).toBe(3);
});

test("the key is good for a control plane that got another address", async () => {
  await using b = await bench();
  await b.make().credential(0, signal);
  const audience = "https://new.example";
  const { token } = await b.make(audience).credential(0, signal);
  expect(decodeJwt(token)).toMatchObject({ iss: "c-1", aud: audience });
  expect(decodeJwt((await b.make().credential(0, signal)).token).aud).toBe(ORIGIN);
  expect(b.asked).toHaveLength(1);
});

test("a crash after any step: the same key asks again, and once enrolled nobody is asked", async () => {
  await using b = await bench();
  b.answer = () => Promise.reject(new Refusal("timeout", "lost on the way back"));
  await expect(b.make().credential(0, signal)).rejects.toThrow("lost");
  b.answer = () => Promise.resolve(ANSWER);
  const first = await b.make().credential(0, signal);
  const second = await b.make().credential(0, signal);
  expect(b.asked.length).toBe(2);
  expect(b.asked[0]?.publicKeyJwk).toEqual(b.asked[1]?.publicKeyJwk);
  expect(first.connectorId).toBe("c-1");
  expect(second.token).not.toBe(first.token);
});

test("a token that was refused is not sent again; a new one is, at once", async () => {
  await using b = await bench();
  b.answer = () => Promise.reject(new Refusal("token_used", "used", { after: "stop" }));
  const identity = b.make();
  await expect(identity.credential(0, signal)).rejects.toMatchObject({ word: "token_used" });
  await expect(identity.credential(0, signal)).rejects.toMatchObject({ word: "token_used" });
  expect(b.asked.length).toBe(1);
  expect(await identity.hasNewToken()).toBe(false);
  await writeFile(b.tokenFile, "another-token-0123456789");
  expect(await identity.hasNewToken()).toBe(true);
  b.answer = () => Promise.resolve(ANSWER);
  await identity.credential(0, signal);
  expect(await identity.hasNewToken()).toBe(false);
});

test("a bad new token takes nothing from a connector that is enrolled; a file that is gone neither", async () => {
  await using b = await bench();
  await b.make().credential(0, signal);
  await writeFile(b.tokenFile, "another-token-0123456789");
  b.answer = () => Promise.reject(new Refusal("token_unknown", "unknown", { after: "stop" }));
  const identity = b.make();
  expect((await identity.credential(0, signal)).connectorId).toBe("c-1");
  await writeFile(b.tokenFile, "");
  expect((await b.make().credential(0, signal)).connectorId).toBe("c-1");
});

test("without a token, or one that cannot be read, it says so before anything is tried", async () => {
  await using b = await bench("");
  await expect(b.make().prepare()).rejects.toMatchObject({
    word: "join_token_unreadable",
    message: `The join token file ${b.tokenFile} is empty.`,
  });
  await using c = await bench();
  await chmod(c.tokenFile, 0o600);
  const missing = new Identity({
    state: folderState(c.state),
    joinTokenFile: join(c.state, "none"),
    audience: ORIGIN,
    clock: new FakeClock(),
    onToken: () => {},
    enrol: c.answer,
  });
  await expect(missing.prepare()).rejects.toThrow(
    `The join token file ${join(c.state, "none")} cannot be read (ENOENT).`,
  );
});

test("a state that is not ours or cannot be written is one sentence, without what is in it", async () => {
  await using b = await bench();
  await mkdir(b.state, { recursive: true });
  await writeFile(join(b.state, "key.json"), '{"d": "canary-of-a-key"');
  await expect(b.make().prepare()).rejects.toMatchObject({
    word: "state_unreadable",
    message: `The connector's identity in ${join(b.state, "key.json")} cannot be read (it is not what the connector wrote).`,
  });
  await using c = await bench();
  await mkdir(join(c.state, ".."), { recursive: true });
  await writeFile(c.state, "a file");
  await expect(c.make().prepare()).rejects.toMatchObject({ word: "state_unreadable" });
});

test("an answer that is not a control plane's is refused, and nothing is stored", async () => {
  await using b = await bench();
  b.answer = () => Promise.resolve({ hello: "world" });
  await expect(b.make().credential(0, signal)).rejects.toMatchObject({ word: "not_a_control_plane" });
  expect(await readdir(b.state)).toEqual(["key.json"]);
});

/** Unsigned: only the control plane verifies it. */
function accountToken(id: string): string {
  const claims = { iss: "https://cluster.example", sub: "system:serviceaccount:m:connector", jti: id };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part({ ...claims, aud: [ORIGIN], exp: 4_000_000_000 })}.sig-canary`;
}

describe("by a ServiceAccount's token", () => {
  async function account(): Promise<Bench & { identity: () => Identity }> {
    const b = await bench(accountToken("one"));
    const identity = (): Identity =>
      new Identity({
        state: folderState(b.state),
        serviceAccountTokenFile: b.tokenFile,
        audience: ORIGIN,
        clock: new FakeClock(),
        onToken: () => {},
        enrol: (request, given) => {
          b.asked.push(request);
          return b.answer(request, given);
        },
      });
    return Object.assign(b, { identity });
  }

  test("it enrols once; tokens that the kubelet puts there later are no reason to do it again", async () => {
    await using b = await account();
    const identity = b.identity();
    await identity.prepare();
    await identity.credential(0, signal);
    await writeFile(b.tokenFile, accountToken("two"));
    await identity.credential(0, signal);
    expect(await identity.hasNewToken()).toBe(false);
    await b.identity().credential(0, signal);
    expect(b.asked.map(({ token }) => token)).toEqual([accountToken("one")]);
    for (const file of await readdir(b.state))
      expect(await readFile(join(b.state, file), "utf8")).not.toContain("sig-canary");
  });

  test("forgotten, it enrols again by the token that is there then", async () => {
    await using b = await account();
    const identity = b.identity();
    await identity.credential(0, signal);
    await writeFile(b.tokenFile, accountToken("two"));
    identity.mustEnrol();
    expect(await identity.hasNewToken()).toBe(true);
    await identity.credential(0, signal);
    expect(b.asked.map(({ token }) => token)).toEqual([accountToken("one"), accountToken("two")]);
    expect(await identity.hasNewToken()).toBe(false);
  });

  test("refused for good, the very same token is not sent again; what an operator can mend is", async () => {
    await using b = await account();
    const identity = b.identity();
    b.answer = () => Promise.reject(new Refusal("token_unknown", "unknown"));
    await expect(identity.credential(0, signal)).rejects.toMatchObject({ word: "token_unknown" });
    b.answer = () => Promise.reject(new Refusal("bad_audience", "meant for others", { after: "stop" }));
    await expect(identity.credential(0, signal)).rejects.toMatchObject({ word: "bad_audience" });
    await expect(identity.credential(0, signal)).rejects.toMatchObject({ word: "bad_audience" });
    expect([b.asked.length, await identity.hasNewToken()]).toEqual([2, false]);
    b.answer = () => Promise.resolve(ANSWER);
    await writeFile(b.tokenFile, accountToken("two"));
    expect(await identity.hasNewToken()).toBe(true);
    await identity.credential(0, signal);
    // Forgotten and refused for good: it says why, and does not go on with the old key.
    identity.mustEnrol();
    b.answer = () => Promise.reject(new Refusal("token_expired", "expired", { after: "stop" }));
    await expect(identity.credential(0, signal)).rejects.toMatchObject({ word: "token_expired" });
    await expect(identity.credential(0, signal)).rejects.toMatchObject({ word: "token_expired" });
    expect(b.asked.length).toBe(4);
  });

  test("revoked, it asks again with the same token, though seldom", async () => {
    await using b = await account();
    const identity = b.identity();
    b.answer = () => Promise.reject(new Refusal("account_revoked", "revoked", { after: "stop" }));
    await expect(identity.credential(0, signal)).rejects.toMatchObject({
      word: "account_revoked",
      after: "stop",
    });
    // No reason to hurry: the hourly attempt asks.
    expect(await identity.hasNewToken()).toBe(false);
    b.answer = () => Promise.resolve(ANSWER);
    expect((await identity.credential(0, signal)).connectorId).toBe("c-1");
  });

  test.each([
    ["", "is empty"],
    ["canary-of-no-jwt-0123456789", "holds no token of a ServiceAccount"],
    [accountToken("one").replace(/^[^.]*\.[^.]*/, "canary.canary"), "holds no token of a ServiceAccount"],
    ["x".repeat(70_000), "holds no token: it is larger than 0.0625 MiB"],
  ])("a file without one says so, and never what is in it: %#", async (text, says) => {
    await using b = await account();
    await writeFile(b.tokenFile, text);
    await expect(b.identity().prepare()).rejects.toMatchObject({
      word: "account_token_unreadable",
      message: `The ServiceAccount token file ${b.tokenFile} ${says}.`,
    });
  });
});

describe("what a control plane's refusal of a ServiceAccount's token says", () => {
  const from = { serviceAccountTokenFile: "/var/run/secrets/mooring/serviceaccount/token" };
  test.each(Object.keys(ENROL_ERRORS) as EnrolError[])("%s", (error) => {
    const says = enrolWords(error, accountToken("one"), from);
    expect(says).not.toContain("canary");
    expect(says).not.toContain(accountToken("one").slice(0, 20));
    expect([afterRefusal(error, from), says]).toMatchSnapshot();
    expect(enrolWords(error, "mjt_x", {})).not.toContain("ServiceAccount");
  });
});

describe("what a control plane's refusal of a join token says", () => {
  test.each(Object.keys(ENROL_ERRORS) as EnrolError[])("%s", (error) => {
    expect([afterRefusal(error, {}), enrolWords(error, "mjt_x", {})]).toMatchSnapshot();
  });
});
