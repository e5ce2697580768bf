// Writes what is printed from the charts: their versions, the tables of their values, manifests/.
// node scripts/chart-print.ts; needs helm: node test/cluster/install.ts tools
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { helm, ROOT } from "../test/chart/helm.ts";
import { chartFiles } from "./chart-files.ts";

const files = await chartFiles(async (args) => {
  const { code, stdout, stderr } = await helm("template", ...args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
});
for (const [path, text] of Object.entries(files)) {
  await mkdir(dirname(join(ROOT, path)), { recursive: true });
  await writeFile(join(ROOT, path), text);
  console.log(path);
}
