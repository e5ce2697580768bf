import { Gauge, Registry } from "prom-client";
import { expect, test } from "vitest";
import { Standing } from "../../src/connector/standing.ts";
import { standingGauges } from "../../src/connector/standing-gauges.ts";
import { ended } from "./crd/parts.ts";
import { tcpItem } from "./session/harness.ts";

test("an integration beyond those that have series of their own is told as one of the others", async () => {
  const registry = new Registry();
  const standing = new Standing();
  const items = Array.from({ length: 1_002 }, (_, index) => tcpItem(`a-${index}`, 1));
  standing.replace(items, 0);
  const fill = standingGauges(
    (name, help, labels = []) => new Gauge({ name, help, labelNames: [...labels], registers: [registry] }),
    () => standing.all(),
    () => undefined,
  );
  const last = items[1_001] ?? tcpItem("none", 1);
  const report = ended("connect", "connection_refused", "integration_unreachable");
  standing.record(last, { report, scheduled: false, failureThreshold: 1 }, 0);
  fill();
  const lines = (await registry.metrics()).split("\n");
  expect(lines).toContain(
    'integration_condition{integration="_other",condition="integration_unreachable"} 1',
  );
  expect(lines).toContain('integration_condition{integration="_other",condition="secret_invalid"} 0');
  expect(lines).toContain('integration_up{integration="_other"} 0');
  expect(lines).toContain("metrics_overflow 1");
  expect(lines.filter((line) => line.startsWith("integration_up{"))).toHaveLength(1_001);
});
