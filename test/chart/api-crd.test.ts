/** The CRD as a real kube-apiserver takes it: schema, CEL, columns. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, canRunApi, startApi } from "../cluster/api.ts";
import { chartPath, whyNoHelm } from "./helm.ts";

const why = whyNoHelm ?? canRunApi();
const skipped = why === undefined ? "" : ` (skipped: ${why})`;

describe.skipIf(why !== undefined)(`the CRD on a kube-apiserver${skipped}`, () => {
  let api: Api;
  const PLACE = "/apis/mooring.dev/v1alpha1/namespaces/data/integrations";
  const config = { host: "h", port: 1 };
  const post = (spec: object, query = "?dryRun=All"): Promise<{ status: number; body: unknown }> =>
    api.call("POST", `${PLACE}${query}`, {
      body: { apiVersion: "mooring.dev/v1alpha1", kind: "Integration", metadata: { name: "a" }, spec },
    });
  beforeAll(async () => {
    api = await startApi();
    await api.kubectl(["create", "namespace", "data"]);
    await api.kubectl(["apply", "--server-side", "-f", chartPath("mooring-connector", "files", "crd.yaml")]);
    await api.kubectl([
      "wait",
      "--for=condition=Established",
      "crd/integrations.mooring.dev",
      "--timeout=30s",
    ]);
  });

  afterAll(() => api?.stop());

  test.each<[string, object]>([
    ["the least", {}],
    ["spans in every unit", { interval: "1d", timeout: "1m" }],
    ["the shortest", { interval: "5000ms", timeout: "4999ms" }],
    ["the longest timeout of the usual interval", { timeout: "59s" }],
    [
      "a store of one's own",
      {
        type: "postgresql",
        config: { host: "h", database: "d" },
        secret: { store: "vault", mount: "kv", path: "x", fields: { username: "user" } },
      },
    ],
  ])("takes %s", async (_, more) => {
    const { status, body } = await post({ type: "tcp", config, ...more });
    expect(body).toMatchObject({ spec: { type: "tcp", config, ...more } });
    expect(status).toBe(201);
  });

  test.each<[string, object, string]>([
    ["no type", { type: undefined }, "spec.type: Required value"],
    ["no config", { config: undefined }, "spec.config: Required value"],
    ["an interval that is none", { interval: "soon" }, "spec.interval"],
    ["too short an interval", { interval: "4s" }, "interval must be at least 5s"],
    ["too long an interval", { interval: "25h" }, "interval must be at most 24h"],
    ["too short a timeout", { timeout: "999ms" }, "timeout must be at least 1s"],
    ["too long a timeout", { interval: "1h", timeout: "61s" }, "timeout must be at most 60s"],
    ["a timeout beyond the interval", { interval: "10s", timeout: "10s" }, "timeout must be below interval"],
    ["a timeout beyond the usual interval", { timeout: "1m" }, "timeout must be below interval"],
    ["too many failures", { failureThreshold: 11 }, "less than or equal to 10"],
    [
      "the connector's own files",
      { secret: { store: "file", path: "/x" } },
      "the stores file and env belong",
    ],
    ["its variables", { secret: { store: "env", variable: "X" } }, "the stores file and env belong"],
  ])("refuses %s", async (_, more, words) => {
    const { status, body } = await post({ type: "tcp", config, ...more });
    expect((body as { message: string }).message).toContain(words);
    expect(status).toBe(422);
  });

  test("does not let the type be changed", async () => {
    expect((await post({ type: "tcp", config }, "")).status).toBe(201);
    const line = ["-n", "data", "patch", "mint", "a", "--type=merge", "-p", '{"spec":{"type":"tls"}}'];
    await expect(api.kubectl(line)).rejects.toThrow("the type cannot be changed");
  });

  test("shows what works and why not", async () => {
    const condition = {
      type: "Ready",
      status: "False",
      reason: "ConnectionRefused",
      message: "It refused.",
    };
    const conditions = [{ ...condition, lastTransitionTime: "2026-01-01T00:00:00Z", observedGeneration: 1 }];
    const status = { observedGeneration: 1, lastCheckTime: new Date().toISOString(), conditions };
    const patch = JSON.stringify({ status });
    await api.kubectl([
      "-n",
      "data",
      "patch",
      "mint",
      "a",
      "--subresource=status",
      "--type=merge",
      "-p",
      patch,
    ]);
    const [heads, row] = (await api.kubectl(["-n", "data", "get", "mint"])).split("\n");
    expect(heads?.split(/ {2,}/).map((word) => word.trim())).toEqual([
      "NAME",
      "TYPE",
      "READY",
      "REASON",
      "LAST CHECK",
      "AGE",
    ]);
    expect(row).toMatch(/^a +tcp +False +ConnectionRefused +\d+s +\d+s$/);
  });
});
