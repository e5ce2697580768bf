/** What `mooring doctor` says of the rights that a configuration needs, as RBAC of a real API server has them. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Program } from "../process/programs.ts";
import { type Api, canRunApi, startApi } from "./api.ts";

const why = canRunApi();

const CONFIGURATION = {
  integrations: ["orders-db", "billing-db"].map((name) => ({
    name,
    type: "postgresql",
    config: { host: `${name}.data.svc`, database: "x" },
    secret: { store: "kubernetes", name, namespace: "data" },
  })),
};

describe.skipIf(why !== undefined)(`mooring doctor${why === undefined ? "" : ` (skipped: ${why})`}`, () => {
  let api: Api;
  let kubeconfig: string;
  let file: string;

  beforeAll(async () => {
    api = await startApi();
    await api.kubectl(["create", "namespace", "data"]);
    await api.kubectl(["create", "serviceaccount", "mooring"]);
    kubeconfig = await api.kubeconfig({ token: await api.serviceAccountToken("default", "mooring") });
    file = join(api.directory, "mooring.yaml");
    await writeFile(file, JSON.stringify(CONFIGURATION));
    const role = ["--verb=get", "--resource=secrets", "--resource-name=orders-db"];
    await api.kubectl(["-n", "data", "create", "role", "reader", ...role]);
    await api.kubectl([
      "-n",
      "data",
      "create",
      "rolebinding",
      "reader",
      "--role=reader",
      "--serviceaccount=default:mooring",
    ]);
  });
  afterAll(() => api.stop());

  const examined = async (flags: readonly string[], environment = {}, of = file): Promise<string[]> => {
    const own = { KUBECONFIG: kubeconfig, MOORING_SERVICE_ACCOUNT_DIR: "/none", NO_COLOR: "1" };
    const program = new Program(["doctor", of, ...flags], { ...own, ...environment });
    await program.ended;
    expect(program.stderr).toBe("");
    return program.stdout.split("\n").filter((line) => /(right|cluster):/.test(line));
  };

  test("names each right that is there and each that is missing, with the line that grants it", async () => {
    expect(await examined(["--state", "secret:mooring-state", "--lease", "mooring"])).toEqual([
      "  ✗ right: get secrets mooring-state in default is missing; the chart grants it by rbac.create: true",
      "  ✗ right: patch secrets mooring-state in default is missing; the chart grants it by rbac.create: true",
      "  ✗ right: get leases mooring in default is missing; the chart grants it by rbac.create: true",
      "  ✗ right: update leases mooring in default is missing; the chart grants it by rbac.create: true",
      "  ✓ right: get secrets orders-db in data",
      "  ✗ right: get secrets billing-db in data is missing; the chart grants it by billing-db in the list rbac.secrets.data",
    ]);
  });

  test("what only makes a diagnosis better is no trouble", async () => {
    const [host, port] = new URL(api.url).host.split(":");
    const lines = await examined([], { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port });
    expect(lines.slice(2)).toEqual([
      "  · right: get services in data is missing; the chart grants it by data in the list diagnostics.namespaces; without it an unreachable Service is told without its Pods",
      "  · right: list endpointslices in data is missing; the chart grants it by data in the list diagnostics.namespaces; without it an unreachable Service is told without its Pods",
      "  · right: list pods in data is missing; the chart grants it by data in the list diagnostics.namespaces; without it an unreachable Service is told without its Pods",
    ]);
  });

  test("a host without dots is a Service of the connector's own namespace", async () => {
    const [host, port] = new URL(api.url).host.split(":");
    const near = join(api.directory, "near.yaml");
    const item = { name: "near", type: "tcp", config: { host: "near", port: 80 } };
    await writeFile(near, JSON.stringify({ integrations: [item] }));
    const lines = await examined([], { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port }, near);
    expect(lines[0]).toContain("right: get services in default is missing");
  });

  test("without a cluster it says once that nobody answers", async () => {
    const [line, ...more] = await examined([], { KUBECONFIG: "/none" });
    expect(line).toBe("  ✗ cluster: there is no token at /none/token, and no kubeconfig at /none");
    expect(more).toEqual([]);
  });
});
