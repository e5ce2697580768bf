import { Metrics as ConnectorMetrics } from "../../src/connector/metrics.ts";
import { Metrics as ControlPlaneMetrics } from "../../src/control-plane/metrics.ts";

type Watched = Parameters<ControlPlaneMetrics["watch"]>[0];

/** Nothing is read while metrics are described. */
const nothing = {} as Watched;

/** docs/metrics.md: every metric of both programs. */
export async function metricsPage(): Promise<string> {
  const connector = new ConnectorMetrics({
    version: "0",
    stands: () => [],
    outbox: () => ({ events: 0, coalesced: 0, dropped: 0 }),
    isConnected: () => false,
    secrets: () => [],
    leads: () => true,
    resources: () => undefined,
    lagSeconds: () => 0,
  });
  const controlPlane = new ControlPlaneMetrics();
  controlPlane.watch(nothing);
  const own = controlPlane.registry.getMetricsAsArray().map(({ name, help }) => `| \`${name}\` | ${help} |`);
  return [
    "# Metrics",
    "",
    "Printed from the code. Both programs serve them at `/metrics`, in the Prometheus text format.",
    "",
    "## Connector",
    "",
    "| metric | what |",
    "|---|---|",
    ...helps(await connector.text()),
    "",
    "## Control plane",
    "",
    "| metric | what |",
    "|---|---|",
    ...own.toSorted(),
    "",
  ].join("\n");
}

function helps(text: string): string[] {
  return [...text.matchAll(/^# HELP (\S+) (.*)$/gm)]
    .map(([, name, help]) => `| \`${name}\` | ${help} |`)
    .toSorted();
}
