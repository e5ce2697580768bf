import { afterEach, describe, expect, test } from "vitest";
import type { BoundSecret } from "../../../src/connector/check.ts";
import { Failure } from "../../../src/connector/failure.ts";
import { http } from "../../../src/connector/integrations/http/http.ts";
import type { Item } from "../../../src/connector/item.ts";
import { SecretWatch } from "../../../src/connector/secret-watch.ts";
import type { Secret } from "../../../src/connector/secrets/secret-store.ts";
import { LIMITS } from "../../../src/protocol/limits.ts";
import type { Report } from "../../../src/protocol/report.ts";
import type { SecretItem } from "../../../src/protocol/secret-frames.ts";
import { FakeClock } from "../../fake/clock.ts";
import { boundSecret } from "../../fake/secret.ts";
import { httpItem } from "../session/harness.ts";

const DAY = 86_400_000;
const never = new AbortController().signal;
const CANARY = "canary-of-the-watch";

const running: SecretWatch[] = [];
afterEach(() => Promise.all(running.splice(0).map((watch) => watch.close())));

interface Bench {
  readonly clock: FakeClock;
  readonly watch: SecretWatch;
  answer: () => Promise<Secret>;
  readonly soon: string[];
  readonly told: { items: readonly SecretItem[]; all: readonly string[] | null }[];
  readonly items: readonly Item[];
  last(): SecretItem;
}

/** Integrations that share one secret. */
async function bench(names: readonly string[], more: Partial<BoundSecret> = {}): Promise<Bench> {
  const clock = new FakeClock();
  const secret = boundSecret({
    id: "file-1",
    name: "./token",
    rereadMs: 60_000,
    facts: { file: "/etc/token", storeType: "file" },
    ages: { expiresWithinMs: 14 * DAY, staleAfterMs: 90 * DAY },
    ...more,
    read: () => b.answer(),
  });
  const items = names.map((name) => httpItem(name, "http://127.0.0.1:9/", secret));
  const watch = new SecretWatch({
    clock,
    random: () => 0.5,
    onValues: () => {},
    onRead: () => {},
    onChange: (changed, all) => b.told.push({ items: changed, all }),
    lookSoon: (name) => b.soon.push(name),
    onUnknown: () => {},
  });
  running.push(watch);
  const b: Bench = {
    clock,
    watch,
    answer: () => Promise.resolve({ text: CANARY }),
    soon: [],
    told: [],
    items,
    last: () => watch.all()[0] as SecretItem,
  };
  watch.replace(items);
  await clock.advance(5_000);
  return b;
}

function report(state: Report["state"], more: Partial<Report> = {}): Report {
  const calm = { condition: null, stage: null, reason: null, cause: null, remedy: [], coverage: [] };
  const rest = { blockedBy: null, findings: [], path: [], stages: [], address: "http://127.0.0.1:9/" };
  return { name: "a", type: "http", state, message: "", ...calm, ...rest, ...more };
}

const REJECTED: Partial<Report> = {
  condition: "secret_invalid",
  stage: "authenticate",
  reason: "credentials_rejected",
  cause: "The server answered 401.",
};

const codes = ({ state, condition, stage, reason }: SecretItem) => [state, condition, stage, reason];

