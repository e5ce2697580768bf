import { Gauge, Registry } from "prom-client";
import { expect, test } from "vitest";
import { Standing } from "../../src/connector/standing.ts";
import type { Item } from "../../src/connector/item.ts";
import { standingGauges } from "../../src/connector/standing-gauges.ts";
import type { Report } from "../../src/protocol/report.ts";
import { ended } from "./crd/parts.ts";
import { tcpItem } from "./session/harness.ts";

interface Gauges {
  readonly standing: Standing;
  /** What would be scraped, line by line. */
  readonly lines: () => Promise<readonly string[]>;
}

function gaugesOf(items: readonly Item[]): Gauges {
  const registry = new Registry();
  const standing = new Standing();
  standing.replace(items, 0);
  const fill = standingGauges(
    (name, help, labels = []) => new Gauge({ name, help, labelNames: [...labels], registers: [registry] }),
    () => standing.all(),
    () => undefined,
  );
  const lines = async (): Promise<readonly string[]> => {
    fill();
    return (await registry.metrics()).split("\n");
  };
  return { standing, lines };
}

test("an integration beyond those that have series of their own is told as one of the others", async () => {
  const items = Array.from({ length: 1_002 }, (_, index) => tcpItem(`a-${index}`, 1));
  const { standing, lines } = gaugesOf(items);
  const last = items[1_001] ?? tcpItem("none", 1);
  const report = ended("connect", "connection_refused", "integration_unreachable");
  standing.record(last, { report, scheduled: false, failureThreshold: 1 }, 0);
  const scraped = await lines();
  expect(scraped).toContain(
    'integration_condition{integration="_other",condition="integration_unreachable"} 1',
  );
  expect(scraped).toContain('integration_condition{integration="_other",condition="secret_invalid"} 0');
  expect(scraped).toContain('integration_up{integration="_other"} 0');
  expect(scraped).toContain("metrics_overflow 1");
  expect(scraped.filter((line) => line.startsWith("integration_up{"))).toHaveLength(1_001);
});

test("of the integrations that one secret keeps from working, the first is not blocked: one trouble, one alert", async () => {
  const items = ["shares-1", "shares-2", "alone", "shares-3", "well"].map((name) => tcpItem(name, 1));
  const { standing, lines } = gaugesOf(items);
  const failed = ended("secret", "store_unreachable", "secret_unreachable");
  const shared: Report = { ...failed, blockedBy: { kind: "secret", id: "s-1" } };
  const reports = [shared, shared, failed, shared, undefined];
  const tell = (item: Item, report: Report): unknown =>
    standing.record(item, { report, scheduled: false, failureThreshold: 1 }, 0);
  for (const [index, report] of reports.entries())
    if (report !== undefined) tell(items[index] as Item, report);
  const blocked = async (): Promise<readonly string[]> =>
    (await lines()).filter((line) => /^integration_blocked\{.*\} 1$/.test(line));

  expect(await blocked()).toEqual([
    'integration_blocked{integration="shares-2"} 1',
    'integration_blocked{integration="shares-3"} 1',
  ]);

  tell(items[0] as Item, ended("connect", "connection_refused", "integration_unreachable"));
  expect(await blocked()).toEqual(['integration_blocked{integration="shares-3"} 1']);
});
