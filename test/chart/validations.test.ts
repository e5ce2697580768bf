import { describe, expect, test } from "vitest";
import { type Chart, withValues, whyNoHelm } from "./helm.ts";

/** A mistake in the values, and the words that must come: which value it is, and what to write. */
type Row = readonly [mistake: string, values: object, ...words: string[]];

const auth = (values: object): object => ({ controlPlane: { auth: values } });
const url = (text: string): object => ({ controlPlane: { url: text } });
const tcp = (name: string): object => ({ name, type: "tcp", config: { host: "h", port: 1 } });
const NO_TOKEN = { existingSecret: { name: "" } };

const CONNECTOR: readonly Row[] = [
  ["a typo", { controlPlane: { ulr: "x" } }, "'/controlPlane'", "'ulr' not allowed"],
  ["a typo at the top", { replicas: 2 }, "'replicas' not allowed"],
  ["a word for a number", { metrics: { port: "http" } }, "'/metrics/port'", "got string, want integer"],
  ["an unknown word", { log: { level: "chatty" } }, "'/log/level'", "'debug', 'info', 'warn', 'error'"],
  [
    "an integration without a type",
    { integrations: [{ name: "a" }] },
    "'/integrations/0'",
    "'type', 'config'",
  ],
  ["a digest that is none", { image: { digest: "latest" } }, "'/image/digest'"],
  ["no address", url(""), "controlPlane.url is missing", "--set controlPlane.url=wss://mooring.example.com"],
  ["a plain address", url("ws://mooring.example.com"), "is plain", "Write wss://mooring.example.com"],
  ["a login in the address", url("wss://me:pw@mooring.example.com"), "holds a login", "Leave it out"],
  ["a path in the address", url("wss://mooring.example.com/v1"), "no path"],
  ["a host alone", url("mooring.example.com"), "not the address of a control plane", "wss://"],
  [
    "an address that is not wanted",
    { controlPlane: { enabled: false }, integrations: [tcp("a")] },
    "controlPlane.url is set but controlPlane.enabled is false",
    "controlPlane.auth has a join token",
  ],
  ["two join tokens", auth({ token: "t" }), "two join tokens", "Keep existingSecret"],
  [
    "no join token",
    auth(NO_TOKEN),
    "controlPlane.auth.existingSecret.name is missing",
    "kubectl -n mooring create secret generic mooring-join --from-file=token=/dev/stdin",
    "--set controlPlane.auth.method=kubernetes",
  ],
  ["a join token and none needed", auth({ method: "kubernetes" }), "takes no join token", "set method=token"],
  [
    "two sources of certificates",
    { caBundle: { existingSecret: "a", existingConfigMap: "b" } },
    "caBundle has two sources: existingSecret=a and existingConfigMap=b",
    "Keep one",
  ],
  [
    "two for the control plane",
    { controlPlane: { ca: { existingSecret: "a", existingConfigMap: "b" } } },
    "controlPlane.ca has two sources",
  ],
  [
    "two configurations",
    { existingConfigMap: { name: "own" }, integrations: [tcp("a")] },
    "existingConfigMap.name=own",
    "Move them into it",
  ],
  [
    "an opt-in that would be ignored",
    { existingConfigMap: { name: "own" }, optIn: { key: "team/read" } },
    "optIn.key and optIn.aliases would be ignored",
    "config.optIn of each store",
  ],
  ["an address without brackets", { metrics: { host: "::" } }, "'/metrics/host'"],
  ["the chart's own file", { configFiles: { "mooring.yaml": "" } }, "configFiles has mooring.yaml"],
  [
    "nothing to do",
    { controlPlane: { enabled: false, url: "", auth: NO_TOKEN } },
    "There is nothing to do",
    "sources.crd.enabled=true",
  ],
  ["an integration twice", { integrations: [tcp("a"), tcp("a")] }, "integrations has a twice"],
  ["a name with a dot", { integrations: [tcp("a.b")] }, "the name a.b has a dot", "Write a-b"],
  [
    "namespaces of a source that is off",
    { sources: { crd: { namespaces: ["data"] } } },
    "sources.crd.namespaces is set but sources.crd.enabled is false",
  ],
  [
    "all namespaces and others",
    { sources: { crd: { enabled: true, namespaces: ["*", "data"] } } },
    'Write ["*"] for all namespaces',
  ],
  [
    "two pods of one identity",
    { strategy: { type: "RollingUpdate" } },
    "strategy.type=RollingUpdate with replicaCount=1",
    "set replicaCount=2",
  ],
  [
    "two pods of one identity, by what Kubernetes takes where no type is named",
    { strategy: { rollingUpdate: { maxSurge: 1 } } },
    "strategy.type=RollingUpdate with replicaCount=1",
  ],
  [
    "a key that goes with the pod, and a token for one use",
    { state: { volume: { emptyDir: {} } } },
    "state.volume.emptyDir goes with the pod",
    "set controlPlane.auth.method=kubernetes",
  ],
  [
    "a proxy whose port the policy cannot know",
    { proxy: { existingSecret: { name: "proxy" } }, networkPolicy: { egress: { enabled: true } } },
    "its port stands in Secret proxy",
    "--set 'networkPolicy.egress.extraPorts={3128}'",
  ],
  [
    "no token for Vault",
    {
      serviceAccount: { automount: false },
      state: { volume: { persistentVolumeClaim: { claimName: "key" } } },
      secretStores: [{ name: "vault", type: "vault", config: { auth: { method: "kubernetes", role: "r" } } }],
    },
    "logs in to Vault by the ServiceAccount's token",
  ],
  [
    "rights for the account of everybody",
    { serviceAccount: { create: false } },
    'the account "default"',
    "set serviceAccount.create=true",
  ],
  [
    "everybody's account to enrol by",
    {
      controlPlane: { auth: { method: "kubernetes", existingSecret: { name: "" } } },
      serviceAccount: { create: false },
      state: { volume: { emptyDir: {} } },
    },
    "every pod of namespace mooring enrol as this connector",
    "serviceAccount.create=true",
  ],
  [
    "no token for what needs it",
    { serviceAccount: { automount: false } },
    "needs the Kubernetes API for its key",
    "Leave automount null",
  ],
  ["a namespace without Secrets", { rbac: { secrets: { data: [] } } }, "rbac.secrets.data names no Secret"],
  [
    "all Secrets and some",
    { rbac: { clusterWideSecrets: true, secrets: { data: ["a"] } } },
    "rbac.clusterWideSecrets=true reads every Secret",
    "rbac.secrets is the safe one",
  ],
  ["a variable twice", { extraEnv: [{ name: "A" }, { name: "A" }] }, "extraEnv has A twice"],
  ["a volume of the chart", { extraVolumes: [{ name: "tmp" }] }, "extraVolumes has tmp", "another name"],
  [
    "a registry twice",
    { global: { imageRegistry: "r.example.com" }, image: { repository: "r.example.com/mooring" } },
    "Write image.repository=mooring",
  ],
  [
    "two proxies",
    { proxy: { https: "http://p:3128", existingSecret: { name: "proxy" } } },
    "proxy has two sources: existingSecret.name=proxy",
  ],
  [
    "a login in the proxy",
    { proxy: { https: "http://me:pw@p:3128" } },
    "proxy.https holds a login",
    "proxy.existingSecret",
  ],
  ["exceptions without a proxy", { proxy: { noProxy: ["a"] } }, "proxy.noProxy is set but no proxy is"],
  [
    "an alert that there is not",
    { metrics: { prometheusRule: { disabledAlerts: ["Nope"] } } },
    "the alert Nope, which there is not",
    "MooringConnectorUnreachable",
  ],
  [
    "a severity of one that there is not",
    { metrics: { prometheusRule: { severityOverrides: { Nope: "info" } } } },
    "the alert Nope",
  ],
];

