import { describe, expect, test } from "vitest";
import { type Chart, type Manifest, objectsWith, whyNoHelm } from "./helm.ts";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** Every rule as one line: where, what of which names, verbs. Aggregated roles have no binding, and say so. */
function rulesOf(manifests: readonly Manifest[]): string[] {
  const bindings = manifests.filter(({ kind }) => kind.endsWith("RoleBinding"));
  return manifests
    .filter(({ kind }) => kind === "Role" || kind === "ClusterRole")
    .flatMap(({ kind, metadata, rules }) => {
      const bound = bindings.some(
        (each) => each.metadata.name === metadata.name && each.metadata.namespace === metadata.namespace,
      );
      const where = `${metadata.namespace ?? "cluster"}${bound ? "" : ", aggregated"}`;
      expect(kind === "Role", metadata.name).toBe(metadata.namespace !== undefined);
      return (rules as Rule[]).map(
        ({ apiGroups, resources, resourceNames = [], verbs }) =>
          `${where}: ${verbs.join(" ")} ${resources.join(" ")}${apiGroups[0] === "" ? "" : `.${apiGroups.join()}`}${
            resourceNames.length === 0 ? "" : ` (${resourceNames.join(" ")})`
          }`,
      );
    })
    .toSorted();
}

const CLAIM = { persistentVolumeClaim: { claimName: "key" } };
const OWN_KEY = "mooring: get patch secrets (mooring-connector-identity)";
const INTEGRATIONS = (where: string): string[] => [
  `${where}: create events`,
  `${where}: get list watch integrations.mooring.dev`,
  `${where}: patch integrations/status.mooring.dev`,
];
const EVIDENCE = (where: string): string[] => [
  `${where}: get list endpointslices.discovery.k8s.io`,
  `${where}: get list services pods`,
];
const LEASE = ["mooring: get update leases.coordination.k8s.io (mooring-connector)"];
const vault = (auth: object): object => ({
  name: "vault",
  type: "vault",
  config: { address: "https://vault", auth: { method: "kubernetes", role: "mooring", ...auth } },
});
const crd = (...namespaces: string[]): object => ({ sources: { crd: { enabled: true, namespaces } } });

/** Every rule that a feature of the connector renders. One that is new belongs here, and to a test that uses it. */
const CONNECTOR: readonly [feature: string, values: object, rules: readonly string[]][] = [
  ["nothing more", {}, [OWN_KEY]],
  ["another name for its Secret", { state: { secretName: "key" } }, ["mooring: get patch secrets (key)"]],
  ["its key on a volume", { state: { volume: CLAIM } }, []],
  [
    "keyless join",
    { controlPlane: { auth: { method: "kubernetes", existingSecret: { name: "" } } } },
    [OWN_KEY],
  ],
  ["replicas", { replicaCount: 2 }, [OWN_KEY, ...LEASE]],
  ["replicas that others count", { replicaCount: null }, [OWN_KEY, ...LEASE]],
  ["Integration resources", crd(), [OWN_KEY, ...INTEGRATIONS("mooring")]],
  ["those of two namespaces", crd("data", "web"), [OWN_KEY, ...INTEGRATIONS("data"), ...INTEGRATIONS("web")]],
  ["those of all", crd("*"), [OWN_KEY, ...INTEGRATIONS("cluster")]],
  [
    "secrets",
    { rbac: { secrets: { data: ["orders-db", "shop"], mooring: ["own"] } } },
    [OWN_KEY, "data: get secrets (orders-db shop)", "mooring: get secrets (own)"],
  ],
  ["all secrets", { rbac: { clusterWideSecrets: true } }, [OWN_KEY, "cluster: get secrets"]],
  ["diagnostics", { diagnostics: { namespaces: ["data"] } }, [OWN_KEY, ...EVIDENCE("data")]],
  [
    "aggregated roles",
    { rbac: { aggregateRoles: true } },
    [
      OWN_KEY,
      "cluster, aggregated: get list watch create update patch delete deletecollection integrations.mooring.dev",
      "cluster, aggregated: get list watch integrations.mooring.dev",
    ],
  ],
  [
    "rules of one's own",
    { rbac: { extraRules: [{ apiGroups: ["apps"], resources: ["deployments"], verbs: ["get"] }] } },
    [OWN_KEY, "mooring: get deployments.apps"],
  ],
  ["the CRD alone", { crds: { enabled: true } }, [OWN_KEY]],
  [
    "scrapes and alerts",
    { metrics: { podMonitor: { enabled: true }, prometheusRule: { enabled: true } } },
    [OWN_KEY],
  ],
  ["roles by somebody else", { rbac: { create: false, secrets: { data: ["orders-db"] } } }, []],
];

const CONTROL_PLANE: readonly [feature: string, values: object, rules: readonly string[]][] = [
  ["nothing more", {}, []],
  ["token reviews", { rbac: { tokenReview: true } }, ["cluster: create tokenreviews.authentication.k8s.io"]],
];

const skipped = whyNoHelm === undefined ? "" : ` (skipped: ${whyNoHelm})`;

describe.skipIf(whyNoHelm !== undefined)(`rights${skipped}`, () => {
  test.each(CONNECTOR)("connector with %s", async (_, values, rules) => {
    expect(rulesOf(await objectsWith("mooring-connector", values))).toEqual(rules.toSorted());
  });

  test.each(CONTROL_PLANE)("control plane with %s", async (_, values, rules) => {
    expect(rulesOf(await objectsWith("mooring-control-plane", values))).toEqual(rules);
  });

  test("every binding is the release's own account and its own role", async () => {
    const manifests = await objectsWith("mooring-connector", {
      ...crd("*"),
      diagnostics: { namespaces: ["data"] },
      rbac: { secrets: { data: ["orders-db"] } },
    });
    const bindings = manifests.filter(({ kind }) => kind.endsWith("RoleBinding"));
    expect(bindings).toHaveLength(4);
    for (const { metadata, roleRef, subjects } of bindings) {
      expect(roleRef).toMatchObject({ name: metadata.name });
      expect(subjects).toEqual([{ kind: "ServiceAccount", name: "mooring-connector", namespace: "mooring" }]);
    }
  });

  test("two releases of one name do not meet in a third namespace", async () => {
    const [, role] = (await objectsWith("mooring-connector", { rbac: { secrets: { data: ["a"] } } })).filter(
      ({ kind }) => kind === "Role",
    );
    expect(role?.metadata).toMatchObject({ namespace: "data", name: "mooring-mooring-connector-secrets" });
  });

  test.each<[Chart, object, boolean]>([
    ["mooring-connector", {}, true],
    ["mooring-connector", { state: { volume: CLAIM } }, false],
    ["mooring-connector", { state: { volume: CLAIM }, secretStores: [vault({})] }, true],
    ["mooring-connector", { state: { volume: CLAIM }, secretStores: [vault({ tokenFile: "/t" })] }, false],
    ["mooring-connector", { state: { volume: CLAIM }, rbac: { secrets: { data: ["a"] } } }, true],
    ["mooring-connector", { state: { volume: CLAIM }, serviceAccount: { automount: true } }, true],
    ["mooring-control-plane", {}, false],
    ["mooring-control-plane", { rbac: { tokenReview: true } }, true],
  ])("%s with %j has the API's token: %s", async (chart, values, expected) => {
    const workload = (await objectsWith(chart, values)).find(({ kind }) =>
      /^(Deployment|StatefulSet)$/.test(kind),
    );
    expect(workload).toMatchObject({
      spec: { template: { spec: { automountServiceAccountToken: expected } } },
    });
  });
});
