/** The connector's key in its Secret, by real helm against a real kube-apiserver. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, canRunApi, startApi } from "../cluster/api.ts";
import { casePath, chartPath, ROOT, whyNoHelm } from "./helm.ts";

const why = whyNoHelm ?? canRunApi();
const skipped = why === undefined ? "" : ` (skipped: ${why})`;
const chart = chartPath("mooring-connector");
const VALUES = ["-f", casePath("mooring-connector", "default")];
const LEASE = "/apis/coordination.k8s.io/v1/namespaces/mooring/leases/walk-connector";
const SECRET = "/api/v1/namespaces/mooring/secrets/mooring-connector-identity";

describe.skipIf(why !== undefined)(`releases on a kube-apiserver${skipped}`, () => {
  let api: Api;
  beforeAll(async () => {
    api = await startApi();
    for (const name of ["mooring", "data"]) await api.kubectl(["create", "namespace", name]);
  });
  afterAll(() => api?.stop());
  const helm = (...args: string[]): Promise<string> => api.helm([...args, "-n", "mooring"]);

  /** Takes the Lease as the connector does: read, changed and put back whole, by its own account. */
  async function hold(): Promise<void> {
    const token = await api.serviceAccountToken("mooring", "walk-connector");
    const { body } = await api.call("GET", LEASE, { token });
    const held = { ...(body as object), spec: { holderIdentity: "a pod", leaseTransitions: 1 } };
    expect((await api.call("PUT", LEASE, { body: held, token })).status).toBe(200);
  }
  const holder = async (): Promise<unknown> =>
    ((await api.call("GET", LEASE)).body as { spec?: { holderIdentity?: string } }).spec?.holderIdentity;

  /** Writes the key as the connector does, with its own ServiceAccount's rights and field manager. */
  async function enrol(): Promise<void> {
    const token = await api.serviceAccountToken("mooring", "mooring-connector");
    const kubeconfig = await api.kubeconfig({ token, namespace: "mooring" });
    const data = { "key.json": Buffer.from("a key").toString("base64") };
    const stdin = JSON.stringify({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "mooring-connector-identity" },
      data,
    });
    const line = [
      "apply",
      "--server-side",
      "--field-manager=mooring-connector-state",
      "--force-conflicts",
      "--validate=false",
    ];
    await api.kubectl([...line, "-f", "-"], { kubeconfig, stdin });
  }
  const key = async (): Promise<string | undefined> => {
    const { body } = await api.call("GET", SECRET);
    return (body as { data?: Record<string, string> }).data?.["key.json"];
  };

  test("upgrades walk from feature to feature and back, and leave others what is theirs", async () => {
    const upgrade = (...args: string[]): Promise<string> =>
      helm("upgrade", "--install", "walk", chart, ...VALUES, ...args);
    const strategy = async (): Promise<string> =>
      api.kubectl([
        "-n",
        "mooring",
        "get",
        "deployment",
        "walk-connector",
        "-o",
        "jsonpath={.spec.replicas} {.spec.strategy}",
      ]);
    await upgrade();
    expect(await strategy()).toBe('1 {"type":"Recreate"}');
    await upgrade("--set", "replicaCount=2,crds.enabled=true,sources.crd.enabled=true,rbac.secrets.data={a}");
    expect(await strategy()).toContain('2 {"rollingUpdate"');
    await hold();
    await upgrade("--set", "replicaCount=null,crds.enabled=true");
    await api.kubectl(["-n", "mooring", "scale", "deployment", "walk-connector", "--replicas=3"]);
    await upgrade("--set", "replicaCount=null,log.level=debug");
    expect(await strategy()).toMatch(/^3 /);
    expect(await holder()).toBe("a pod");
    expect(await api.kubectl(["-n", "data", "get", "roles", "-o", "name"])).toBe("");
    await helm("uninstall", "walk");
    // What its data hangs on stays.
    expect(await api.kubectl(["get", "crd", "-o", "name"])).toContain("integrations.mooring.dev");
    await api.kubectl(["delete", "crd", "integrations.mooring.dev"]);
  });

  describe("the connector's key", () => {
    test.each([
      ["server-side apply, helm's own way", "--server-side=true"],
      ["client-side apply, as older releases have it", "--server-side=false"],
    ])("outlives upgrade, rollback and uninstall: %s", async (_, way) => {
      await helm("install", "mooring", chart, ...VALUES, way);
      await enrol();
      const before = await key();
      expect(before).toBeDefined();
      await helm("upgrade", "mooring", chart, ...VALUES, way, "--set", "log.level=debug");
      expect(await key()).toBe(before);
      await helm(
        "upgrade",
        "mooring",
        chart,
        ...VALUES,
        way,
        "--force-conflicts=" + String(way.endsWith("true")),
      );
      expect(await key()).toBe(before);
      await helm("rollback", "mooring", "1", way);
      expect(await key()).toBe(before);
      expect(await helm("uninstall", "mooring")).toContain("mooring-connector-identity");
      expect(await key()).toBe(before);
      // Installed anew it is the same connector.
      await helm("install", "mooring", chart, ...VALUES, way);
      expect(await key()).toBe(before);
      await helm("uninstall", "mooring");
      await api.call("DELETE", SECRET);
    });

    test("goes with the release where it is not to be kept", async () => {
      await helm("install", "mooring", chart, ...VALUES, "--set", "state.keep=false");
      await enrol();
      await helm("uninstall", "mooring");
      expect((await api.call("GET", SECRET)).status).toBe(404);
    });

    test("outlives kubectl apply -k", async () => {
      const apply = (): Promise<string> => api.kubectl(["apply", "-k", `${ROOT}/manifests/connector`]);
      await apply();
      await enrol();
      const before = await key();
      await apply();
      expect(await key()).toBe(before);
    });
  });
});
