import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { pageDirectory } from "../../src/control-plane/page.ts";

/** Without fonts, gzip, bytes: every script and style that any view loads. */
const MOST = 60_000;

describe("the built page", () => {
  const directory = pageDirectory(import.meta.url);
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" });
  const read = (name: string): string => readFileSync(join(directory, name), "utf8");

  test("is small", () => {
    const sizes = files
      .filter((name) => /\.(js|css|html|svg)$/.test(name))
      .map((name) => [name, gzipSync(read(name)).length] as const);
    const total = sizes.reduce((sum, [, size]) => sum + size, 0);
    expect(total, JSON.stringify(sizes)).toBeLessThanOrEqual(MOST);
  });

  test("has nothing inline and names no other origin", () => {
    const page = read("index.html");
    expect(page).not.toMatch(/<script(?![^>]* src=)|<style|style=|\son\w+=/);
    for (const name of files.filter((one) => one.endsWith(".css")))
      expect(read(name)).not.toMatch(/url\(["']?(data:|https?:|\/\/)/);
    expect(page).not.toMatch(/https?:\/\//);
  });

  test("brings its fonts", () => {
    expect(files.filter((name) => name.endsWith(".woff2"))).toHaveLength(2);
  });
});
