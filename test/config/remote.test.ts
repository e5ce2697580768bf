import { describe, expect, test } from "vitest";
import { check } from "../../src/connector/check.ts";
import { systemClock } from "../../src/connector/clock.ts";
import { judgeRemoteItem } from "../../src/connector/config/remote.ts";
import type { Network } from "../../src/connector/dial/network.ts";
import { INTEGRATION_TYPES } from "../../src/connector/integrations/index.ts";
import type { RemotePolicy } from "../../src/connector/item.ts";
import type { Report } from "../../src/protocol/report.ts";
import { SECRET_STORES } from "../../src/connector/secrets/index.ts";
import type { SecretStoreType } from "../../src/connector/secrets/secret-store.ts";

/** A store that is not this machine's own; whoever reads it is found out. */
const elsewhere: SecretStoreType = {
  ...SECRET_STORES[1]!,
  type: "elsewhere",
  open: () => ({ read: () => Promise.reject(new Error("a secret was read")) }),
};
const KINDS = {
  types: INTEGRATION_TYPES,
  stores: [...SECRET_STORES, elsewhere],
  environment: {},
  opened: new Map(),
};

/** A place where every look-up and every dial is a failure of the test. */
const nowhere: Network = {
  resolver: () => Promise.reject(new Error("a name was looked up")),
  policy: () => {
    throw new Error("an address was judged");
  },
  trust: () => Promise.reject(new Error("a file was read")),
  environment: {},
};

async function told(item: unknown, policy: Partial<RemotePolicy>): Promise<Report> {
  const judged = await judgeRemoteItem(item, { targets: [], secrets: [], ...policy }, KINDS);
  if (!("type" in judged)) throw new Error(JSON.stringify(judged));
  expect(judged.source).toBe("remote");
  return check(judged, { clock: systemClock, network: nowhere });
}

const tcp = (host: string, port = 5432) => ({ name: "x", type: "tcp", config: { host, port } });
const db = (config: object, secret: object = { store: "elsewhere", variable: "MOORING_SECRET_X" }) => ({
  name: "x",
  type: "postgresql",
  config: { host: "db.data.svc", database: "d", ...config },
  secret,
});
const TARGETS = { targets: ["*.data.svc:5432"] };
const RULE = { store: "elsewhere", name: "MOORING_SECRET_X", targets: ["*.data.svc:5432"] };
const FORBIDDEN = { state: "error", reason: "policy_forbidden" };

describe("what the control plane sends is judged by the local policy, before anything is looked up", () => {
  test("nothing is allowed by default", async () => {
    const report = await told(tcp("db.data.svc"), {});
    expect(report).toMatchObject({ ...FORBIDDEN, stage: "resolve", condition: "integration_unreachable" });
    expect(report.message).toBe("Integration x is unreachable.");
    expect(report.cause).toContain("db.data.svc:5432");
    expect(report.remedy[0]?.text).toContain("policy.remote.targets");
  });

  test.each([
    ["another port", tcp("db.data.svc", 22)],
    ["another domain", tcp("db.data.svc.evil.example")],
    ["an address in decimal", tcp("2852039166")],
  ])("%s", async (_, item) => {
    expect(await told(item, TARGETS)).toMatchObject({ ...FORBIDDEN, stage: "resolve" });
  });

  test("an address counts in its plain form, however it is written", async () => {
    const judged = await judgeRemoteItem(
      tcp("2130706433", 1),
      { targets: ["127.0.0.1:1"], secrets: [] },
      KINDS,
    );
    expect("type" in judged && judged.forbidden).toBeUndefined();
  });

  test("a target is not its secret: that has a rule of its own", async () => {
    const report = await told(db({}), TARGETS);
    expect(report).toMatchObject({ ...FORBIDDEN, stage: "secret", condition: "secret_unreachable" });
    const other = { ...RULE, targets: ["other.data.svc:5432"] };
    expect(await told(db({}), { ...TARGETS, secrets: [other] })).toMatchObject({
      ...FORBIDDEN,
      stage: "secret",
    });
  });

  test("the stores of this machine are the local file's alone, whatever the rules say", async () => {
    const rule = { store: "env", name: "MOORING_SECRET_X", targets: ["*:*"] };
    const item = db({}, { store: "env", variable: "MOORING_SECRET_X" });
    expect(await told(item, { targets: ["*:*"], secrets: [rule] })).toMatchObject({
      ...FORBIDDEN,
      stage: "secret",
    });
  });

  test("no secret leaves without verified encryption", async () => {
    const policy = { ...TARGETS, secrets: [RULE] };
    for (const mode of ["require", "disable"]) {
      expect(await told(db({ tls: { mode } }), policy)).toMatchObject({ ...FORBIDDEN, stage: "secret" });
    }
  });

  test("a file of the connector and a proxy are barred, and neither is opened", async () => {
    const policy = { ...TARGETS, secrets: [RULE] };
    expect(await told(db({ tls: { ca: "/etc/passwd" } }), policy)).toMatchObject({
      ...FORBIDDEN,
      stage: "resolve",
    });
    expect(await told(db({ proxy: "http://evil.example:1" }), policy)).toMatchObject({
      ...FORBIDDEN,
      stage: "resolve",
    });
  });

  test("what is allowed is looked at", async () => {
    const judged = await judgeRemoteItem(db({}), { ...TARGETS, secrets: [RULE] }, KINDS);
    expect("type" in judged && judged.forbidden).toBeUndefined();
  });

  test("what is no item is told like a file's problems", async () => {
    const judged = await judgeRemoteItem(
      { name: "x", type: "tpc", config: {} },
      { targets: [], secrets: [] },
      KINDS,
    );
    expect(judged).toMatchObject([{ path: "integrations[0].type" }]);
    for (const junk of [null, 5, "x", [], { name: "x" }]) {
      expect(await judgeRemoteItem(junk, { targets: [], secrets: [] }, KINDS)).toBeInstanceOf(Array);
    }
  });
});
