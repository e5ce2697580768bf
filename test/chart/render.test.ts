import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  casePath,
  cases,
  CHARTS,
  chartPath,
  helm,
  type Manifest,
  manifestsOf,
  rendered,
  ROOT,
  whyNoHelm,
} from "./helm.ts";
import { troubles } from "./typed.ts";

const all = await Promise.all(
  CHARTS.map(async (chart) => (await cases(chart)).map((name) => ({ chart, name }))),
);
const skipped = whyNoHelm === undefined ? "" : ` (skipped: ${whyNoHelm})`;

describe.skipIf(whyNoHelm !== undefined).each(all.flat())(`$chart, ci/$name${skipped}`, ({ chart, name }) => {
  test("is linted strictly", async () => {
    const { code, stdout, stderr } = await helm(
      "lint",
      "--strict",
      chartPath(chart),
      "-f",
      casePath(chart, name),
    );
    expect(`${stdout}${stderr}`).not.toMatch(/\[(WARNING|ERROR)\]/);
    expect(code).toBe(0);
  });

  test("renders what it did, and the same twice; vitest -u where that is meant", async () => {
    const [once, twice] = [await rendered(chart, name), await rendered(chart, name)];
    expect(twice).toBe(once);
    await expect(once).toMatchFileSnapshot(join(ROOT, "test/chart/golden", chart, `${name}.yaml`));
  });

  test("has known members of the right types, and no name twice", async () => {
    const manifests = manifestsOf(await rendered(chart, name));
    expect(manifests.flatMap(troubles)).toEqual([]);
    expect(manifests.flatMap((each) => twiceIn(each, each.kind))).toEqual([]);
    const ids = manifests.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ""}/${metadata.name}`);
    expect(ids).toEqual([...new Set(ids)]);
  });

  test("labels everything, and selects by what never changes", async () => {
    const own = manifestsOf(await rendered(chart, name)).filter(({ metadata }) => !isExtra(metadata));
    for (const { kind, metadata } of own) {
      expect(Object.keys(metadata.labels ?? {}), `${kind} ${metadata.name}`).toEqual(
        expect.arrayContaining(
          ["name", "instance", "version", "managed-by", "component", "part-of"].map(recommended),
        ),
      );
      expect(metadata.labels).toHaveProperty(["helm.sh/chart"]);
    }
    const [workload] = own.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet");
    if (workload === undefined) throw new Error("no workload");
    const { selector } = workload["spec"] as { selector: { matchLabels: object } };
    expect(Object.keys(selector.matchLabels)).toEqual(["name", "instance"].map(recommended));
  });
});

const recommended = (word: string): string => `app.kubernetes.io/${word}`;

const isExtra = ({ name }: Manifest["metadata"]): boolean => /-(more|text)$/.test(name);

/** Names that a list has twice: server-side apply refuses those of environments, volumes, mounts and ports. */
function twiceIn(value: unknown, path: string): string[] {
  if (Array.isArray(value)) {
    const keys = value.map((each) => (each as { name?: string; mountPath?: string } | null) ?? {});
    const seen = keys.map(({ name, mountPath }) => mountPath ?? name).filter((key) => key !== undefined);
    const double = seen.filter((key, index) => seen.indexOf(key) !== index);
    return [
      ...double.map((key) => `${path}: ${key}`),
      ...value.flatMap((each, at) => twiceIn(each, `${path}[${at}]`)),
    ];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inside]) => twiceIn(inside, `${path}.${key}`));
}

describe("the strict look itself", () => {
  const pod = (spec: object): Manifest => ({ apiVersion: "v1", kind: "Pod", metadata: { name: "x" }, spec });
  const container = { name: "c", image: "i" };

  test.each([
    [
      "an unknown member",
      { containers: [{ ...container, securityContext: { readOnlyRootFilesytem: true } }] },
    ],
    ["a wrong type", { containers: [{ ...container, ports: [{ containerPort: "7481" }] }] }],
    ["a map for a list", { containers: container }],
    ["a list for a map", { containers: [container], securityContext: [] }],
    ["a number among words", { containers: [container], nodeSelector: { zone: 1 } }],
    ["nothing", { containers: [container], volumes: null }],
  ])("finds %s", (_, spec) => {
    expect(troubles(pod(spec))).toHaveLength(1);
  });

  test("passes what is right, and finds a kind that there is not", () => {
    expect(troubles(pod({ containers: [container] }))).toEqual([]);
    expect(troubles({ apiVersion: "apps/v1", kind: "Deploymint", metadata: { name: "x" } })).toHaveLength(1);
  });
});
