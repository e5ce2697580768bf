import { describe, expect, test } from "vitest";
import { invalidOf } from "../../../src/connector/crd/conditions.ts";
import { type Status, statusOf } from "../../../src/connector/crd/status.ts";
import { FIELD_MANAGER, StatusWriter } from "../../../src/connector/crd/status-writer.ts";
import type { ApiFailure } from "../../../src/connector/kubernetes/api-failure.ts";
import { FakeClock } from "../../fake/clock.ts";
import { refusal, which } from "./parts.ts";

const status = (words: string): Status =>
  statusOf({ said: invalidOf(words), generation: 1, at: 0, remedy: [] }, undefined);

interface Written {
  readonly name: string;
  readonly words: string;
  readonly tick: number;
}

/** An API that takes 10 ms for each write, and fails as it is told. */
function harness(failures: (ApiFailure | Error)[] = []) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const written: Written[] = [];
  const told: string[] = [];
  const bugs: unknown[] = [];
  let [busy, most] = [0, 0];
  const writer = new StatusWriter({
    clock,
    random: () => 0.5,
    signal: stop.signal,
    api: {
      apply: async (_resource, at, object, options) => {
        busy += 1;
        most = Math.max(most, busy);
        await clock.sleep(10, options.signal);
        busy -= 1;
        expect([at.subresource, options.fieldManager, options.force]).toEqual([
          "status",
          FIELD_MANAGER,
          true,
        ]);
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
        const { status } = object as { status: Status };
        written.push({ name: at.name, words: status.conditions[0]?.message ?? "", tick: clock.tick() });
        return undefined as never;
      },
    },
    onWritten: (namespace, failure) => void told.push(`${namespace} ${failure?.refusal?.status ?? "ok"}`),
    onUnknown: (error) => void bugs.push(error),
  });
  return { clock, stop, writer, written, told, bugs, most: () => most };
}

describe("statuses are written", () => {
  test("the last one of each resource alone, with a pause between two of the same", async () => {
    const { clock, writer, written, stop } = harness();
    writer.write(which("a"), status("1"));
    await clock.advance(5);
    for (const words of ["2", "3", "4"]) writer.write(which("a"), status(words));
    await clock.advance(500);
    expect(written.map(({ words }) => words)).toEqual(["1"]);
    await clock.advance(1_000);
    expect(written.map(({ words }) => words)).toEqual(["1", "4"]);
    stop.abort();
    await writer.ended;
  });

  test("two at once, forty and then twenty a second, each resource once", async () => {
    const { clock, writer, written, most, stop } = harness();
    for (let index = 0; index < 200; index += 1) writer.write(which(`i${index}`), status("x"));
    await clock.advance(1_000);
    expect(written.length).toBeGreaterThan(50);
    expect(written.length).toBeLessThanOrEqual(60);
    await clock.advance(8_000);
    expect(written).toHaveLength(200);
    expect(new Set(written.map(({ name }) => name)).size).toBe(200);
    expect(most()).toBe(2);
    expect(writer.waiting).toBe(0);
    stop.abort();
    await writer.ended;
  });

  test("again after a failure, later and later, and with what is true by then", async () => {
    const { clock, writer, written, told, stop } = harness([refusal(500), refusal(500), refusal(500)]);
    writer.write(which("a"), status("1"));
    await clock.advance(20);
    writer.write(which("a"), status("2"));
    await clock.advance(4_000);
    expect(written).toMatchObject([{ words: "2" }]);
    // Half of 1, 2 and 4 s, and 10 ms for each try.
    expect(written[0]?.tick).toBe(3_540);
    expect(told).toEqual(["data 500", "data 500", "data 500", "data ok"]);
    stop.abort();
    await writer.ended;
  });

  test("no sooner than the API server wants", async () => {
    const { clock, writer, written, stop } = harness([refusal(429, 30_000)]);
    writer.write(which("a"), status("1"));
    await clock.advance(29_900);
    expect(written).toEqual([]);
    await clock.advance(200);
    expect(written).toHaveLength(1);
    stop.abort();
    await writer.ended;
  });

  test.each([404, 409])("%d: it is gone or another one, and is left alone", async (code) => {
    const { clock, writer, written, told, stop } = harness([refusal(code)]);
    writer.write(which("a"), status("1"));
    await clock.advance(300_000);
    expect([written, told, writer.waiting]).toEqual([[], [], 0]);
    stop.abort();
    await writer.ended;
  });

  test("what is dropped is not written, and one failure holds up no other", async () => {
    const { clock, writer, written, stop } = harness([refusal(403)]);
    writer.write(which("a"), status("1"));
    writer.write(which("b"), status("1"));
    await clock.advance(100);
    expect(written.map(({ name }) => name)).toEqual(["b"]);
    writer.drop(which("a"));
    await clock.advance(100_000);
    expect(written).toHaveLength(1);
    stop.abort();
    await writer.ended;
  });

  test("a bug is told, and the next one is written all the same", async () => {
    const { clock, writer, written, bugs, stop } = harness([new TypeError("bug")]);
    writer.write(which("a"), status("1"));
    await clock.advance(50);
    writer.write(which("b"), status("1"));
    await clock.advance(50);
    expect([bugs.length, written.length]).toEqual([1, 1]);
    stop.abort();
    await writer.ended;
  });
});
