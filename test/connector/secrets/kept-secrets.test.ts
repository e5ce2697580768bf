import { describe, expect, test } from "vitest";
import type { BoundSecret } from "../../../src/connector/check.ts";
import { Failure } from "../../../src/connector/failure.ts";
import { KeptSecrets, type KeptSecretsParts } from "../../../src/connector/kept-secrets.ts";
import { createMarks } from "../../../src/connector/secret-watch.ts";
import type { Secret } from "../../../src/connector/secrets/secret-store.ts";
import { FakeClock, settle } from "../../fake/clock.ts";
import { boundSecret } from "../../fake/secret.ts";

const MINUTE = 60_000;
const never = new AbortController().signal;

interface Bench {
  readonly clock: FakeClock;
  readonly kept: KeptSecrets;
  readonly secret: BoundSecret;
  reads: number;
  /** What the store does at each read. */
  answer: (signal: AbortSignal) => Promise<Secret>;
  readonly news: string[];
  read(since?: number, signal?: AbortSignal): Promise<Secret>;
}

function bench(more: Partial<BoundSecret> = {}, parts: Partial<KeptSecretsParts> = {}): Bench {
  const clock = new FakeClock();
  const secret = boundSecret({
    rereadMs: 5 * MINUTE,
    ...more,
    read: (signal) => {
      b.reads += 1;
      return b.answer(signal);
    },
  });
  const kept = new KeptSecrets({
    clock,
    random: () => 0.5,
    markOf: createMarks(),
    onRead: (_id, reading, news) => {
      if (news) b.news.push(reading.ok ? `ok ${reading.secret.text}` : reading.failure.reason);
    },
    ...parts,
  });
  const b: Bench = {
    clock,
    kept,
    secret,
    reads: 0,
    answer: () => Promise.resolve({ text: "one" }),
    news: [],
    read: (since, signal = never) => kept.read(secret, signal, { since }),
  };
  return b;
}

const throttled = (evidence: Record<string, number>) => () =>
  Promise.reject(new Failure("secret", "store_rate_limited", evidence));

describe("a secret that many integrations need", () => {
  test("is read once for a thousand looks at once, and once an interval from then on", async () => {
    const b = bench();
    b.kept.replace([b.secret]);
    const looks = await Promise.all(Array.from({ length: 1_000 }, () => b.read()));
    expect(new Set(looks.map(({ text }) => text))).toEqual(new Set(["one"]));
    await b.clock.advance(1_000);
    // The first look and the schedule's own first reading, wherever that fell.
    const first = b.reads;
    expect(first).toBeLessThanOrEqual(2);
    for (let minute = 0; minute < 60; minute += 1) {
      await b.clock.advance(MINUTE);
      await Promise.all(Array.from({ length: 1_000 }, () => b.read()));
    }
    // Intervals are jittered by a tenth.
    expect(b.reads - first).toBeGreaterThanOrEqual(10);
    expect(b.reads - first).toBeLessThanOrEqual(14);
    await b.kept.close();
  });

  test("is given and read again, whatever becomes of those who are told of it", async () => {
    const told: unknown[] = [];
    const onRead = (): never => {
      throw new RangeError("a bug of ours");
    };
    const b = bench({}, { onRead, onUnknown: (error) => told.push(error) });
    b.kept.replace([b.secret]);
    expect((await b.read()).text).toBe("one");
    await b.clock.advance(60 * MINUTE);
    expect([b.reads > 5, told.length > 5]).toEqual([true, true]);
    await b.kept.close();
  });

  test("that nobody configured is read for each look, and not kept", async () => {
    const b = bench();
    await b.read();
    await b.read();
    expect([b.reads, b.kept.lastOf(b.secret.id)]).toEqual([2, undefined]);
  });

  test("in a store that costs nothing is read at each look", async () => {
    const b = bench({ rereadMs: 0 });
    b.kept.replace([b.secret]);
    await b.clock.advance(1_000);
    const first = b.reads;
    await b.read();
    b.answer = () => Promise.resolve({ text: "two" });
    expect((await b.read()).text).toBe("two");
    expect(b.reads).toBe(first + 2);
    await b.kept.close();
  });
});

