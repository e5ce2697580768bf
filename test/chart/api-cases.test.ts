/** Every case of ci/, as a real kube-apiserver judges it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, canRunApi, startApi } from "../cluster/api.ts";
import { cases, CHARTS, chartPath, type Manifest, manifestsOf, rendered, whyNoHelm } from "./helm.ts";
import { type PodSpec, podOf } from "./pod-security.ts";

const why = whyNoHelm ?? canRunApi();
const skipped = why === undefined ? "" : ` (skipped: ${why})`;
const all = await Promise.all(
  CHARTS.map(async (chart) => (await cases(chart)).map((name) => ({ chart, name }))),
);

describe.skipIf(why !== undefined)(`a kube-apiserver, strict, with the profile restricted${skipped}`, () => {
  let api: Api;
  beforeAll(async () => {
    api = await startApi();
    for (const name of ["mooring", "data", "monitoring"]) await api.kubectl(["create", "namespace", name]);

    const label = "pod-security.kubernetes.io/enforce=restricted";
    await api.kubectl(["label", "--overwrite", "namespace", "mooring", label]);
    await api.kubectl(["apply", "--server-side", "-f", chartPath("mooring-connector", "files", "crd.yaml")]);
  });
  afterAll(() => api?.stop());

  test.each(all.flat())("$chart, ci/$name", async ({ chart, name }) => {
    const manifests = manifestsOf(await rendered(chart, name)).filter(
      ({ apiVersion }) => !isForeign(apiVersion),
    );
    const pods = manifests.flatMap((each) => {
      const spec = podOf(each);
      return spec === undefined ? [] : [podAsMade(each, spec)];
    });
    const items = [...manifests, ...pods];
    const stdin = JSON.stringify({ apiVersion: "v1", kind: "List", items });
    // The account is not made by a dry run, and admission wants it for a Pod.
    const accounts = new Set(
      pods.map(({ spec }) => (spec as { serviceAccountName?: string }).serviceAccountName),
    );
    for (const account of accounts) {
      const body = { metadata: { name: account } };
      await api.call("POST", "/api/v1/namespaces/mooring/serviceaccounts", { body });
    }
    const line = [
      "apply",
      "--server-side",
      "--force-conflicts",
      "--dry-run=server",
      "--validate=strict",
      "-f",
      "-",
    ];
    const said = await api.kubectl(line, { stdin });
    expect(said.trim().split("\n")).toHaveLength(items.length);
  });

  test("a pod that breaks the profile is refused there", async () => {
    const spec = { containers: [{ name: "c", image: "i" }] };
    const body = { apiVersion: "v1", kind: "Pod", metadata: { name: "plain" }, spec };
    const { status, body: said } = await api.call("POST", "/api/v1/namespaces/mooring/pods?dryRun=All", {
      body,
    });
    expect(status).toBe(403);
    expect(said).toMatchObject({ message: expect.stringContaining("violates PodSecurity") as string });
  });
});

const FOREIGN = ["monitoring.coreos.com/v1", "gateway.networking.k8s.io/v1"];
const isForeign = (apiVersion: string): boolean => FOREIGN.includes(apiVersion);

/** The pod that a controller would make of its template, with the volumes of its claims. */
function podAsMade({ kind, metadata, spec: made }: Manifest, spec: PodSpec): Manifest {
  const { volumeClaimTemplates = [] } = made as { volumeClaimTemplates?: Manifest[] };
  const claims = volumeClaimTemplates.map(({ metadata: { name } }) => ({ name, emptyDir: {} }));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${metadata.name}-${kind.toLowerCase()}`, namespace: "mooring" },
    spec: { ...spec, volumes: [...(spec.volumes ?? []), ...claims] },
  };
}
