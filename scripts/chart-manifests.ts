import { parseAllDocuments, stringify } from "yaml";

/** Renders a chart: `helm template` with these arguments. Resolves to its standard output. */
export type Template = (args: readonly string[]) => Promise<string>;

interface Kubernetes {
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: { template?: { metadata: Kubernetes["metadata"] } };
}

const NAMESPACE = "mooring";
const CONNECTOR = [
  "installKind=manifest",
  "controlPlane.url=wss://mooring.example.com",
  "controlPlane.auth.existingSecret.name=mooring-join",
];

/** The folders of manifests/: the chart, and what is set. */
const FOLDERS = {
  connector: { chart: "mooring-connector", values: CONNECTOR },
  "connector-crd": {
    chart: "mooring-connector",
    values: [...CONNECTOR, "crds.enabled=true", "sources.crd.enabled=true"],
  },
  "control-plane": {
    chart: "mooring-control-plane",
    values: [
      "publicUrl=https://mooring.example.com",
      "tls.existingSecret=mooring-tls",
      "operatorToken.existingSecret.name=mooring-operator",
    ],
  },
} as const;

/** Every file of manifests/, by its path from the root. They are for `kubectl apply -k`, without helm. */
export async function manifestFiles(template: Template): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const [folder, { chart, values }] of Object.entries(FOLDERS)) {
    const sets = values.flatMap((value) => ["--set", value]);
    const text = await template([
      "mooring",
      `helm/${chart}`,
      "--namespace",
      NAMESPACE,
      "--skip-tests",
      ...sets,
    ]);
    const all = objectsOf(text);
    const crds = all.filter(({ kind }) => kind === "CustomResourceDefinition");
    const rest = all.filter((each) => !crds.includes(each));
    if (crds.length > 0) {
      files["manifests/crds/crds.yaml"] = printed(chart, crds);
      files["manifests/crds/kustomization.yaml"] = kustomization(["crds.yaml"]);
    }
    files[`manifests/${folder}/${chart}.yaml`] = printed(chart, [NAMESPACE_OBJECT, ...rest]);
    files[`manifests/${folder}/kustomization.yaml`] = kustomization([
      ...(crds.length > 0 ? ["../crds"] : []),
      `${chart}.yaml`,
    ]);
  }
  return files;
}

/** Applying enforces the profile that the pods keep anyway. */
const NAMESPACE_OBJECT = {
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: NAMESPACE, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
};

/** Resources name their namespace, the CRD has none, and an overlay says another one. */
function kustomization(resources: readonly string[]): string {
  const kind = { apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization" };
  return `# Printed by scripts/chart-print.ts; docs/install.md says how to use it.\n${stringify({ ...kind, resources })}`;
}

function printed(chart: string, objects: readonly object[]): string {
  const texts = objects.map((each) => stringify(each, { lineWidth: 0, aliasDuplicateObjects: false }));
  return `# Printed from helm/${chart} by scripts/chart-print.ts.\n${texts.join("---\n")}`;
}

/** What helm alone understands is left out. */
function objectsOf(text: string): Kubernetes[] {
  const objects = parseAllDocuments(text)
    .map((document) => document.toJS() as Kubernetes | null)
    .filter((each) => each !== null);
  for (const { metadata, spec } of objects) {
    withoutHelm(metadata);
    if (spec?.template !== undefined) withoutHelm(spec.template.metadata);
  }
  return objects;
}

function withoutHelm(metadata: Kubernetes["metadata"]): void {
  const { labels, annotations } = metadata;
  for (const words of [labels, annotations]) {
    if (words === undefined) continue;
    for (const key of Object.keys(words)) if (key.startsWith("helm.sh/")) delete words[key];
    delete words["app.kubernetes.io/managed-by"];
  }
  if (annotations !== undefined && Object.keys(annotations).length === 0) delete metadata.annotations;
}
