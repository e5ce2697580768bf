import { readFile } from "node:fs/promises";
import { chartReadme } from "./chart-readme.ts";
import { manifestFiles, type Template } from "./chart-manifests.ts";

const CHARTS = ["mooring-connector", "mooring-control-plane"];

const read = (path: string): Promise<string> => readFile(new URL(`../${path}`, import.meta.url), "utf8");

/** Every file that is printed from the charts and the package, by its path from the root. */
export async function chartFiles(template: Template): Promise<Record<string, string>> {
  const { version } = JSON.parse(await read("package.json")) as { version: string };
  const files: Record<string, string> = {};
  for (const chart of CHARTS) {
    const [about, readme, values] = await Promise.all(
      ["Chart.yaml", "README.md", "values.yaml"].map((file) => read(`helm/${chart}/${file}`)),
    );
    if (about === undefined || readme === undefined || values === undefined) continue;
    files[`helm/${chart}/Chart.yaml`] = about
      .replace(/^version: .*$/m, `version: ${version}`)
      .replace(/^appVersion: .*$/m, `appVersion: ${version}`);
    files[`helm/${chart}/README.md`] = chartReadme(readme, values);
  }
  return { ...files, ...(await manifestFiles(template)) };
}
