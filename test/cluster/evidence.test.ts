/** What an unreachable verdict adds where the target is a Service: on a real API server, with the rights that the chart grants. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/connector/clock.ts";
import { type Evidence, serviceEvidence } from "../../src/connector/evidence/service.ts";
import { KubernetesApi } from "../../src/connector/kubernetes/api.ts";
import { place } from "../fake/secret.ts";
import { type Api, canRunApi, startApi } from "./api.ts";

const why = canRunApi();

const WORLD = `
apiVersion: v1
kind: Namespace
metadata: {name: data}
---
apiVersion: v1
kind: Service
metadata: {name: orders-db, namespace: data}
spec: {selector: {app: orders-db}, ports: [{name: sql, port: 5432}, {name: metrics, port: 9187}]}
---
apiVersion: v1
kind: Service
metadata: {name: nobody, namespace: data}
spec: {selector: {app: nobody}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: bare, namespace: data}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: data}
spec: {type: ExternalName, externalName: db.example.com}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: mooring, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: diagnostics, namespace: data}
rules:
  - {apiGroups: [""], resources: [services, pods], verbs: [get, list]}
  - {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: diagnostics, namespace: data}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: diagnostics}
subjects: [{kind: ServiceAccount, name: mooring, namespace: default}]
`;

/** A Pod as its node would report it: this level has no node. */
async function pod(api: Api, name: string, status: unknown): Promise<void> {
  const path = "/api/v1/namespaces/data/pods";
  const body = {
    metadata: { name, labels: { app: "orders-db" } },
    spec: { containers: [{ name: "postgres", image: "postgres" }], serviceAccountName: "default" },
  };
  await api.call("DELETE", `${path}/${name}?gracePeriodSeconds=0`);
  expect((await api.call("POST", path, { body })).status).toBe(201);
  const { body: made } = await api.call("GET", `${path}/${name}`);
  const said = { ...(made as object), status };
  expect((await api.call("PUT", `${path}/${name}/status`, { body: said })).status).toBe(200);
}

const notReady = { type: "Ready", status: "False" };
const waiting = (reason: string, more: object = {}) => ({
  phase: "Pending",
  conditions: [notReady],
  containerStatuses: [
    {
      name: "postgres",
      image: "x",
      imageID: "",
      ready: false,
      restartCount: 0,
      state: { waiting: { reason } },
      ...more,
    },
  ],
});