describe("how a secret stands", () => {
  test("before it was read it is unknown, and then readable", async () => {
    const b = await bench(["a"]);
    expect(b.told[0]?.items.map(codes)).toEqual([["unknown", null, null, null]]);
    expect(b.told[0]?.all).toEqual(["file-1"]);
    expect(b.last()).toMatchObject({
      id: "file-1",
      store: "file",
      state: "online",
      message: "Secret ./token is readable.",
      usedBy: ["a"],
      users: 1,
    });
    expect(JSON.stringify(b.told)).not.toContain(CANARY);
  });

  test("what cannot be read says why and what to do, and comes back by itself", async () => {
    const b = await bench(["a"]);
    b.answer = () => Promise.reject(new Failure("secret", "secret_not_found", { code: "ENOENT" }));
    await b.clock.advance(70_000);
    expect(codes(b.last())).toEqual(["error", "secret_unreachable", "secret", "secret_not_found"]);
    expect(b.last()).toMatchObject({
      message: "Secret ./token is unreachable.",
      cause: "There is no file /etc/token.",
      remedy: [{ text: "Mount the secret there, or correct secret.path of a.", command: "ls -l /etc/token" }],
    });
    b.answer = () => Promise.resolve({ text: CANARY });
    await b.clock.advance(70_000);
    expect(b.last().state).toBe("online");
    // Each change had its integrations looked at.
    expect(b.soon).toEqual(["a", "a"]);
  });

  test("one that lacks a field is invalid for whoever needs it", async () => {
    const b = await bench(["a"]);
    b.answer = () => Promise.resolve({ text: `{"user": "${CANARY}"}` });
    await b.clock.advance(70_000);
    expect(codes(b.last())).toEqual(["error", "secret_invalid", "secret", "secret_field_missing"]);
    expect(JSON.stringify(b.last())).not.toContain(CANARY);
  });

  test.each([
    ["ends within two weeks", { expiresAt: 10 * DAY }, "secret_expiring"],
    ["has ended and is still given", { expiresAt: -DAY }, "secret_expiring"],
    ["was not changed for long", { createdAt: -91 * DAY }, "secret_stale"],
  ])("one that %s is a warning", async (_, { expiresAt, createdAt }: Record<string, number>, reason) => {
    const b = await bench(["a"]);
    const now = b.clock.now();
    b.answer = () =>
      Promise.resolve({
        text: CANARY,
        ...(expiresAt === undefined ? {} : { expiresAt: now + expiresAt }),
        ...(createdAt === undefined ? {} : { createdAt: now + createdAt }),
      });
    await b.clock.advance(70_000);
    expect(codes(b.last())).toEqual(["warning", null, "secret", reason]);
    expect(b.last().message).toBe("Secret ./token works, with a gap.");
    expect(b.last().cause).not.toContain("{");
    expect(b.last().remedy.length).toBeGreaterThan(0);
  });

  test("one of which an old version is pinned is a warning that names both", async () => {
    const b = await bench(["a"]);
    b.answer = () => Promise.resolve({ text: CANARY, version: "3", newerVersion: "5" });
    await b.clock.advance(70_000);
    expect(b.last()).toMatchObject({
      reason: "secret_stale",
      version: "3",
      cause: "a pins version 3 of secret ./token; the newest is 5.",
    });
  });
});

describe("the login", () => {
  test("that every integration's target rejects makes the secret invalid; a new version is another matter", async () => {
    const b = await bench(["a", "b"]);
    for (const item of b.items) b.watch.looked(item, report("error", { ...REJECTED, name: item.name }));
    expect(codes(b.last())).toEqual(["error", "secret_invalid", "authenticate", "credentials_rejected"]);
    expect(b.last().findings.map(({ subject }) => subject)).toEqual(["a", "b"]);
    b.answer = () => Promise.resolve({ text: `${CANARY}-two` });
    await b.clock.advance(70_000);
    expect(b.last().state).toBe("online");
    expect(b.soon).toEqual(["a", "b"]);
  });

  test("that one of two rejects is a gap that names which", async () => {
    const b = await bench(["a", "b"]);
    const taken = report("online", { stages: [{ stage: "authenticate", ok: true, ms: 1 }] });
    b.watch.looked(b.items[0] as Item, report("error", REJECTED));
    b.watch.looked(b.items[1] as Item, taken);
    expect(codes(b.last())).toEqual(["warning", null, "authenticate", "credentials_rejected"]);
    expect(b.last().findings).toEqual([
      { subject: "a", verdict: "failed", text: "The server answered 401." },
    ]);
    b.watch.looked(b.items[0] as Item, taken);
    expect(b.last().state).toBe("online");
  });
});

