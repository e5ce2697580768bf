/** What the pages tell people to write is what the charts take. */
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { chartValues } from "../../scripts/chart-readme.ts";
import { CHARTS, type Chart, chartPath, kubectl, manifestsOf, ROOT, whyNoHelm, withValues } from "./helm.ts";

const skipped = whyNoHelm === undefined ? "" : ` (skipped: ${whyNoHelm})`;
const folder = join(ROOT, "docs");
const names = (await readdir(folder, { recursive: true })).filter((name) =>
  /^(install|upgrade|runbooks)/.test(name),
);
const pages = await Promise.all(
  names
    .filter((name) => name.endsWith(".md"))
    .map(async (name) => ({ name, text: await readFile(join(folder, name), "utf8") })),
);
const readmes = await Promise.all(
  CHARTS.map(async (chart) => ({ name: chart, text: await readFile(chartPath(chart, "README.md"), "utf8") })),
);
const known = new Map<Chart, readonly string[]>();
for (const chart of CHARTS) {
  const values = chartValues(await readFile(chartPath(chart, "values.yaml"), "utf8"));
  known.set(
    chart,
    values.map(({ key }) => key),
  );
}

/** The charts that have a value of this path, or one that is above or below it. */
function chartsWith(path: string): Chart[] {
  const near = (key: string): boolean =>
    key === path || key.startsWith(`${path}.`) || path.startsWith(`${key}.`) || path.startsWith(`${key}[`);
  return CHARTS.filter((chart) => known.get(chart)?.some(near));
}

test.each([...pages, ...readmes])("$name sets values that there are", ({ text }) => {
  const set = [...text.matchAll(/--set(?:-string)? '?([A-Za-z][\w.[\]-]*)=/g)].map(([, path]) => path ?? "");
  const said = [...text.matchAll(/`([a-z]\w*(?:\.\w+)+)(?:=[^`]*)?`/g)].map(([, path]) => path ?? "");
  const meant = said.filter(
    (path) => chartsWith(path.split(".")[0] ?? "").length > 0 && !/\.(pem|crt|yaml|ts)$/.test(path),
  );
  expect([...set, ...meant].filter((path) => chartsWith(path).length === 0)).toEqual([]);
});

/** The blocks of a page that are values: all of their keys are. */
function blocks(text: string): { values: object; chart: Chart }[] {
  return [...text.matchAll(/^ *```yaml\n(.*?)\n *```/gms)].flatMap(([, block = ""]) => {
    const values = parse(block) as object;
    const charts = CHARTS.filter((chart) =>
      Object.keys(values).every((key) => chartsWith(key).includes(chart)),
    );
    return charts.map((chart) => ({ values, chart }));
  });
}

describe.skipIf(whyNoHelm !== undefined)(`values in the pages${skipped}`, () => {
  const all = pages.flatMap(({ name, text }) => blocks(text).map((block) => ({ name, ...block })));
  test("are there", () => expect(all.length).toBeGreaterThanOrEqual(8));
  test.each(all)("$name: $chart takes $values", async ({ chart, values }) => {
    // Where TLS ends elsewhere it does not end here.
    const route = "ingress" in values ? { tls: { existingSecret: "" } } : {};
    expect(await withValues(chart, { ...route, ...values })).toMatchObject({ code: 0 });
  });

  test("the overlay of docs/install.md is built", async () => {
    const text = pages.find(({ name }) => name === "install.md")?.text ?? "";
    const overlay = /^```yaml\n# kustomization\.yaml\n(.*?)\n```/ms.exec(text)?.[1] ?? "";
    const place = await mkdtemp(join(tmpdir(), "mooring-overlay-"));
    try {
      await symlink(ROOT, join(place, "mooring"));
      await writeFile(join(place, "kustomization.yaml"), overlay);
      const { stdout, stderr } = await kubectl("kustomize", "--load-restrictor=LoadRestrictionsNone", place);
      expect(stderr).toBe("");
      const [deployment] = manifestsOf(stdout).filter(({ kind }) => kind === "Deployment");
      expect(JSON.stringify(deployment)).toContain('"image":"registry.example.com/mooring:');
      expect(stdout).toContain("https://shop.example.com/healthz");
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  });
});
