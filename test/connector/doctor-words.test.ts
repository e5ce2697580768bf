import { expect, test } from "vitest";
import { ofControlPlane } from "../../src/connector/doctor-words.ts";
import { type ReasonCode, reasonRow, REASONS, type Step } from "../../src/protocol/reasons.ts";
import type { Report } from "../../src/protocol/report.ts";

const reportWith = (texts: readonly string[], state: Report["state"] = "error"): Report => ({
  ...{
    name: "control-plane",
    type: "http",
    address: "https://mooring.example/",
    state,
    source: "configured",
  },
  ...{ stage: "tls", condition: "integration_unreachable", reason: "certificate_untrusted", blockedBy: null },
  ...{ message: "Integration control-plane is unreachable.", cause: null, path: [], stages: [] },
  ...{ findings: [], coverage: [] },
  remedy: texts.map((text) => ({ text, command: null })),
});
const told = (...texts: string[]): string[] =>
  ofControlPlane(reportWith(texts)).remedy.map(({ text }) => text);

test("speaks of the control plane and its options", () => {
  expect(ofControlPlane(reportWith([])).message).toBe("The control plane is unreachable.");
  expect(
    told(
      "Name the issuer's certificate as config.tls.ca of control-plane.",
      "Issue the certificate for mooring.example, or set config.tls.serverName to a name that it has.",
      "Write the address of control-plane as https://127.0.0.1:7480/.",
      "If it must stay without encryption, write the address of control-plane as http://127.0.0.1:7480/.",
      "If it must stay without encryption, write the address of control-plane as http://mooring.example/.",
      "If it is meant to be this slow, give control-plane a longer timeout.",
      "Renew the certificate on the server and have the server load it.",
    ),
  ).toEqual([
    "Name the issuer's certificate with --ca FILE.",
    "Issue the certificate for mooring.example, or write --control-plane with a name that it has.",
    "Write --control-plane https://127.0.0.1:7480.",
    "Write --control-plane http://127.0.0.1:7480.",
    "Renew the certificate on the server and have the server load it.",
  ]);
});

test("no step of any reason on the way speaks of an integration or its configuration", () => {
  const codes = Object.keys(REASONS) as ReasonCode[];
  const stages = ["resolve", "connect", "tls", "respond"];
  const steps = codes
    .map((code) => reasonRow(code))
    .filter(({ stage }) => stages.includes(stage))
    .flatMap(({ remedy = [] }) => remedy)
    .flatMap((entry): readonly Step[] => ("text" in entry ? [entry] : entry));
  expect(steps.length).toBeGreaterThan(20);
  const texts = told(
    ...steps.map(({ text }) =>
      text.replaceAll("{integration}", "control-plane").replaceAll(/\{(\w+)\}/g, "$1"),
    ),
  );
  for (const text of texts) expect(text).not.toMatch(/config\.|(?<!--)\bcontrol-plane\b/);
});