describe("one trouble", () => {
  const failing = report("error", {
    condition: "secret_unreachable",
    stage: "secret",
    reason: "secret_not_found",
  });
  test("of several integrations is told as the secret's", async () => {
    const b = await bench(["a", "b"]);
    for (const item of b.items)
      expect(b.watch.looked(item, failing).blockedBy).toEqual({ kind: "secret", id: "file-1" });
  });

  test("of one integration is its own; what the policy forbids is nobody else's", async () => {
    const alone = await bench(["a"]);
    expect(alone.watch.looked(alone.items[0] as Item, failing).blockedBy).toBeNull();
    const b = await bench(["a", "b"]);
    const forbidden = report("error", { stage: "secret", reason: "policy_forbidden" });
    expect(b.watch.looked(b.items[0] as Item, forbidden).blockedBy).toBeNull();
  });
});

describe("a secret that was rotated while an old value is kept", () => {
  test("is read anew, and only where the store has another one", async () => {
    const b = await bench(["a"]);
    const [item] = b.items as [Item];
    const started = b.clock.tick() + 1;
    await b.clock.advance(10);
    expect(await b.watch.hasNewer(item, started, never)).toBe(false);
    b.answer = () => Promise.resolve({ text: `${CANARY}-two` });
    await b.clock.advance(30_000);
    expect(await b.watch.hasNewer(item, b.clock.tick(), never)).toBe(true);
  });
});

test("a look costs the same however many secrets there are, and however many share one", async () => {
  const clock = new FakeClock();
  let parsed = 0;
  const value: Secret = {
    get text() {
      parsed += 1;
      return CANARY;
    },
  };
  const own = Array.from({ length: 200 }, (_, index) =>
    boundSecret({ id: `k-${index}`, rereadMs: 3_600_000, read: () => Promise.resolve(value) }),
  );
  const shared = boundSecret({ id: "shared", rereadMs: 3_600_000, read: () => Promise.resolve(value) });
  const items = [...own, ...own.map(() => shared)].map((secret, index) =>
    httpItem(`i-${index}`, "http://127.0.0.1:9/", secret),
  );
  const nothing = (): void => {};
  const parts = {
    onValues: nothing,
    onRead: nothing,
    onChange: nothing,
    lookSoon: nothing,
    onUnknown: nothing,
  };
  const watch = new SecretWatch({ clock, random: () => 0.5, ...parts });
  running.push(watch);
  watch.replace(items);
  await clock.advance(20_000);
  parsed = 0;
  watch.looked(items[0] as Item, report("online"));
  watch.looked(items.at(-1) as Item, report("online"));
  expect(parsed).toBeLessThan(10);
});

test("no more secrets are told than a control plane takes; all are looked after", async () => {
  const secrets = LIMITS.secrets + 5;
  const clock = new FakeClock();
  const told: (readonly string[] | null)[] = [];
  const nothing = (): void => {};
  const parts = { onValues: nothing, onRead: nothing, lookSoon: nothing, onUnknown: nothing };
  const onChange = (_: readonly SecretItem[], all: readonly string[] | null): void => void told.push(all);
  const watch = new SecretWatch({ clock, random: () => 0.5, ...parts, onChange });
  running.push(watch);
  watch.replace(
    Array.from({ length: secrets }, (_, index) =>
      httpItem(
        `i-${index}`,
        "http://127.0.0.1:9/",
        boundSecret({ id: `k-${index}`, rereadMs: 3_600_000, read: () => Promise.resolve({ text: CANARY }) }),
      ),
    ),
  );
  expect([told[0]?.length, watch.all().length]).toEqual([LIMITS.secrets, LIMITS.secrets]);
  expect(watch.counts()).toEqual([{ store: "file", state: "unknown", count: secrets }]);
});

test("what is read is counted for the heartbeat, once", async () => {
  const b = await bench(["a"]);
  expect(b.watch.takeReads().map(({ id }) => id)).toEqual(["file-1"]);
  expect(b.watch.takeReads()).toEqual([]);
  expect(b.watch.counts()).toEqual([{ store: "file", state: "online", count: 1 }]);
});

test("a secret that nobody needs any more is gone", async () => {
  const b = await bench(["a"]);
  b.watch.replace([{ ...(b.items[0] as Item), secret: undefined, type: http }]);
  expect([b.watch.all(), b.told.at(-1)?.all]).toEqual([[], []]);
});