describe("whoever asks", () => {
  test("gets nothing that was read before: what somebody mended is seen at once", async () => {
    const b = bench();
    b.kept.replace([b.secret]);
    await b.read();
    b.answer = () => Promise.resolve({ text: "mended" });
    expect((await b.read()).text).toBe("one");
    await b.clock.advance(10);
    expect((await b.read(b.clock.tick())).text).toBe("mended");
    await b.kept.close();
  });

  test("shares one reading with all who asked before it began", async () => {
    const b = bench();
    b.kept.replace([b.secret]);
    await b.read();
    await b.clock.advance(10);
    const before = b.reads;
    const since = b.clock.tick();
    await Promise.all(Array.from({ length: 100 }, () => b.read(since)));
    expect(b.reads).toBe(before + 1);
    await b.kept.close();
  });

  test("shares the one that waits for its turn with all who ask until then", async () => {
    const b = bench();
    b.kept.replace([b.secret]);
    await b.clock.advance(1_000);
    const first = Promise.withResolvers<Secret>();
    b.answer = () => first.promise;
    const before = b.reads;
    const looks = [b.read(b.clock.tick())];
    for (let asked = 0; asked < 100; asked += 1) {
      await b.clock.advance(1);
      looks.push(b.read(b.clock.tick()));
    }
    b.answer = () => Promise.resolve({ text: "mended" });
    first.resolve({ text: "one" });
    expect((await Promise.all(looks)).map(({ text }) => text)).toEqual([
      "one",
      ...Array.from({ length: 100 }, () => "mended"),
    ]);
    expect(b.reads - before).toBe(2);
    await b.kept.close();
  });

  test("waits for one that began too early, and then for their own", async () => {
    const b = bench();
    b.kept.replace([b.secret]);
    const slow = Promise.withResolvers<Secret>();
    b.answer = () => slow.promise;
    const early = b.read();
    await settle();
    await b.clock.advance(10);
    const late = b.read(b.clock.tick());
    b.answer = () => Promise.resolve({ text: "two" });
    slow.resolve({ text: "one" });
    expect([(await early).text, (await late).text]).toEqual(["one", "two"]);
    await b.kept.close();
  });
});

