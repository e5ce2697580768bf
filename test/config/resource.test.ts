import { describe, expect, test } from "vitest";
import { check } from "../../src/connector/check.ts";
import { systemClock } from "../../src/connector/clock.ts";
import { judgeConfiguration } from "../../src/connector/config/config.ts";
import type { Stores } from "../../src/connector/config/context.ts";
import { judgeIntegrationResource } from "../../src/connector/config/resource.ts";
import type { Network } from "../../src/connector/dial/network.ts";
import type { Configuration, Item, Problem } from "../../src/connector/item.ts";
import type { Report } from "../../src/protocol/report.ts";
import { kinds } from "../fake/secret.ts";

/** A place where every look-up and every dial is a failure of the test. */
const nowhere: Network = {
  resolver: () => Promise.reject(new Error("a name was looked up")),
  policy: () => {
    throw new Error("an address was judged");
  },
  trust: () => Promise.reject(new Error("a file was read")),
  environment: {},
};

async function configured(text = "integrations: []"): Promise<Configuration> {
  const loaded = await judgeConfiguration("m.yaml", text, kinds());
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.configuration;
}

async function judged(spec: unknown, text?: string, name = "orders"): Promise<Item | readonly Problem[]> {
  const { crd, stores } = await configured(text);
  return judgeIntegrationResource({ namespace: "data", name, spec }, crd, kinds(), stores as Stores);
}

async function told(spec: unknown, text?: string): Promise<Report> {
  const item = await judged(spec, text);
  if (!("type" in item)) throw new Error(JSON.stringify(item));
  expect(item).toMatchObject({ name: "orders.data", source: "crd" });
  return check(item, { clock: systemClock, network: nowhere });
}

async function allowed(spec: unknown, text?: string): Promise<Item> {
  const item = await judged(spec, text);
  if (!("type" in item)) throw new Error(JSON.stringify(item));
  expect(item.forbidden).toBeUndefined();
  return item;
}

const db = (config: object = {}, secret: object = {}): object => ({
  type: "postgresql",
  config: { host: "orders.data.svc", database: "d", ...config },
  secret: { store: "kubernetes", name: "orders", ...secret },
});
const tcp = (host: string, port = 1): object => ({ type: "tcp", config: { host, port } });
const crd = (policy: string, more = ""): string => `integrations: []\npolicy: {crd: ${policy}}\n${more}`;
const FORBIDDEN = { state: "error", reason: "policy_forbidden" };

