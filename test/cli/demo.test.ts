import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import type { Report } from "../../src/protocol/report.ts";
import { mooring } from "./run.ts";

test("mooring demo checks real targets, each failing in a way of its own, and leaves nothing behind", async () => {
  const left = async (): Promise<string[]> =>
    (await readdir(tmpdir())).filter((name) => name.startsWith("mooring-demo-"));
  const before = await left();
  const { code, stdout, stderr } = await mooring(["demo", "--json"]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const reports = JSON.parse(stdout) as Report[];
  const reasons = Object.fromEntries(reports.map(({ name, state, reason }) => [name, reason ?? state]));
  expect(reasons).toEqual({
    shop: "online",
    cache: "online",
    search: "connection_refused",
    billing: "credentials_rejected",
    stock: "response_timeout",
    mail: "protocol_mismatch",
    archive: expect.stringMatching(/^dns_/) as string,
    gateway: "online",
    partner: "certificate_expired",
    webhooks: "certificate_expiring",
    legacy: "certificate_untrusted",
    "orders-db": "online",
    "reports-db": "credentials_rejected",
    "ledger-db": "database_not_found",
    "audit-db": "permission_denied",
    "crm-db": "account_locked",
    "users-db": "secret_not_found",
    "events-db": "secret_field_missing",
  });
  expect((await left()).filter((name) => !before.includes(name))).toEqual([]);
});
