import { expect, test } from "vitest";
import { connectorWords } from "../../src/control-plane/connector-words.ts";
import { connectorRow } from "./store/rows.ts";

const PLACE = {
  now: 60_000,
  publicUrl: "https://mooring.example",
  chart: "",
  lastHeartbeatAt: 0,
  duplicateMemoryMs: 0,
};
const PROCESS = { kind: "process", namespace: null, name: null, release: null } as const;

test("a plain process that falls silent is looked for as a process, a pod as a pod", () => {
  const row = connectorRow("one", { state: "unreachable", install: PROCESS });
  const { remedy } = connectorWords(row, PLACE);
  expect(remedy[0]).toEqual({
    text: "See whether its process runs, on the machine where it was started.",
    command: "pgrep -af 'mooring.* connector'",
  });
  expect(JSON.stringify(remedy)).not.toMatch(/\bpod\b|kubectl/);
  const helm = { kind: "helm", namespace: "mooring", name: "m", release: "m" } as const;
  const [first] = connectorWords({ ...row, install: helm }, PLACE).remedy;
  expect(first?.text).toBe("See whether its pod runs.");
});

test("a plain process that refused its configuration names the file as it was given", () => {
  const evidence = { problem: "conf/mooring.yaml:3:5: no such type" };
  const trouble = { reason: "config_invalid", evidence, at: 5 } as const;
  const row = connectorRow("one", { state: "connected", install: PROCESS, troubles: [trouble] });
  const told = connectorWords(row, PLACE);
  expect(told.remedy.map(({ command }) => command)).toEqual([null, "mooring check conf/mooring.yaml"]);
  expect(told.reasonSince).toBe(5);
});
