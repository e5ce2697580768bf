// Writes the reference pages that are printed from the code: npm run print
import { writeFile } from "node:fs/promises";
import { printedPages } from "./print/pages.ts";

for (const [path, text] of Object.entries(await printedPages())) {
  await writeFile(new URL(`../${path}`, import.meta.url), text);
  console.log(path);
}
