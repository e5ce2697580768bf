import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { chartPath, promtool, ROOT, whyNoPromtool } from "./helm.ts";

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<"summary" | "description" | "runbook_url", string>>;
}
interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string }[];
}

const read = (...path: string[]): Promise<string> => readFile(join(ROOT, ...path), "utf8");
const file = chartPath("mooring-connector", "files", "alerts.yaml");
const { groups } = parse(await readFile(file, "utf8")) as { groups: { rules: Alert[] }[] };
const alerts = groups.flatMap(({ rules }) => rules);
const dashboardText = await readFile(chartPath("mooring-connector", "files", "dashboard.json"), "utf8");
const dashboard = JSON.parse(dashboardText) as {
  readonly id: null;
  readonly uid: string;
  readonly __inputs?: unknown;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
};
const exported = new Set(
  [...(await read("docs", "metrics.md")).matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name),
);
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** The metrics of a query that no program exports. */
function unknownIn(query: string): string[] {
  const names = query.match(/\b(mooring|process|nodejs)_\w+/g) ?? [];
  return names.filter(
    (name) => !exported.has(name) && !exported.has(name.replace(/_(bucket|sum|count)$/, "")),
  );
}

describe("alerts", () => {
  test("are six, each with words, a severity and a runbook", () => {
    expect(alerts.map(({ alert }) => alert)).toHaveLength(6);
    for (const { alert, labels, annotations } of alerts) {
      expect(["critical", "warning"]).toContain(labels.severity);
      expect(annotations.runbook_url).toBe(`docs/runbooks/${alert}.md`);
      expect(annotations.summary).toMatch(/\{\{ \$labels\.(job|integration) \}\}.*\.$/);
    }
  });

  test.each(alerts)("$alert asks for what is exported", ({ expr }) => {
    expect(expr).toMatch(/mooring_/);
    expect(unknownIn(expr)).toEqual([]);
  });

  test.each(alerts)("$alert has a runbook, a rule test and a panel", async ({ alert }) => {
    const runbook = await read("docs", "runbooks", `${alert}.md`);
    expect(runbook.match(/^## .*$/gm)).toEqual(["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"]);
    expect(await read("test", "chart", "alerts.test.yaml")).toContain(`alertname: ${alert}`);
    expect(dashboardText).toContain(alert);
  });

  test("have no runbook without an alert", async () => {
    const files = await readdir(join(ROOT, "docs", "runbooks"));
    expect(files.toSorted()).toEqual(alerts.map(({ alert }) => `${alert}.md`).toSorted());
  });

  test("a metric that there is not is found", () => {
    expect(unknownIn("rate(mooring_probe_duration_seconds_bucket[5m]) > mooring_nope")).toEqual([
      "mooring_nope",
    ]);
  });
});

const skipped = whyNoPromtool === undefined ? "" : ` (skipped: ${whyNoPromtool})`;

describe.skipIf(whyNoPromtool !== undefined)(`promtool${skipped}`, () => {
  test("check rules", async () => {
    const said = await promtool(ROOT, "check", "rules", "--lint=all", "--lint-fatal", file);
    expect(said).toMatchObject({ code: 0, stderr: "" });
  });

  test("test rules", async () => {
    const { code, stdout, stderr } = await promtool(
      join(ROOT, "test", "chart"),
      "test",
      "rules",
      "alerts.test.yaml",
    );
    expect(`${stdout}${stderr}`).toContain("SUCCESS");
    expect(code).toBe(0);
  });

  test("takes the dashboard's queries", async () => {
    const known = queries.map((query) => query.replaceAll("$__rate_interval", "5m"));
    const rules = known.map((expr, index) => ({ record: `a:b${index}`, expr }));
    const said = await withRules(JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    expect(said).toContain(`SUCCESS: ${queries.length} rules found`);
  });
});

async function withRules(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mooring-rules-"));
  try {
    await writeFile(join(folder, "rules.yaml"), text);
    const { stdout, stderr } = await promtool(folder, "check", "rules", "--lint=none", "rules.yaml");
    return `${stdout}${stderr}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe("the dashboard", () => {
  test("asks for what is exported, of the chosen source", () => {
    expect(queries.length).toBeGreaterThan(20);
    expect(queries.flatMap(unknownIn)).toEqual([]);
    for (const { type, datasource, title } of dashboard.panels)
      if (type !== "row") expect(datasource?.uid, title).toBe("${datasource}");
  });

  test("can be imported anywhere, and once", () => {
    expect(dashboard).toMatchObject({ id: null, uid: "mooring-connector" });
    expect(dashboard).not.toHaveProperty("__inputs");
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("has every variable that it uses", () => {
    const own = new Set([...dashboard.templating.list.map(({ name }) => name), "__rate_interval", "__all"]);
    const used = [...dashboardText.matchAll(/\$\{?(\w+)\}?/g)].map(([, name]) => name ?? "");
    expect(used.filter((name) => !own.has(name))).toEqual([]);
  });
});
