import { describe, expect, test } from "vitest";
import { Leadership, type LeaseState, type LeaseStore } from "../../src/connector/lease.ts";
import { seldom } from "../../src/connector/cluster.ts";
import { createLog } from "../../src/connector/log.ts";
import { Replica as Working } from "../../src/connector/replica.ts";
import { Scrubber } from "../../src/connector/scrub.ts";
import { FakeClock } from "../fake/clock.ts";

/** A Lease that several share, with the API server's rule: who writes must have read what is there. */
class Shared {
  state: LeaseState = {
    uid: "lease-1",
    resourceVersion: "1",
    holder: "",
    durationMs: 0,
    transitions: 0,
    renewTime: "",
  };
  /** Holders to whom the API server does not answer. */
  readonly cut = new Set<string>();

  storeOf(holder: string): LeaseStore {
    const answered = async (): Promise<void> => {
      if (this.cut.has(holder)) throw new Error("no answer");
    };
    return {
      read: async () => {
        await answered();
        return this.state;
      },
      write: async (next) => {
        await answered();
        if (next.resourceVersion !== this.state.resourceVersion) throw new Error("conflict");
        this.state = { ...next, resourceVersion: String(Number(this.state.resourceVersion) + 1) };
        return this.state;
      },
    };
  }
}

interface Replica {
  readonly name: string;
  readonly over: AbortController;
  readonly history: string[];
  readonly leadership: Leadership;
  readonly done: Promise<void>;
}

function replica(shared: Shared, clock: FakeClock, name: string): Replica {
  const over = new AbortController();
  const history: string[] = [];
  const leadership = new Leadership({ clock, random: () => 0.5, store: shared.storeOf(name), holder: name });
  const run = async (): Promise<void> => {
    const term = await leadership.acquire(over.signal);
    if (term === undefined) return;
    history.push(`leads ${term.transitions}`);
    history.push(await leadership.keep(over.signal));
  };
  return { name, over, history, leadership, done: run() };
}

