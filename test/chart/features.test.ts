import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { casePath, chartPath, helm, type Manifest, objectsWith, whyNoHelm } from "./helm.ts";
import { podOf } from "./pod-security.ts";

interface Variable {
  readonly name: string;
  readonly value?: string;
}
const skipped = whyNoHelm === undefined ? "" : ` (skipped: ${whyNoHelm})`;
const none = describe.skipIf(whyNoHelm !== undefined);

const find = (manifests: readonly Manifest[], kind: string, name?: string): Manifest | undefined =>
  manifests.find((each) => each.kind === kind && (name === undefined || each.metadata.name === name));

function environment(
  manifests: readonly Manifest[],
  kind = "Deployment",
): Record<string, string | undefined> {
  const pod = podOf(find(manifests, kind) ?? { apiVersion: "", kind, metadata: { name: "" } });
  const env = (pod?.containers[0] as { env?: Variable[] } | undefined)?.env ?? [];
  return Object.fromEntries(env.map(({ name, value }) => [name, value]));
}

const connector = (values: object): Promise<Manifest[]> => objectsWith("mooring-connector", values);
const configuration = async (values: object): Promise<Record<string, unknown>> => {
  const { data } = find(await connector(values), "ConfigMap") as unknown as {
    data: { "mooring.yaml": string };
  };
  return parse(data["mooring.yaml"]) as Record<string, unknown>;
};

none(`the connector's environment${skipped}`, () => {
  test("extraEnv takes the place of ours, once", async () => {
    const env = environment(await connector({ extraEnv: [{ name: "MOORING_TUNE", value: "speed" }] }));
    expect(env["MOORING_TUNE"]).toBe("speed");
    expect(env["MOORING_LOG_LEVEL"]).toBe("info");
  });

  test("the cluster's own names are never behind the proxy", async () => {
    const env = environment(
      await connector({
        proxy: { http: "http://p:3128", noProxy: ["10.0.0.0/8"] },
        clusterDomain: "c.example",
      }),
    );
    expect(env).toMatchObject({ HTTP_PROXY: "http://p:3128", NODE_USE_ENV_PROXY: "1" });
    expect(env).not.toHaveProperty("HTTPS_PROXY");
    expect(env["NO_PROXY"]?.split(",")).toEqual(
      expect.arrayContaining(["10.0.0.0/8", "$(KUBERNETES_SERVICE_HOST)", ".svc", ".c.example"]),
    );
    expect(environment(await connector({}))).not.toHaveProperty("NO_PROXY");
  });

  test("the projected token is meant for the control plane's https origin", async () => {
    const values = {
      controlPlane: {
        url: "wss://m.example.com:8443/",
        auth: { method: "kubernetes", existingSecret: { name: "" } },
      },
    };
    const manifests = await connector(values);
    const pod = podOf(find(manifests, "Deployment") as Manifest);
    const volume = pod?.volumes?.find(({ name }) => name === "service-account-token");
    expect(volume).toMatchObject({
      projected: {
        sources: [{ serviceAccountToken: { audience: "https://m.example.com:8443", path: "token" } }],
      },
    });
    const env = environment(manifests);
    expect(env).toHaveProperty("MOORING_SERVICE_ACCOUNT_TOKEN_FILE");
    expect(env).not.toHaveProperty("MOORING_JOIN_TOKEN_FILE");
  });

  test.each([
    ["https://M.example.com:443/", "https://m.example.com"],
    ["wss://m.example.com", "https://m.example.com"],
    ["ws://127.0.0.1:80", "http://127.0.0.1"],
    ["https://m.example.com:4430", "https://m.example.com:4430"],
  ])("the origin of %s is written as the connector writes it", async (url, audience) => {
    const auth = { method: "kubernetes", existingSecret: { name: "" } };
    const manifests = await connector({ controlPlane: { url, auth } });
    const pod = podOf(find(manifests, "Deployment") as Manifest);
    const volume = pod?.volumes?.find(({ name }) => name === "service-account-token");
    expect(volume).toMatchObject({ projected: { sources: [{ serviceAccountToken: { audience } }] } });
  });

  test("watched namespaces and the Lease are named", async () => {
    const crd = (namespaces: string[]): object => ({
      sources: { crd: { enabled: true, namespaces } },
      replicaCount: 2,
    });
    expect(environment(await connector(crd([])))).toMatchObject({
      MOORING_CRD_NAMESPACES: "mooring",
      MOORING_LEASE: "mooring-connector",
    });
    expect(environment(await connector(crd(["a", "b"])))["MOORING_CRD_NAMESPACES"]).toBe("a,b");
    expect(environment(await connector(crd(["*"])))["MOORING_CRD_NAMESPACES"]).toBe("*");
    expect(environment(await connector({}))).not.toHaveProperty("MOORING_LEASE");
  });

  test("the opt-in gate is on, and its key reaches every store that has labels", async () => {
    expect(environment(await connector({}))["MOORING_REQUIRE_OPT_IN"]).toBe("true");
    expect(environment(await connector({ optIn: { required: false } }))).not.toHaveProperty(
      "MOORING_REQUIRE_OPT_IN",
    );
    const secretStores = [
      { name: "v", type: "vault", config: { address: "https://v", optIn: { required: false } } },
    ];
    const configured = await configuration({ optIn: { key: "team/read" }, secretStores });
    expect(configured["secretStores"]).toEqual([
      {
        name: "v",
        type: "vault",
        config: { address: "https://v", optIn: { required: false, key: "team/read" } },
      },
      ...["kubernetes", "aws", "gcp"].map((name) => ({
        name,
        type: name,
        config: { optIn: { key: "team/read" } },
      })),
    ]);
    expect(await configuration({})).toEqual({ integrations: [] });
  });
});

