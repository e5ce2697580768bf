import { describe, expect, test } from "vitest";
import { camelCase, conditionsOf, invalidOf } from "../../../src/connector/crd/conditions.ts";
import { asSeen, saysSame, type Status, statusOf } from "../../../src/connector/crd/status.ts";
import { REASONS } from "../../../src/protocol/reasons.ts";
import type { Report } from "../../../src/protocol/report.ts";
import { ended, report } from "./parts.ts";

/** `Ready=True Online` … */
const told = (one: Report, discovers = true): string[] =>
  conditionsOf(one, discovers).map(({ type, status, reason }) => `${type}=${status} ${reason}`);

describe("what a report says of a resource", () => {
  test("online", () => {
    expect(told(report())).toEqual([
      "Ready=True Online",
      "Reachable=True Passed",
      "SecretReady=True Passed",
      // Nothing was discovered: a skipped check is no pass.
      "Discovered=Unknown NotChecked",
    ]);
    expect(conditionsOf(report(), true)[3]?.message).toBe("Not checked: it was not tried.");
    expect(conditionsOf(report(), true)[1]?.message).toBe("Passed: resolve, connect, tls, respond.");
  });

  test("the network", () => {
    expect(told(ended("connect", "connection_refused", "integration_unreachable"))).toEqual([
      "Ready=False ConnectionRefused",
      "Reachable=False ConnectionRefused",
      "SecretReady=Unknown NotChecked",
      "Discovered=Unknown NotChecked",
    ]);
  });

  test("the secret, before the server said a word", () => {
    const one = ended("secret", "secret_not_found", "secret_unreachable");
    expect(told(one)).toEqual([
      "Ready=False SecretNotFound",
      "Reachable=Unknown NotChecked",
      "SecretReady=False SecretNotFound",
      "Discovered=Unknown NotChecked",
    ]);
    const [ready, reachable] = conditionsOf(one, true);
    expect(ready?.message).toBe("It does not work. Because of secret_not_found.");
    expect(reachable?.message).toBe(
      "Passed: resolve, connect, tls. Not checked: respond: the check ended at secret (secret_not_found).",
    );
  });

  test("a login, a right, an address that is not let in", () => {
    expect(told(ended("authenticate", "credentials_rejected", "secret_invalid"))).toEqual([
      "Ready=False CredentialsRejected",
      "Reachable=True Passed",
      "SecretReady=False CredentialsRejected",
      "Discovered=Unknown NotChecked",
    ]);
    expect(told(ended("authorize", "permission_denied", "discovery_failed"))).toEqual([
      "Ready=False PermissionDenied",
      "Reachable=True Passed",
      "SecretReady=True Passed",
      "Discovered=False PermissionDenied",
    ]);
    expect(told(ended("authenticate", "source_address_denied", "integration_unreachable"))).toEqual([
      "Ready=False SourceAddressDenied",
      "Reachable=False SourceAddressDenied",
      "SecretReady=Unknown NotChecked",
      "Discovered=Unknown NotChecked",
    ]);
  });

  test("a warning is a pass with its reason, where it belongs", () => {
    const one = report({
      state: "warning",
      stage: "tls",
      reason: "certificate_expiring",
      cause: "It ends soon.",
    });
    expect(told(one, false)).toEqual([
      "Ready=True CertificateExpiring",
      "Reachable=True CertificateExpiring",
      "SecretReady=True Passed",
    ]);
  });

  test("what is suspended is unknown", () => {
    const one = report({ state: "unknown", reason: "suspended", stages: [], path: ["resolve", "connect"] });
    expect(told(one, false)).toEqual(["Ready=Unknown Suspended", "Reachable=Unknown Suspended"]);
  });

  test("every code is a reason that metav1.Condition takes", () => {
    for (const code of Object.keys(REASONS))
      expect(camelCase(code)).toMatch(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/);
    expect(camelCase("tls_unverified")).toBe("TlsUnverified");
  });

  test("words are bounded and cannot break a line", () => {
    const [ready] = invalidOf(`spec: \u001b[31m${"x".repeat(5000)}`);
    expect(ready?.message).toHaveLength(1024);
    expect(ready?.message).not.toContain("\u001b");
  });
});

describe("a status", () => {
  const at = Date.UTC(2026, 0, 2, 3, 4, 5);
  const make = (one: Report, generation: number, after: number, before?: Status): Status =>
    statusOf(
      {
        said: conditionsOf(one, false),
        generation,
        at: at + after,
        checkedAt: at + after,
        remedy: one.remedy,
      },
      before && asSeen(before),
    );

  test("a condition's time moves where its status does, and not with its reason", () => {
    const first = make(ended("connect", "connection_refused", "integration_unreachable"), 1, 0);
    const second = make(ended("connect", "connect_timeout", "integration_unreachable"), 2, 60_000, first);
    expect(second.conditions[0]).toMatchObject({
      reason: "ConnectTimeout",
      lastTransitionTime: "2026-01-02T03:04:05Z",
      observedGeneration: 2,
    });
    const third = make(report(), 2, 120_000, second);
    expect(third.conditions[0]?.lastTransitionTime).toBe("2026-01-02T03:06:05Z");
    expect(third.lastCheckTime).toBe("2026-01-02T03:06:05Z");
  });

  test("says the same where codes and generation do, whatever the words and times", () => {
    const first = make(ended("connect", "connection_refused", "integration_unreachable"), 1, 0);
    const other = { ...ended("connect", "connection_refused", "integration_unreachable"), cause: "10.0.0.8" };
    expect(saysSame(asSeen(first), make(other, 1, 60_000, first))).toBe(true);
    expect(saysSame(asSeen(first), make(other, 2, 60_000, first))).toBe(false);
    expect(saysSame(asSeen(first), make(report(), 1, 60_000, first))).toBe(false);
    const stalled = {
      ...first,
      conditions: [...first.conditions, { ...first.conditions[0]!, type: "Stalled" }],
    };
    expect(saysSame(asSeen(stalled), make(other, 1, 0, first))).toBe(false);
  });

  test("carries the first steps of the remedy, commands where there are any", () => {
    const remedy = Array.from({ length: 20 }, (_, index) => ({
      text: `${index}`,
      command: index === 0 ? "ls" : null,
    }));
    const { remedy: steps } = make(report({ remedy }), 1, 0);
    expect(steps).toHaveLength(8);
    expect(steps?.slice(0, 2)).toEqual([{ text: "0", command: "ls" }, { text: "1" }]);
  });
});
