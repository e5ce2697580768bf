import { expect, test } from "vitest";
import { OpenCommands } from "../../src/control-plane/open-commands.ts";
import { commandRow } from "./store/rows.ts";

test.each([
  ["20 s ago", 20_000, 40_000],
  ["in an hour, by a clock that was set back since", -3_600_000, 60_000],
])("a command that was asked for %s keeps no more than its time after a restart", (_when, ago, left) => {
  const open = new OpenCommands();
  const now = 1_000_000_000;
  const createdAt = now - ago;
  open.add(commandRow("k", "c", { createdAt, deadlineAt: createdAt + 60_000 }), { now, tick: 500 });
  expect(open.get("c", "k")?.deadline).toBe(500 + left);
});
