import type { Item } from "../../../src/connector/item.ts";
import { ApiFailure } from "../../../src/connector/kubernetes/api-failure.ts";
import type { Which } from "../../../src/connector/crd/resource.ts";
import type { Report } from "../../../src/protocol/report.ts";
import { tcpItem } from "../session/harness.ts";

/** A resource of the namespace data. */
export function which(name = "a", generation = 1, uid = `uid of ${name}`): Which {
  return { namespace: "data", name, uid, generation };
}

/** What the API server says no with. */
export function refusal(status: number, retryAfterMs?: number): ApiFailure {
  return new ApiFailure("refused", { status }, { refusal: { status, code: "", retryAfterMs } });
}

export function crdItem(name: string, digest: string): Item {
  return { ...tcpItem(name, 1), source: "crd", digest };
}

/** A report of a PostgreSQL, online unless it is said otherwise. */
export function report(said: Partial<Report> = {}): Report {
  const path = ["resolve", "connect", "tls", "secret", "respond", "authenticate", "authorize"] as const;
  return {
    name: "a.data",
    type: "postgresql",
    state: "online",
    condition: null,
    stage: null,
    reason: null,
    message: "Integration a.data is online.",
    cause: null,
    remedy: [],
    coverage: [],
    address: "a.data.svc:5432/a",
    blockedBy: null,
    findings: [],
    path: [...path],
    stages: path.map((stage) => ({ stage, ok: true, ms: 1 })),
    ...said,
  };
}

/** A report that ended at this stage. */
export function ended(
  stage: Report["path"][number],
  reason: NonNullable<Report["reason"]>,
  condition: Report["condition"],
): Report {
  const { path } = report();
  const walked = path.slice(0, path.indexOf(stage) + 1);
  const stages = walked.map((each) => ({ stage: each, ok: each !== stage, ms: 1 }));
  const words = { message: "It does not work.", cause: `Because of ${reason}.` };
  return report({ state: "error", stage, reason, condition, stages, ...words });
}
