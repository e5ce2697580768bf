import { expect, test } from "vitest";
import { type Asked, type CommandEvent, Commands, type Wished } from "../../../src/connector/commands.ts";
import type { Item, Problem } from "../../../src/connector/item.ts";
import type { CommandDispatch } from "../../../src/protocol/command-frames.ts";
import { TIMINGS } from "../../../src/protocol/limits.ts";
import type { Report } from "../../../src/protocol/report.ts";
import { FakeClock } from "../../fake/clock.ts";
import { tcpItem } from "./harness.ts";

const REPORT: Report = {
  name: "a",
  type: "tcp",
  state: "online",
  condition: null,
  stage: null,
  reason: null,
  message: "",
  cause: null,
  remedy: [],
  coverage: [],
  address: "a:1",
  blockedBy: null,
  findings: [],
  path: [],
  stages: [{ stage: "connect", ok: true, ms: 1 }],
};

interface Bench {
  readonly clock: FakeClock;
  readonly told: CommandEvent[];
  readonly looks: { readonly name: string; readonly asked: Asked; readonly at: number }[];
  readonly unsaved: Item[];
  readonly commands: Commands;
  lookMs: number;
  send(commandId: string, kind: string, args: Record<string, unknown>, more?: Partial<CommandDispatch>): void;
  results(): unknown[];
}

function bench(judged: Item | readonly Problem[] = []): Bench {
  const clock = new FakeClock();
  const b: Omit<Bench, "commands" | "send" | "results"> = {
    clock,
    told: [],
    looks: [],
    unsaved: [],
    lookMs: 100,
  };
  const look = async (name: string, asked: Asked, { onStage }: Wished): Promise<Report | undefined> => {
    b.looks.push({ name, asked, at: clock.tick() });
    await clock.sleep(b.lookMs, new AbortController().signal);
    onStage({ stage: "connect", ok: true, ms: 1 });
    return { ...REPORT, name };
  };
  const commands = new Commands({
    clock,
    timings: TIMINGS,
    tell: (event) => b.told.push(event),
    names: () => ["a", "b"],
    look,
    lookUnsaved: (item) => {
      b.unsaved.push(item);
      return Promise.resolve(REPORT);
    },
    judgeUnsaved: () => Promise.resolve(judged),
  });
  return Object.assign(b, {
    commands,
    send: (
      commandId: string,
      kind: string,
      args: Record<string, unknown>,
      more: Partial<CommandDispatch> = {},
    ) =>
      commands.dispatch({
        commandId,
        kind,
        args,
        resourceKey: "r",
        attempt: 1,
        timeoutMs: 60_000,
        ...more,
      }),
    results: () => b.told.filter(({ type }) => type === "command.result").map(({ data }) => data),
  });
}

test("a refresh of one integration: accepted, each stage, the result with its report", async () => {
  const b = bench();
  b.send("k", "refresh", { integration: "a" });
  await b.clock.advance(200);
  expect(b.told.map(({ type }) => type)).toEqual(["command.accepted", "command.progress", "command.result"]);
  expect(b.results()).toMatchObject([{ commandId: "k", outcome: "succeeded", report: { name: "a" } }]);
});

test("a command that comes again is done once: its result is told again, or that it runs", async () => {
  const b = bench();
  b.send("k", "integration.test", { integration: "a" });
  b.send("k", "integration.test", { integration: "a" }, { attempt: 2 });
  await b.clock.advance(200);
  b.send("k", "integration.test", { integration: "a" }, { attempt: 3 });
  expect(b.looks.length).toBe(1);
  expect(b.told.map(({ type }) => type)).toEqual([
    "command.accepted",
    "command.accepted",
    "command.progress",
    "command.result",
    "command.result",
  ]);
  const [first, second] = b.results();
  expect(second).toEqual(first);
});

test("what is not known is unsupported, what cannot be read invalid, what is not there not found", () => {
  const b = bench();
  b.send("1", "access.grant", {});
  b.send("2", "refresh", { integration: 7 });
  b.send("3", "refresh", { integration: "zzz" });
  expect(b.results()).toMatchObject([
    { outcome: "unsupported", message: "This connector does not know the command access.grant." },
    { outcome: "failed", reason: "invalid" },
    { outcome: "failed", reason: "not_found", message: "This connector has no integration zzz." },
  ]);
  expect(b.looks).toEqual([]);
});

test("an integration is looked at no more than once in 5 s for each kind; who comes meanwhile gets that report", async () => {
  const b = bench();
  b.send("1", "refresh", { integration: "a" });
  await b.clock.advance(1_000);
  b.send("2", "refresh", { integration: "a" });
  b.send("3", "refresh", { integration: "a" });
  b.send("4", "integration.test", { integration: "a" });
  await b.clock.advance(10_000);
  expect(b.looks.map(({ asked, at }) => [asked, at])).toEqual([
    ["refresh", 0],
    ["test", 1_000],
    ["refresh", 5_000],
  ]);
  expect(b.results().length).toBe(4);
});

test("a refresh of the whole connector looks at all, and says at how many", async () => {
  const b = bench();
  b.send("k", "refresh", { integration: null });
  await b.clock.advance(200);
  expect(b.results()).toMatchObject([{ outcome: "succeeded", refreshed: 2, report: null }]);
  expect(b.told.filter(({ type }) => type === "command.progress").map(({ data }) => data)).toMatchObject([
    { integration: "a" },
    { integration: "b" },
  ]);
});

test("time is counted from receipt; what is cancelled says so; at most 16 run", async () => {
  const b = bench();
  b.lookMs = 20_000;
  b.send("late", "refresh", { integration: "a" }, { timeoutMs: 1_000 });
  b.send("gone", "refresh", { integration: "b" });
  b.commands.cancel("gone");
  b.commands.cancel("never heard of");
  await b.clock.advance(1_000);
  expect(b.results()).toMatchObject([
    { commandId: "gone", outcome: "cancelled" },
    { commandId: "late", outcome: "expired" },
  ]);
  for (let index = 0; index < 17; index += 1) b.send(`n${index}`, "integration.test", { integration: "a" });
  expect(b.results().at(-1)).toMatchObject({ commandId: "n16", outcome: "failed", reason: "too_soon" });
});

test("an unsaved item is judged before anything is looked up, and runs where the policy allows it", async () => {
  const path = "integrations[0].config.port";
  const invalid = bench([{ file: "", line: 1, column: 1, path, text: "is no port" }]);
  invalid.send("k", "integration.test", { item: { name: "x" } });
  await invalid.clock.advance(10);
  expect(invalid.results()).toMatchObject([{ reason: "config_invalid", message: "config.port: is no port" }]);
  const allowed = bench(tcpItem("x", 1));
  allowed.send("1", "integration.test", { item: { name: "x" } });
  allowed.send("2", "integration.test", { item: { name: "y" } });
  await allowed.clock.advance(4_999);
  expect(allowed.unsaved.length).toBe(1);
  await allowed.clock.advance(1);
  expect(allowed.unsaved.length).toBe(2);
  expect([invalid.unsaved, invalid.looks]).toEqual([[], []]);
});

test("the ledger remembers a thousand for a day", async () => {
  const b = bench();
  for (let index = 0; index < 3_000; index += 1) b.send(`k${index}`, "nothing", {});
  const before = b.told.length;
  b.send("k2999", "nothing", {});
  expect(b.told.length).toBe(before + 1);
  await b.clock.advance(86_400_001);
  b.send("k", "refresh", { integration: "a" });
  await b.clock.advance(200);
  await b.commands.close();
  expect(b.clock.sleeping).toBe(0);
});