/** Moves on in steps, so that timers of several replicas interleave. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let step = 0; step < ms; step += 200) await clock.advance(200);
}

const signal = new AbortController().signal;

describe("replicas that share a Lease", () => {
  test("have one leader, which stays", async () => {
    const [shared, clock] = [new Shared(), new FakeClock()];
    const [a, b, c] = ["a", "b", "c"].map((name) => replica(shared, clock, name)) as [
      Replica,
      Replica,
      Replica,
    ];
    await pass(clock, 120_000);
    expect([a.history, b.history, c.history]).toEqual([["leads 1"], [], []]);
    for (const { over } of [a, b, c]) over.abort();
    await Promise.all([a.done, b.done, c.done]);
    expect(a.history).toEqual(["leads 1", "over"]);
  });

  test("one that dies is followed within 20 s, by a later term", async () => {
    const [shared, clock] = [new Shared(), new FakeClock()];
    const a = replica(shared, clock, "a");
    await pass(clock, 3_000);
    const b = replica(shared, clock, "b");
    await pass(clock, 5_000);
    // kill -9: it renews no more, and releases nothing.
    shared.cut.add("a");
    const died = clock.tick();
    while (b.history.length === 0 && clock.tick() - died < 30_000) await pass(clock, 200);
    expect(clock.tick() - died).toBeLessThanOrEqual(20_000);
    expect(clock.tick() - died).toBeGreaterThan(10_000);
    expect(b.history).toEqual(["leads 2"]);
    expect(a.history).toEqual(["leads 1", "lost"]);
    b.over.abort();
  });

  test("one that is cut off gives up before another one may begin", async () => {
    const [shared, clock] = [new Shared(), new FakeClock()];
    const a = replica(shared, clock, "a");
    await pass(clock, 1_000);
    const b = replica(shared, clock, "b");
    await pass(clock, 4_000);
    shared.cut.add("a");
    while (!a.history.includes("lost")) {
      expect(b.history).toEqual([]);
      await pass(clock, 200);
    }
    b.over.abort();
  });

  test("one that leaves is followed at once", async () => {
    const [shared, clock] = [new Shared(), new FakeClock()];
    const a = replica(shared, clock, "a");
    await pass(clock, 1_000);
    const b = replica(shared, clock, "b");
    await pass(clock, 5_000);
    a.over.abort();
    await a.done;
    await a.leadership.release(signal);
    const left = clock.tick();
    while (b.history.length === 0) await pass(clock, 200);
    expect(clock.tick() - left).toBeLessThanOrEqual(3_000);
    b.over.abort();
  });

  test("one that was frozen finds out before it does anything", async () => {
    const [shared, clock] = [new Shared(), new FakeClock()];
    const a = replica(shared, clock, "a");
    await pass(clock, 1_000);
    // Another one took it while this one stood still.
    shared.state = {
      ...shared.state,
      holder: "b",
      transitions: 2,
      resourceVersion: "99",
      renewTime: "later",
    };
    await pass(clock, 2_600);
    expect(a.history).toEqual(["leads 1", "lost"]);
    await a.leadership.release(signal);
    expect(shared.state.holder).toBe("b");
  });

  test("a process that follows its own pod's earlier one does not wait", async () => {
    const [shared, clock] = [new Shared(), new FakeClock()];
    shared.state = {
      ...shared.state,
      holder: "a",
      durationMs: 15_000,
      transitions: 4,
      renewTime: "just now",
    };
    const a = replica(shared, clock, "a");
    await pass(clock, 400);
    expect(a.history).toEqual(["leads 5"]);
    a.over.abort();
  });

  test("nobody's clock is believed: a holder with a strange time is waited for as for any", async () => {
    const [shared, clock] = [new Shared(), new FakeClock()];
    const renewTime = "1970-01-01T00:00:00.000000Z";
    shared.state = { ...shared.state, holder: "x", durationMs: 15_000, renewTime };
    const a = replica(shared, clock, "a");
    await pass(clock, 14_000);
    expect(a.history).toEqual([]);
    await pass(clock, 4_000);
    expect(a.history).toEqual(["leads 1"]);
    a.over.abort();
  });

  test("one that is told to end as it gets the Lease begins nothing, and gives it back", async () => {
    const [shared, clock] = [new Shared(), new FakeClock()];
    const over = new AbortController();
    const store = shared.storeOf("a");
    const write: LeaseStore["write"] = (next, within) => {
      over.abort();
      return store.write(next, within);
    };
    const leadership = new Leadership({ clock, random: () => 0.5, store: { ...store, write }, holder: "a" });
    const log = createLog({ level: "error", version: "0", scrubber: new Scrubber(), write: () => {} });
    let begun = 0;
    const begin = async (): Promise<void> => void (begun += 1);
    const a = new Working({ leadership, log, begin, onEnd: () => {} });
    await a.run(over.signal);
    expect([begun, shared.state.holder]).toEqual([0, "a"]);
    await a.release();
    expect(shared.state.holder).toBe("");
  });

  test("one that takes long to begin keeps the Lease meanwhile", async () => {
    const [shared, clock] = [new Shared(), new FakeClock()];
    const over = new AbortController();
    const leadership = new Leadership({ clock, random: () => 0.5, store: shared.storeOf("a"), holder: "a" });
    const log = createLog({ level: "error", version: "0", scrubber: new Scrubber(), write: () => {} });
    // The API server is slow, and its key is read from there.
    const begin = (): Promise<void> => clock.sleep(18_000, over.signal);
    const ends: unknown[] = [];
    const a = new Working({ leadership, log, begin, onEnd: (ended) => void ends.push(ended) });
    const done = a.run(over.signal);
    await pass(clock, 1_000);
    const b = replica(shared, clock, "b");
    await pass(clock, 40_000);
    expect([a.leads, ends, b.history]).toEqual([true, [], []]);
    over.abort();
    b.over.abort();
    await Promise.all([done, b.done]);
  });

  test("what keeps them from the Lease is told once in a minute, not at each try", async () => {
    const clock = new FakeClock();
    const told: string[] = [];
    const trouble = seldom(clock, String, (says) => void told.push(says));
    for (let tries = 0; tries < 45; tries += 1) {
      trouble("forbidden");
      await clock.advance(2_000);
    }
    trouble("gone");
    expect(told).toEqual(["forbidden", "forbidden", "gone"]);
  });
});
