import type { MakeCounter } from "./metrics.ts";
import type { IntegrationsCounts } from "./sources/crd.ts";
import type { MakeGauge } from "./standing-gauges.ts";

/** What is counted of Integration resources. Gives what fills it at a scrape; nothing where none are followed. */
export function resourceMetrics(
  make: { readonly gauge: MakeGauge; readonly counter: MakeCounter },
  counts: () => IntegrationsCounts | undefined,
): () => void {
  const known = make.gauge("crd_integrations", "Integration resources, by what came of judging them.", [
    "verdict",
  ]);
  const troubles = make.gauge(
    "crd_troubles",
    "What cannot be done now: a namespace that is not followed, statuses or Events that are not written.",
  );
  const losses = make.counter(
    "informer_restarts_total",
    "Watches of resources that were lost, and begun anew with a list.",
    ["resource"],
  );
  const writes = make.counter(
    "crd_writes_total",
    "Statuses and Events of Integration resources, by how it went.",
    ["what", "result"],
  );
  return () => {
    for (const each of [known, troubles, losses, writes]) each.reset();
    const now = counts();
    if (now === undefined) return;
    known.set({ verdict: "valid" }, now.valid);
    known.set({ verdict: "invalid" }, now.invalid);
    troubles.set(now.troubles);
    losses.inc({ resource: "integrations" }, now.losses);
    for (const what of ["status", "events"] as const)
      for (const result of ["ok", "failed"] as const) writes.inc({ what, result }, now.written[what][result]);
  };
}
