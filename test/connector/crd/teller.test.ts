import { describe, expect, test } from "vitest";
import { conditionsOf } from "../../../src/connector/crd/conditions.ts";
import { Events, type Happening } from "../../../src/connector/crd/events.ts";
import type { Seen } from "../../../src/connector/crd/resource.ts";
import { asSeen, type Status } from "../../../src/connector/crd/status.ts";
import { Teller } from "../../../src/connector/crd/teller.ts";
import type { Report } from "../../../src/protocol/report.ts";
import { FakeClock } from "../../fake/clock.ts";
import { ended, refusal, report, which } from "./parts.ts";

const refused = ended("connect", "connection_refused", "integration_unreachable");
const MINUTE = 60_000;

function harness() {
  const written: Status[] = [];
  const happened: Happening[] = [];
  const teller = new Teller({
    writer: { write: (_, status) => void written.push(status), drop: () => {} },
    events: { tell: (_, happening) => void happened.push(happening) },
    random: () => 0.5,
  });
  const tell = (
    one: Report,
    checkedAt: number,
    { generation = 1, seen }: { generation?: number; seen?: Seen } = {},
  ): void =>
    teller.tell(which("a", generation), seen, {
      said: conditionsOf(one, false),
      remedy: one.remedy,
      at: checkedAt,
      checkedAt,
    });
  return { teller, tell, written, happened };
}

describe("what stands on a resource", () => {
  test("is written on a change; the time of the last look no more often than each ten minutes", () => {
    const { tell, written, happened } = harness();
    tell(report(), 0);
    for (let minute = 1; minute < 10; minute += 1) tell(report(), minute * MINUTE);
    expect(written).toHaveLength(1);
    tell(report(), 10 * MINUTE);
    expect(written.map(({ lastCheckTime }) => lastCheckTime)).toEqual([
      "1970-01-01T00:00:00Z",
      "1970-01-01T00:10:00Z",
    ]);
    tell(refused, 11 * MINUTE);
    tell(refused, 12 * MINUTE);
    tell(report(), 13 * MINUTE);
    expect(written).toHaveLength(4);
    // That it works at first is no news; that it does again is.
    expect(happened.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
      "Warning ConnectionRefused",
      "Normal Online",
    ]);
  });

  test("a new generation is told at once, and is no transition", () => {
    const { tell, written, happened } = harness();
    tell(report(), 0);
    tell(report(), MINUTE, { generation: 2 });
    expect(written[1]).toMatchObject({ observedGeneration: 2 });
    expect(happened).toEqual([]);
  });

  test("another process goes on from what the resource says", () => {
    const first = harness();
    first.tell(refused, 0);
    const seen = asSeen(first.written[0]!);
    const second = harness();
    second.tell(refused, MINUTE, { seen });
    expect([second.written, second.happened]).toEqual([[], []]);
    second.tell(report(), 2 * MINUTE, { seen });
    expect(second.happened).toMatchObject([{ type: "Normal", reason: "Online" }]);
  });

  test("a resource that was made anew has no past", () => {
    const { teller, tell, written } = harness();
    tell(report(), 0);
    teller.forget(which("a"));
    tell(report(), MINUTE);
    expect(written).toHaveLength(2);
  });
});

describe("events", () => {
  interface Made {
    readonly metadata: { readonly generateName: string };
    readonly reason: string;
    readonly lastTimestamp: string;
  }

  function events(failures: ReturnType<typeof refusal>[] = []) {
    const clock = new FakeClock();
    const stop = new AbortController();
    const made: Made[] = [];
    const told: unknown[] = [];
    const teller = new Events({
      clock,
      instance: "pod-0",
      signal: stop.signal,
      api: {
        create: (_resource, _where, object) => {
          const failure = failures.shift();
          if (failure !== undefined) return Promise.reject(failure);
          made.push(object as Made);
          return Promise.resolve(undefined as never);
        },
      },
      onWritten: (namespace, failure) => void told.push(failure?.refusal?.status ?? namespace),
      onUnknown: (error) => void told.push(error),
    });
    return { clock, stop, made, told, teller };
  }
  const happening = (reason: string): Happening => ({ type: "Warning", reason, message: "It happened." });

  test("one of each resource and reason in five minutes", async () => {
    const { clock, made, teller, stop } = events();
    for (let minute = 0; minute < 10; minute += 1) {
      teller.tell(which("a"), happening("ConnectionRefused"));
      teller.tell(which("a"), happening("Online"));
      await clock.advance(MINUTE);
    }
    expect(made.map(({ reason }) => reason)).toEqual([
      "ConnectionRefused",
      "Online",
      "ConnectionRefused",
      "Online",
    ]);
    stop.abort();
    await teller.ended;
  });

  test("a storm is slowed, and what is too old is dropped", async () => {
    const { clock, made, teller, stop } = events();
    for (let index = 0; index < 1000; index += 1) teller.tell(which(`i${index}`), happening("X"));
    await clock.advance(1_000);
    expect(made.length).toBeLessThanOrEqual(30);
    await clock.advance(120_000);
    expect(made.length).toBeLessThanOrEqual(250);
    expect(made.at(-1)?.metadata.generateName).toBe("i999.");
    stop.abort();
    await teller.ended;
  });

  test("one that is refused is not tried again", async () => {
    const { clock, made, told, teller, stop } = events([refusal(403)]);
    teller.tell(which("a"), happening("X"));
    await clock.advance(10);
    teller.tell(which("b"), happening("X"));
    await clock.advance(10_000);
    expect([told, made.length]).toEqual([[403, "data"], 1]);
    stop.abort();
    await teller.ended;
  });
});