describe("a store that fails", () => {
  test("is asked again by the schedule, sooner at first; looks do not wait for it", async () => {
    const b = bench();
    b.kept.replace([b.secret]);
    b.answer = () => Promise.reject(new Failure("secret", "store_unreachable"));
    await expect(b.read()).rejects.toMatchObject({ reason: "store_unreachable" });
    await b.clock.advance(1_000);
    const first = b.reads;
    for (let look = 0; look < 100; look += 1) await expect(b.read()).rejects.toBeInstanceOf(Failure);
    expect(b.reads).toBe(first);
    await b.clock.advance(2 * MINUTE);
    expect(b.reads - first).toBeGreaterThanOrEqual(4);
    b.answer = () => Promise.resolve({ text: "back" });
    await b.clock.advance(MINUTE * 1.2);
    expect((await b.read()).text).toBe("back");
    expect(b.news).toEqual(["store_unreachable", "ok back"]);
    await b.kept.close();
  });

  test("that throttles is left alone for as long as it says, whoever asks", async () => {
    const b = bench();
    b.kept.replace([b.secret]);
    b.answer = throttled({ retryAfterMs: 20_000 });
    await expect(b.read()).rejects.toMatchObject({ reason: "store_rate_limited" });
    const first = b.reads;
    for (let second = 0; second < 20; second += 1) {
      await b.clock.advance(1_000);
      await expect(b.read(b.clock.tick())).rejects.toMatchObject({ reason: "store_rate_limited" });
    }
    expect(b.reads).toBe(first);
    b.answer = () => Promise.resolve({ text: "one" });
    // A tenth more than was said: those who wait do not come all at once.
    await b.clock.advance(2_001);
    expect((await b.read(b.clock.tick())).text).toBe("one");
    await b.kept.close();
  });

  test("that throttles for longer than an hour is asked again all the same", async () => {
    const b = bench();
    b.kept.replace([b.secret]);
    b.answer = throttled({ retryAfterMs: 30 * 86_400_000 });
    await b.clock.advance(1_000);
    b.answer = () => Promise.resolve({ text: "back" });
    await b.clock.advance(75 * MINUTE);
    expect((await b.read()).text).toBe("back");
    await b.kept.close();
  });

  test("that gives more values than anybody could look for is not kept", async () => {
    const b = bench();
    b.kept.replace([b.secret]);
    const fields = Object.fromEntries(
      Array.from({ length: 2_001 }, (_, index) => [`k${index}`, `canary-${index}`]),
    );
    b.answer = () => Promise.resolve({ fields });
    const failure = await b.read().catch((error: unknown) => error as Failure);
    expect(failure).toMatchObject({ reason: "secret_unparsable" });
    expect(JSON.stringify(failure)).not.toContain("canary");
    await b.kept.close();
  });

  test("that says nothing ends at its own deadline, and a look at the look's", async () => {
    const b = bench();
    b.kept.replace([b.secret]);
    b.answer = () => new Promise(() => {});
    const over = new AbortController();
    const look = b.read(undefined, over.signal);
    over.abort(new Error("the look is over"));
    await expect(look).rejects.toThrow("the look is over");
    const reading = b.read();
    const told = expect(reading).rejects.toMatchObject({
      reason: "store_timeout",
      evidence: { limit: "10 s" },
    });
    await b.clock.advance(10_100);
    await told;
    await b.kept.close();
  });

  test("in a way that nobody knows is unknown, and told to the log alone", async () => {
    const b = bench();
    const told: unknown[] = [];
    const kept = new KeptSecrets({
      clock: b.clock,
      random: () => 0.5,
      markOf: createMarks(),
      onRead: () => {},
      onUnknown: (error) => told.push(error),
    });
    const bug = new RangeError("a bug of ours");
    b.answer = () => Promise.reject(bug);
    await expect(kept.read(b.secret, never)).rejects.toMatchObject({ stage: "secret", reason: "unknown" });
    expect(told).toEqual([bug]);
  });
});

describe("rotation", () => {
  test("is noticed by the schedule, told once, and by its version alone too", async () => {
    const b = bench();
    b.kept.replace([b.secret]);
    await b.read();
    b.answer = () => Promise.resolve({ text: "two" });
    await b.clock.advance(6 * MINUTE);
    b.answer = () => Promise.resolve({ text: "two", version: "7" });
    await b.clock.advance(6 * MINUTE);
    await b.clock.advance(6 * MINUTE);
    expect(b.news).toEqual(["ok one", "ok two", "ok two"]);
    await b.kept.close();
  });

  test("is noticed within seconds where it costs nothing to read", async () => {
    const b = bench({ rereadMs: 0 });
    b.kept.replace([b.secret]);
    await b.clock.advance(MINUTE);
    b.answer = () => Promise.resolve({ text: "two" });
    await b.clock.advance(12_000);
    expect(b.news).toEqual(["ok one", "ok two"]);
    await b.kept.close();
  });

  test("is looked for once in half a minute, however many targets reject what is kept", async () => {
    const b = bench();
    b.kept.replace([b.secret]);
    await b.clock.advance(1_000);
    const mark = createMarks()({ text: "of another process" });
    const before = b.reads;
    for (let rejected = 0; rejected < 1_000; rejected += 1) {
      await b.clock.advance(25);
      await b.kept.isNewerThan(mark, b.secret, never);
    }
    expect(b.reads - before).toBe(1);
    await b.clock.advance(6_000);
    await b.kept.isNewerThan(mark, b.secret, never);
    expect(b.reads - before).toBe(2);
    await b.kept.close();
  });

  test("is looked for at once where a target rejects what is kept", async () => {
    const b = bench();
    b.kept.replace([b.secret]);
    await b.read();
    await b.clock.advance(10);
    const mark = createMarks();
    expect(await b.kept.isNewerThan(mark({ text: "other" }), b.secret, never)).toBe(true);
    await b.kept.close();
  });
});
