import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { printedPages } from "../scripts/print/pages.ts";

const pages = await printedPages();

describe("what is printed from the code is in sync; npm run print", () => {
  test.each(Object.entries(pages))("%s", async (path, text) => {
    expect(await readFile(new URL(`../${path}`, import.meta.url), "utf8")).toBe(text);
  });
});
