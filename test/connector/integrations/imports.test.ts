import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { INTEGRATION_TYPES } from "../../../src/connector/integrations/index.ts";

const FOLDER = new URL("../../../src/connector/integrations/", import.meta.url);

/** The packages under node_modules that a fresh process has loaded once a module is imported. */
async function packagesOf(module: URL): Promise<string[]> {
  const program = `
    import { registerHooks } from "node:module";
    const seen = new Set();
    registerHooks({
      load(url, context, next) {
        const match = /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url);
        if (match !== null) seen.add(match[1]);
        return next(url, context);
      },
    });
    await import(${JSON.stringify(module.href)});
    console.log(JSON.stringify([...seen]));`;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program]);
  return JSON.parse(stdout) as string[];
}

test("the table of types loads no driver", async () => {
  expect(await packagesOf(new URL("index.ts", FOLDER))).toEqual(["zod"]);
});

test("the measure sees a driver where there is one", async () => {
  const driver = createRequire(import.meta.url).resolve("pg");
  expect(await packagesOf(new URL(`file://${driver}`))).toContain("pg");
});

test("the table and the folders agree", async () => {
  const entries = await readdir(FOLDER, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(INTEGRATION_TYPES.map(({ type }) => type).toSorted()).toEqual(folders.toSorted());
});