const CONTROL_PLANE: readonly Row[] = [
  ["a typo", { publicURL: "x" }, "'publicURL' not allowed"],
  ["no address", { publicUrl: "" }, "publicUrl is missing", "--set publicUrl=https://mooring.example.com"],
  ["a plain address", { publicUrl: "http://m.example.com" }, "is plain", "Write https://m.example.com"],
  ["the connectors' address", { publicUrl: "wss://m.example.com" }, "Write https://m.example.com"],
  ["a login in the address", { publicUrl: "https://me@m.example.com" }, "publicUrl holds a login"],
  ["a path in the address", { publicUrl: "https://m.example.com/x" }, "is not an origin"],
  ["TLS nowhere", { tls: { existingSecret: "" } }, "Where does TLS end?", "--set tls.existingSecret=NAME"],
  ["TLS twice", { behindTlsProxy: true }, "exclude each other: say where TLS ends"],
  [
    "an authority of no Secret",
    { tls: { existingSecret: "", caKey: "ca.crt" }, behindTlsProxy: true },
    "tls.caKey=ca.crt is set but tls.existingSecret is not",
  ],
  ["an address without brackets", { metrics: { host: "::" } }, "'/metrics/host'"],
  ["a route to nowhere", { httpRoute: { enabled: true } }, "httpRoute.parentRefs is missing"],
  [
    "no operator",
    { operatorToken: { existingSecret: { name: "" } } },
    "operatorToken.existingSecret.name is missing",
    "kubectl -n mooring create secret generic mooring-operator",
  ],
  [
    "a viewer that may touch",
    { viewerToken: { existingSecret: { name: "mooring-operator" } } },
    "a viewer could touch everything",
  ],
  [
    "a claim that is not used",
    { persistence: { enabled: false, existingClaim: "own" } },
    "persistence.existingClaim=own is set but persistence.enabled is false",
  ],
  [
    "a right for the account of everybody",
    { rbac: { tokenReview: true }, serviceAccount: { create: false } },
    'the account "default"',
  ],
  [
    "a load balancer's settings without one",
    { service: { loadBalancerSourceRanges: ["10.0.0.0/8"] } },
    "service.loadBalancerSourceRanges is set but service.type is ClusterIP",
  ],
  ["one port for two", { metrics: { port: 7480 } }, "metrics.port=7480"],
  ["a variable twice", { extraEnv: [{ name: "A" }, { name: "A" }] }, "extraEnv has A twice"],
  ["a volume of the chart", { extraVolumes: [{ name: "data" }] }, "extraVolumes has data"],
  [
    "a registry twice",
    { global: { imageRegistry: "r.example.com" }, image: { repository: "r.example.com/mooring" } },
    "Write image.repository=mooring",
  ],
];