none(`the connector's objects${skipped}`, () => {
  test("the Secret of its key is rendered without data, and kept", async () => {
    const secret = find(await connector({}), "Secret", "mooring-connector-identity");
    expect(secret).not.toHaveProperty("data");
    expect(secret).not.toHaveProperty("stringData");
    expect(secret?.metadata.annotations).toEqual({ "helm.sh/resource-policy": "keep" });
    const notKept = find(await connector({ state: { keep: false } }), "Secret");
    expect(notKept?.metadata).not.toHaveProperty("annotations");
  });

  test("the Lease is rendered without a holder, where there is more than one replica", async () => {
    expect(find(await connector({ replicaCount: 2 }), "Lease")).not.toHaveProperty("spec");
    expect(find(await connector({}), "Lease")).toBeUndefined();
  });

  test("a change of the integrations does not touch the pod", async () => {
    const integrations = [{ name: "a", type: "tcp", config: { host: "h", port: 1 } }];
    const pods = [await connector({}), await connector({ integrations })].map((each) =>
      find(each, "Deployment"),
    );
    expect(pods[1]).toEqual(pods[0]);
  });

  test("a name that is a number stays a name, and files stay what they are", async () => {
    const configFiles = { "a.txt": "  indented\nnot\n\n", "b.txt": "no end" };
    const manifests = await connector({ controlPlane: { connectorName: "2026" }, configFiles });
    expect(find(manifests, "Deployment")?.metadata.annotations).toEqual({ "mooring.dev/connector": "2026" });
    expect(find(manifests, "ConfigMap")).toMatchObject({ data: configFiles });
  });

  test("of a Secret with certificates or a token the pod gets that key alone, and no private one", async () => {
    const manifests = await connector({
      controlPlane: { ca: { existingSecret: "mooring-tls" } },
      caBundle: { existingConfigMap: "roots", key: "bundle.pem" },
    });
    const volumes = podOf(find(manifests, "Deployment") as Manifest)?.volumes ?? [];
    const items = (key: string): object => ({ items: [{ key, path: key }] });
    expect(volumes).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ secret: { secretName: "mooring-tls", ...items("ca.crt") } }),
        expect.objectContaining({ configMap: { name: "roots", ...items("bundle.pem") } }),
        expect.objectContaining({
          secret: { secretName: "mooring-join", optional: true, ...items("token") },
        }),
      ]),
    );
  });

  test("the doctor goes where the connector is: its volume is there, and the same network", async () => {
    const volume = { persistentVolumeClaim: { claimName: "key" } };
    const beside = podOf(find(await connector({ state: { volume } }), "Pod") as Manifest);
    const [{ podAffinityTerm }] = (
      beside as unknown as {
        affinity: {
          podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ podAffinityTerm: unknown }] };
        };
      }
    ).affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution;
    const labels = { "app.kubernetes.io/name": "mooring-connector", "app.kubernetes.io/instance": "mooring" };
    const topologyKey = "kubernetes.io/hostname";
    expect(podAffinityTerm).toEqual({ topologyKey, labelSelector: { matchLabels: labels } });
    const affinity = { nodeAffinity: {} };
    expect(podOf(find(await connector({ affinity }), "Pod") as Manifest)).toMatchObject({ affinity });
    expect(podOf(find(await connector({}), "Pod") as Manifest)).not.toHaveProperty("affinity");
  });

  test("an Ingress takes its host in small letters, as Kubernetes does", async () => {
    const values = { publicUrl: "https://Mooring.Example.com:8443", ingress: { enabled: true } };
    const ingress = find(await objectsWith("mooring-control-plane", values), "Ingress");
    expect(ingress?.["spec"]).toMatchObject({ rules: [{ host: "mooring.example.com" }] });
  });

  test("helm test reaches the control plane, whoever else may", async () => {
    const from = [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "gateways" } } }];
    const manifests = await objectsWith("mooring-control-plane", { networkPolicy: { from } });
    const policy = find(manifests, "NetworkPolicy") as unknown as {
      spec: { ingress: { from: { podSelector?: { matchLabels: Record<string, string> } }[] }[] };
    };
    const peers = policy.spec.ingress[0]?.from;
    expect(peers?.[0]).toEqual(from[0]);
    expect(find(manifests, "Pod")?.metadata.labels).toMatchObject(
      peers?.[1]?.podSelector?.matchLabels ?? { none: "" },
    );
  });

  test("one replica is replaced, more are rolled", async () => {
    const strategy = async (values: object): Promise<unknown> =>
      find(await connector(values), "Deployment")?.["spec"];
    expect(await strategy({})).toMatchObject({ strategy: { type: "Recreate" } });
    expect(await strategy({ replicaCount: 2 })).toMatchObject({ strategy: { type: "RollingUpdate" } });
    expect(await strategy({ replicaCount: 2, strategy: { type: "Recreate" } })).toMatchObject({
      strategy: { type: "Recreate" },
    });
  });

  test("a number of replicas that others own is left out", async () => {
    expect(find(await connector({ replicaCount: null }), "Deployment")?.["spec"]).not.toHaveProperty(
      "replicas",
    );
  });

  test("a budget is made only where it does not block drains", async () => {
    const podDisruptionBudget = { enabled: true };
    expect(find(await connector({ podDisruptionBudget }), "PodDisruptionBudget")).toBeUndefined();
    expect(
      find(await connector({ podDisruptionBudget, replicaCount: 2 }), "PodDisruptionBudget"),
    ).toBeDefined();
  });

  test("egress is the ports of what is configured", async () => {
    const values = {
      networkPolicy: { egress: { enabled: true, extraPorts: [5432, 9000] } },
      controlPlane: { url: "wss://m.example.com:8443" },
      proxy: { https: "http://p:3128" },
      integrations: [
        { name: "a", type: "postgresql", config: { host: "h", database: "d" } },
        { name: "b", type: "http", config: { url: "http://h/x" } },
        { name: "c", type: "tls", config: { host: "h", port: 636 } },
      ],
    };
    const policy = find(await connector(values), "NetworkPolicy") as unknown as {
      spec: { egress: { ports: { port: number }[] }[] };
    };
    const ports = policy.spec.egress[0]?.ports.map(({ port }) => port);
    expect(ports).toEqual([53, 53, 80, 443, 636, 3128, 5432, 6443, 8443, 9000]);
    expect(find(await connector({}), "NetworkPolicy")).toMatchObject({ spec: { policyTypes: ["Ingress"] } });
  });

  test.each([
    [{}, "mooring:0.1.0"],
    [{ image: { tag: "x" } }, "mooring:x"],
    [{ image: { registry: "r.example.com" } }, "r.example.com/mooring:0.1.0"],
    [
      { image: { registry: "r.example.com" }, global: { imageRegistry: "g.example.com/" } },
      "g.example.com/mooring:0.1.0",
    ],
    [{ image: { digest: `sha256:${"0".repeat(64)}` } }, `mooring:0.1.0@sha256:${"0".repeat(64)}`],
  ])("image of %j", async (values, image) => {
    const pods = (await connector(values)).flatMap((each) => podOf(each) ?? []);
    for (const { containers } of pods) expect(containers[0]).toMatchObject({ image });
  });
});

none.each([
  ["mooring", "mooring-connector"],
  ["prod", "prod-connector"],
  ["mooring-connector", "mooring-connector"],
  [`a${"b".repeat(52)}`, `a${"b".repeat(51)}`],
])(`release %s${skipped}`, (release, name) => {
  test(`makes ${name}`, async () => {
    const { stdout } = await helm(
      "template",
      release,
      chartPath("mooring-connector"),
      "-f",
      casePath("mooring-connector", "default"),
    );
    expect(stdout).toContain(`kind: Deployment\nmetadata:\n  name: ${name}\n`);
  });
});