describe("an Integration resource is judged by the local policy, before anything is looked up", () => {
  test("by default it stays within its own namespace", async () => {
    const item = await allowed(db());
    expect(item.secret).toMatchObject({ store: "kubernetes", name: "data/orders" });
    await allowed(db({}, { namespace: "data" }));
    await allowed(tcp("x.orders.data.svc.", 65_535));
  });

  test.each([
    "https://metrics.internal:8443",
    "http://127.0.0.1:15000",
    "https://kv.vault.azure.net.evil.example",
  ])("by a store whose references name a host it may not reach %s", async (vault) => {
    const stores = "secretStores: [{name: kv, type: azure}]";
    const secret = { store: "kv", namespace: undefined, vault };
    const report = await told(
      db({}, secret),
      crd('{stores: [kv], targets: ["*.{namespace}.svc:*"]}', stores),
    );
    expect(report).toMatchObject({ ...FORBIDDEN, stage: "secret" });
    expect(report.cause).toContain(new URL(vault).host);
    await allowed(
      db({}, { ...secret, vault: "https://kv.vault.azure.net" }),
      crd('{stores: [kv], targets: ["*.{namespace}.svc:*"]}', stores),
    );
  });

  test.each([
    "orders.web.svc",
    "orders",
    "orders.data",
    "orders.data.svc.evil.example",
    "data.svc",
    "10.0.0.1",
  ])("it may not name %s", async (host) => {
    const report = await told(tcp(host));
    expect(report).toMatchObject({ ...FORBIDDEN, stage: "resolve", condition: "integration_unreachable" });
    expect(report.cause).toBe(`The connector's own policy does not let a resource make it dial ${host}:1.`);
    expect(report.remedy.map(({ text }) => text)).toEqual([
      `Write a Service of this namespace as NAME.data.svc; if ${host}:1 is meant, have it listed under policy.crd.targets in the connector's own configuration file.`,
    ]);
  });

  test("a Secret of another namespace is never read, whatever the policy says", async () => {
    const report = await told(db({}, { namespace: "web" }), crd('{targets: ["*:*"]}'));
    expect(report).toMatchObject({ ...FORBIDDEN, stage: "secret", condition: "secret_unreachable" });
    expect(report.message).toBe("Secret web/orders is unreachable.");
    expect(report.cause).toContain("the Secret web/orders is not one of its own namespace data");
    expect(report.remedy[0]?.text).toMatch(/^Name a Secret of namespace data instead of web\/orders: /);
  });

  test("nor by a store of another name that reads Secrets", async () => {
    const stores = "secretStores: [{name: k8s, type: kubernetes}]";
    const policy = crd("{stores: [k8s]}", stores);
    expect(await told(db({}, { store: "k8s", namespace: "web" }), policy)).toMatchObject(FORBIDDEN);
    expect((await allowed(db({}, { store: "k8s" }), policy)).secret?.name).toBe("data/orders");
    expect(await told(db(), policy)).toMatchObject({ ...FORBIDDEN, stage: "secret" });
  });

  test.each([
    ["env", { store: "env", variable: "MOORING_SECRET_X", name: undefined }],
    ["file", { store: "file", path: "/x", name: undefined }],
    ["a file by another name", { store: "mine", path: "/x", name: undefined }],
  ])("the stores of this machine are the local file's alone: %s", async (_, secret) => {
    const policy = crd("{stores: [env, file, mine]}", "secretStores: [{name: mine, type: file}]");
    const report = await told(db({}, secret), policy);
    expect(report).toMatchObject({ ...FORBIDDEN, stage: "secret" });
    expect(report.cause).toContain("is for the local file alone");
  });

  test("a store that is not listed, a file of the connector, a proxy, no verified encryption", async () => {
    const cases: [object, string][] = [
      [
        db({}, { store: "aws", id: "x", name: undefined }),
        "the store aws is not listed under policy.crd.stores",
      ],
      [db({ tls: { ca: "/etc/passwd" } }), "config.tls.ca names a file of the connector"],
      [db({ proxy: "http://evil.example:1" }), "config.proxy names a way around the policy"],
      [db({ tls: { mode: "require" } }), "without verified encryption"],
      [
        { type: "http", config: { url: "http://a.data.svc/" }, secret: { store: "kubernetes", name: "t" } },
        "without verified encryption",
      ],
    ];
    for (const [spec, words] of cases) {
      const report = await told(spec);
      expect(report).toMatchObject(FORBIDDEN);
      expect(report.cause).toContain(words);
    }
  });

  test("what the policy lists instead is the whole of it", async () => {
    const policy = crd('{targets: ["db.{namespace}.example:5432"]}');
    await allowed(tcp("db.data.example", 5432), policy);
    expect(await told(tcp("db.web.example", 5432), policy)).toMatchObject(FORBIDDEN);
    expect(await told(tcp("orders.data.svc"), policy)).toMatchObject(FORBIDDEN);
  });

  test("the digest changes with the policy's verdict, and not with another's spec", async () => {
    const spec = tcp("db.web.svc", 5432);
    const one = (await judged(spec)) as Item;
    expect(((await judged(spec)) as Item).digest).toBe(one.digest);
    expect(((await judged(spec, crd('{targets: ["*:*"]}'))) as Item).digest).not.toBe(one.digest);
  });

  test.each<[unknown, string, string]>([
    [{ ...tcp("a.data.svc"), name: "x" }, "spec.name", "is not known"],
    [{ type: "tcp", config: { host: "x", hots: "x", port: 1 } }, "spec.config.hots", 'did you mean "host"?'],
    [{ ...tcp("a.data.svc"), timeout: "2m" }, "spec.timeout", "must be a duration from 1s to 60s"],
    [{ type: "tpc", config: {} }, "spec.type", 'did you mean "tcp"?'],
    [db({}, { namespace: 5 }), "spec.secret.namespace", "must be a text"],
    [undefined, "spec", "is missing"],
    ["x", "spec", "is missing"],
  ])("%j is told at its place", async (spec, path, words) => {
    expect(await judged(spec)).toMatchObject([{ path, text: expect.stringContaining(words) as string }]);
  });

  test("a name that no integration can have is told", async () => {
    expect(await judged(tcp("a.data.svc"), undefined, "a.b")).toMatchObject([{ path: "metadata.name" }]);
  });
});