const skipped = whyNoHelm === undefined ? "" : ` (skipped: ${whyNoHelm})`;

const named = ([mistake, values, ...words]: Row) => ({ mistake, values, words });

async function refused(chart: Chart, values: object, words: readonly string[]): Promise<void> {
  const { code, stderr } = await withValues(chart, values);
  expect(code, "it rendered").not.toBe(0);
  for (const word of words) expect(stderr).toContain(word);
  // A template that breaks says so in helm's words, not in ours.
  expect(stderr).not.toMatch(/nil pointer|error calling|wrong type|can't evaluate/);
}

describe.skipIf(whyNoHelm !== undefined)(
  `a mistake in the values is told with what to write${skipped}`,
  () => {
    test.each(CONNECTOR.map(named))("connector: $mistake", ({ values, words }) =>
      refused("mooring-connector", values, words),
    );
    test.each(CONTROL_PLANE.map(named))("control plane: $mistake", ({ values, words }) =>
      refused("mooring-control-plane", values, words),
    );

    test("all mistakes at once", async () => {
      const { stderr } = await withValues("mooring-connector", {
        ...url(""),
        extraEnv: [{ name: "A" }, { name: "A" }],
      });
      expect(stderr.match(/^ {2}\* /gm)).toHaveLength(2);
    });

    test("a parent chart's values do not disturb", async () => {
      const global = { imageRegistry: "r.example.com", storageClass: "of somebody else" };
      expect((await withValues("mooring-connector", { global })).code).toBe(0);
      expect((await withValues("mooring-control-plane", { global })).code).toBe(0);
    });
  },
);
