/** The connector as a process that looks at Integration resources: kubectl sees what the control plane sees. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silent, type Target } from "../fake/targets.ts";
import { eventually, freePort, Plane, Program, type ShownIntegration } from "../process/programs.ts";
import { type Api, canRunApi, startApi } from "./api.ts";

const why = canRunApi();

const RIGHTS = `
apiVersion: v1
kind: Namespace
metadata: {name: data}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: mooring, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: mooring, namespace: data}
rules:
  - {apiGroups: [mooring.dev], resources: [integrations], verbs: [get, list, watch]}
  - {apiGroups: [mooring.dev], resources: [integrations/status], verbs: [patch]}
  - {apiGroups: [""], resources: [events], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: mooring, namespace: data}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: mooring}
subjects: [{kind: ServiceAccount, name: mooring, namespace: default}]
`;

describe.skipIf(why !== undefined)(
  `a connector with resources${why === undefined ? "" : ` (skipped: ${why})`}`,
  () => {
    const parts = new AsyncDisposableStack();
    let api: Api;
    let plane: Plane;
    let target: Target;
    let connector: Program | undefined;
    let metrics: string;

    beforeAll(async () => {
      api = parts.use(await startApi());
      target = parts.use(await silent());
      const crd = await readFile(
        new URL("../../helm/mooring-connector/files/crd.yaml", import.meta.url),
        "utf8",
      );
      await api.kubectl(["apply", "-f", "-"], { stdin: crd });
      await api.kubectl(["wait", "--for=condition=Established", "crd/integrations.mooring.dev"]);
      await api.kubectl(["apply", "-f", "-"], { stdin: RIGHTS });
      plane = parts.use(await Plane.start({ scale: 0.2 }));
      const hosts = join(api.directory, "hosts");
      await writeFile(hosts, "127.0.0.1 orders.data.svc\n");
      const file = join(api.directory, "mooring.yaml");
      const own = { name: "own", type: "tcp", config: { host: "127.0.0.1", port: target.port } };
      await writeFile(file, JSON.stringify({ integrations: [own] }));
      const listen = `127.0.0.1:${await freePort()}`;
      metrics = `http://${listen}/metrics`;
      const flags = [
        ...["connector", file, "--crd-namespaces", "data", "--control-plane", plane.url, "--listen", listen],
        ...["--join-token-file", await plane.joinToken("prod"), "--state", join(api.directory, "state")],
      ];
      connector = new Program(flags, {
        MOORING_TIME_SCALE: "0.2",
        MOORING_HOSTS: hosts,
        MOORING_SERVICE_ACCOUNT_DIR: "/none",
        KUBECONFIG: await api.kubeconfig({ token: await api.serviceAccountToken("default", "mooring") }),
      });
    });
    afterAll(async () => {
      await connector?.stop("SIGTERM");
      await parts.disposeAsync();
    });

    const apply = (port: number): Promise<string> =>
      api.kubectl(["apply", "-f", "-"], {
        stdin: JSON.stringify({
          apiVersion: "mooring.dev/v1alpha1",
          kind: "Integration",
          metadata: { name: "orders", namespace: "data" },
          spec: { type: "tcp", interval: "5s", timeout: "4s", config: { host: "orders.data.svc", port } },
        }),
      });
    const shows = (path: string, state: string): Promise<ShownIntegration> =>
      plane.until<ShownIntegration>(path, (shown) => shown.state === state);

    test("one that works, one that breaks, one that heals, one that goes", async () => {
      await plane.connectorIs("prod", "connected");
      await apply(target.port);
      await api.kubectl(["-n", "data", "wait", "--for=condition=Ready", "mint/orders", "--timeout=30s"]);
      await shows("/integrations/prod/orders.data", "online");
      await shows("/integrations/prod/own", "online");

      await apply(9);
      await shows("/integrations/prod/orders.data", "error");
      await api.kubectl([
        "-n",
        "data",
        "wait",
        "--for=condition=Ready=False",
        "mint/orders",
        "--timeout=30s",
      ]);
      const row = await api.kubectl(["-n", "data", "get", "mint", "orders", "--no-headers"]);
      expect(row).toMatch(/^orders +tcp +False +ConnectionRefused/);
      const told = await eventually("the Event", async () => {
        const events = await api.kubectl(["-n", "data", "get", "events", "--no-headers"]);
        return events.includes("ConnectionRefused") ? events : undefined;
      });
      expect(told).toContain("Integration orders.data is unreachable.");

      await apply(target.port);
      await shows("/integrations/prod/orders.data", "online");
      const text = await (await fetch(metrics)).text();
      expect(text).toContain('mooring_crd_integrations{verdict="valid"} 1');
      expect(text).toContain("mooring_crd_troubles 0");

      await api.kubectl(["-n", "data", "delete", "mint", "orders"]);
      await eventually("its end", async () => {
        const { status } = await plane.api("GET", "/integrations/prod/orders.data");
        return status === 404 || undefined;
      });
      await shows("/integrations/prod/own", "online");
    });
  },
);
