import { expect, test } from "vitest";
import { fold, pending, type Status } from "../../../src/connector/status.ts";
import type { Report } from "../../../src/protocol/report.ts";

function report(more: Partial<Report>): Report {
  return {
    name: "orders-db",
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
    stages: [],
    ...more,
  };
}
const online = report({});
const refused = report({
  state: "error",
  condition: "integration_unreachable",
  stage: "connect",
  reason: "connection_refused",
});
const rejected = report({
  state: "error",
  condition: "secret_invalid",
  stage: "authenticate",
  reason: "credentials_rejected",
});

/** Folds scheduled looks, one a second, and gives the states and reasons that were told. */
function told(looks: readonly Report[], failureThreshold = 2, scheduled = true): (string | null)[] {
  let status: Status = pending(0);
  return looks.flatMap((look, index) => {
    const [next, change] = fold(status, { report: look, scheduled, failureThreshold }, index * 1000);
    status = next;
    return change === undefined ? [] : [change.report.reason ?? change.report.state];
  });
}

test("a network failure of a scheduled look is told once it came twice in a row", () => {
  expect(told([online, refused, online, refused, refused, online])).toEqual([
    "online",
    "connection_refused",
    "online",
  ]);
  expect(told([online, refused, refused, refused], 3)).toEqual(["online", "connection_refused"]);
  expect(told([online, refused], 1)).toEqual(["online", "connection_refused"]);
});

test("every other stage, the first look and one that was asked for are told at once", () => {
  expect(told([online, rejected])).toEqual(["online", "credentials_rejected"]);
  expect(told([refused])).toEqual(["connection_refused"]);
  expect(told([online, refused], 2, false)).toEqual(["online", "connection_refused"]);
});

test("a doubt is over once another stage failed or anything passed", () => {
  expect(told([online, refused, rejected, online, refused, online])).toEqual([
    "online",
    "credentials_rejected",
    "online",
  ]);
});

test("codes are compared, never words; since stays, and what stood before is told", () => {
  const [first] = fold(pending(0), { report: refused, scheduled: true, failureThreshold: 2 }, 10);
  const otherWords = { ...refused, cause: "another", message: "another" };
  const [second, none] = fold(first, { report: otherWords, scheduled: true, failureThreshold: 2 }, 20);
  expect(none).toBeUndefined();
  expect(second).toMatchObject({ told: otherWords, since: 10, checkedAt: 20, doubts: 0 });
  const [third, change] = fold(second, { report: online, scheduled: true, failureThreshold: 2 }, 30);
  expect(third.since).toBe(30);
  expect(change).toEqual({
    report: online,
    previous: {
      state: "error",
      condition: "integration_unreachable",
      stage: "connect",
      reason: "connection_refused",
    },
    observedAt: 30,
  });
});

test("one failure that turns into another is told at once", () => {
  const timeout = { ...refused, reason: "connect_timeout" as const };
  expect(told([refused, timeout])).toEqual(["connection_refused", "connect_timeout"]);
});

test("what was seen beside the codes is told again where it changed, and once a minute at most", () => {
  const seeing = (text: string): Report => ({
    ...refused,
    findings: [{ subject: "Pod", verdict: "failed", text }],
  });
  const look = (report: Report) => ({ report, scheduled: true, failureThreshold: 1 });
  const [first] = fold(pending(0), look(seeing("it is Pending")), 0);
  const crashing = seeing("container a ends again and again (1 restarts)");
  expect(fold(first, look(crashing), 59_999)[1]).toBeUndefined();
  const [second, told] = fold(first, look(crashing), 60_000);
  expect(told).toMatchObject({ report: crashing, sightsOnly: true, observedAt: 60_000 });
  expect(second.since).toBe(0);
  // A count is no news.
  const again = seeing("container a ends again and again (9 restarts)");
  expect(fold(second, look(again), 600_000)[1]).toBeUndefined();
});
