import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { chartFiles } from "../../scripts/chart-files.ts";
import { chartValues } from "../../scripts/chart-readme.ts";
import { CHARTS, chartPath, helm, kubectl, manifestsOf, ROOT, whyNoHelm } from "./helm.ts";
import { troubles } from "./typed.ts";

interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

const skipped = whyNoHelm === undefined ? "" : ` (skipped: ${whyNoHelm})`;

describe.each(CHARTS)("values of %s", (chart) => {
  const read = (file: string): Promise<string> => readFile(chartPath(chart, file), "utf8");

  test("each says what it is", async () => {
    const mute = chartValues(await read("values.yaml")).filter(({ says }) => says === "");
    expect(mute.map(({ key }) => key)).toEqual([]);
  });

  test("are those of the schema, and it refuses others", async () => {
    const schema = JSON.parse(await read("values.schema.json")) as Schema;
    const named = chartValues(await read("values.yaml")).map(({ key }) => key);
    const { keys, open } = leaves(schema, schema, "");
    const covers = (a: string, b: string): boolean => a === b || a.startsWith(`${b}.`);
    expect(named.filter((key) => !keys.some((other) => covers(key, other) || covers(other, key)))).toEqual(
      [],
    );
    expect(keys.filter((key) => !named.some((other) => covers(key, other) || covers(other, key)))).toEqual(
      [],
    );
    // `global` is everybody's.
    expect(open).toEqual(["global"]);
  });
});

/** The leaves of a schema, and the maps with named members that take others besides. */
function leaves(
  root: Schema,
  schema: Schema,
  path: string,
): { readonly keys: string[]; readonly open: string[] } {
  const resolved = schema.$ref === undefined ? schema : (root.$defs?.[schema.$ref.slice(8)] ?? {});
  const { properties, additionalProperties } = resolved;
  if (properties === undefined) return { keys: [path], open: [] };
  const inside = Object.entries(properties).map(([key, each]) =>
    leaves(root, each, path === "" ? key : `${path}.${key}`),
  );
  const open = additionalProperties === false ? [] : [path];
  return {
    keys: inside.flatMap(({ keys }) => keys),
    open: [...open, ...inside.flatMap((each) => each.open)],
  };
}

describe.skipIf(whyNoHelm !== undefined)(`what is printed from the charts${skipped}`, async () => {
  const files =
    whyNoHelm === undefined ? await chartFiles(async (args) => (await helm("template", ...args)).stdout) : {};

  test.each(Object.entries(files))("%s is in sync; node scripts/chart-print.ts", async (path, text) => {
    expect(await readFile(join(ROOT, path), "utf8")).toBe(text);
  });

  test.each(["connector", "connector-crd", "control-plane", "crds"])(
    "manifests/%s is built by -k",
    async (folder) => {
      const { code, stdout, stderr } = await kubectl("kustomize", join("manifests", folder));
      expect(stderr).toBe("");
      expect(code).toBe(0);
      expect(manifestsOf(stdout).flatMap(troubles)).toEqual([]);
      expect(stdout).not.toContain("helm.sh/");
    },
  );
});