describe.skipIf(why !== undefined)(`behind a Service${why === undefined ? "" : ` (skipped: ${why})`}`, () => {
  let api: Api;
  let own: KubernetesApi | undefined;

  beforeAll(async () => {
    api = await startApi();
    await api.kubectl(["apply", "-f", "-"], { stdin: WORLD });
    await api.kubectl(["-n", "data", "wait", "--for=create", "serviceaccount/default", "--timeout=30s"]);
    const token = await api.serviceAccountToken("default", "mooring");
    const environment = { KUBECONFIG: await api.kubeconfig({ token }), MOORING_SERVICE_ACCOUNT_DIR: "/none" };
    const { network } = place(environment);
    own = new KubernetesApi({ clock: systemClock, network, environment });
  });
  afterAll(async () => {
    await own?.close();
    await api.stop();
  });

  const look = (service: string, port = 5432, namespace = "data"): Promise<Evidence> =>
    serviceEvidence(
      own as KubernetesApi,
      { service, namespace, port },
      { signal: AbortSignal.timeout(10_000), timeoutMs: 5_000 },
    );
  const lines = ({ findings }: Evidence): string[] =>
    findings.map(({ subject, verdict, text }) => `${verdict} ${subject}: ${text}`);
  const commands = ({ remedy }: Evidence): (string | null)[] => remedy.map(({ command }) => command);

  test("there is no such Service", async () => {
    const seen = await look("orders-bd");
    expect(lines(seen)).toEqual(["failed Service: there is no Service orders-bd in namespace data"]);
    expect(commands(seen)).toEqual(["kubectl -n data get services"]);
  });

  test("the Service has no such port", async () => {
    expect(lines(await look("orders-db", 5433))).toEqual([
      "passed Service: orders-db is there",
      "failed Service: orders-db has no port 5433; it has 5432, 9187",
    ]);
  });

  test("the selector matches nothing", async () => {
    const seen = await look("nobody", 80);
    expect(lines(seen)).toEqual([
      "passed Service: nobody is there",
      "failed EndpointSlice: nobody: 0 endpoints, 0 ready",
      "failed Pods: no Pod has the labels that nobody selects: app=nobody",
    ]);
    expect(commands(seen)).toEqual(["kubectl -n data get pods -l app=nobody"]);
  });

  test("a Service without a selector has no endpoints", async () => {
    expect((await look("bare", 80)).remedy[0]?.text).toContain("it has no selector");
  });

  test("a name for something outside is not looked behind", async () => {
    expect(lines(await look("outside"))).toEqual([
      "not_checked Service: outside stands for db.example.com, which is outside of the cluster",
    ]);
  });

  const crashed = { terminated: { exitCode: 1, reason: "Error" } };
  test.each([
    [
      "ends again and again",
      waiting("CrashLoopBackOff", { restartCount: 7, lastState: crashed }),
      "container postgres ends again and again (CrashLoopBackOff, 7 restarts, last Error)",
    ],
    ["has no image", waiting("ImagePullBackOff"), "container postgres cannot start (ImagePullBackOff)"],
    [
      "lacks its Secret",
      waiting("CreateContainerConfigError"),
      "container postgres cannot start (CreateContainerConfigError)",
    ],
    [
      "runs, and its probe does not pass",
      {
        phase: "Running",
        conditions: [notReady],
        containerStatuses: [
          {
            name: "postgres",
            image: "x",
            imageID: "",
            ready: false,
            restartCount: 0,
            state: { running: { startedAt: null } },
          },
        ],
      },
      "container postgres runs, and its readiness probe does not pass",
    ],
    [
      "finds no node",
      {
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }],
      },
      "no node takes it (Unschedulable)",
    ],
  ])("a Pod that %s", async (_, status, text) => {
    await pod(api, "orders-db-0", status);
    const seen = await look("orders-db");
    expect(lines(seen)).toContain(`failed Pod: orders-db-0: ${text}`);
    expect(commands(seen).at(-1)).toBe("kubectl -n data describe pod orders-db-0");
  });

  test("Pods are ready, and the Service's address fails all the same", async () => {
    await pod(api, "orders-db-0", {
      phase: "Running",
      podIP: "198.18.1.7",
      podIPs: [{ ip: "198.18.1.7" }],
      conditions: [{ type: "Ready", status: "True" }],
    });
    // Without a node nobody counts the Pod as an endpoint: it is written as the controller would.
    const metadata = { name: "orders-db-x7k2p", labels: { "kubernetes.io/service-name": "orders-db" } };
    const body = {
      metadata,
      addressType: "IPv4",
      endpoints: [{ addresses: ["198.18.1.7"], conditions: { ready: true } }],
      ports: [{ name: "sql", port: 5432 }],
    };
    const path = "/apis/discovery.k8s.io/v1/namespaces/data/endpointslices";
    expect((await api.call("POST", path, { body })).status).toBe(201);
    const seen = await look("orders-db");
    expect(lines(seen)).toEqual([
      "passed Service: orders-db is there",
      "passed EndpointSlice: orders-db: 1 endpoint, 1 ready",
      "passed Pods: 1 of 1 ready",
      "failed Service: Pods of orders-db are ready, and its address does not answer from here: a network policy, or the node's proxy",
    ]);
    expect(commands(seen)).toEqual(["kubectl -n data get networkpolicies"]);
  });

  test("what may not be looked at is said so, with the line that grants it", async () => {
    expect(lines(await look("kubernetes", 443, "default"))).toEqual([
      "not_checked Service: not looked at: forbidden (get services in default); the chart grants it by default in the list diagnostics.namespaces",
    ]);
  });

  test("an API server that is away is no finding of the target's", async () => {
    const environment = { KUBECONFIG: "/none", MOORING_SERVICE_ACCOUNT_DIR: "/none" };
    const { network } = place(environment);
    const nobody = new KubernetesApi({ clock: systemClock, network, environment });
    const target = { service: "orders-db", namespace: "data", port: 5432 };
    const seen = await serviceEvidence(nobody, target, {
      signal: AbortSignal.timeout(5_000),
      timeoutMs: 5_000,
    });
    expect([seen.findings, seen.remedy]).toEqual([[], []]);
  });
});
